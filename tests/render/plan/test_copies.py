"""Pictures taken from sources as they are: frame for frame those of the source, or encoded where they cannot be."""

import hashlib
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.render.studio import Studio, color, decode, probe, psnr, sound, uri
from videojob_contract.plan_report import Plan
from videojob_worker import engine

SIZE = "160x90"


def film(path: Path, *options: str, seconds: float = 4, rate: str = "25", source: str = "testsrc2") -> Path:
    """A video that changes in each frame, with a keyframe a second."""
    pictures = f"{source}=s={SIZE}:r={rate}"
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-pix_fmt", "yuv420p"]
    keys = ["-force_key_frames", "expr:gte(t,n_forced)"]
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        pictures,
        *encoder,
        *keys,
        "-t",
        str(seconds),
        *options,
        str(path),
    ]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def a(folder: Path) -> Path:
    return film(folder / "a.mp4")


@pytest.fixture(scope="module")
def b(folder: Path) -> Path:
    """Coded like `a`, with other pictures."""
    return film(folder / "b.mp4", source="mandelbrot", seconds=3)


def clip(path: Path, start: str | None = None, end: str | None = None, **fields: Any) -> dict[str, Any]:
    times = {name: value for name, value in (("from", start), ("to", end)) if value is not None}
    return {"video": {"uri": uri(path), **times}, **fields}


def plan(studio: Studio, clips: Sequence[dict[str, Any]], files: Sequence[Path], **options: Any) -> Plan:
    return engine.plan(studio.request(clips, files=files, **options), lambda _: None, lambda: False)


def reason(plan: Plan) -> str:
    """Why the first output is not copied; empty when it is."""
    return plan.outputs[0].why.partition("not copied, because ")[2]


def payloads(path: Path) -> list[str]:
    """What is coded in each frame, in order of decoding."""
    with av.open(str(path)) as container:
        return [hashlib.md5(bytes(packet)).hexdigest() for packet in container.demux(video=0) if packet.size]  # noqa: S324


def check_times(path: Path, frames: int, fps: Fraction = Fraction(25)) -> None:
    """Every frame once, at its time; decoded in the order of the file, each a frame after the one before."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert sorted(packet.pts * stream.time_base * fps for packet in packets if packet.pts is not None) == [
            *range(frames)
        ]
        stamps = [packet.dts for packet in packets if packet.dts is not None]
        assert {second - first for first, second in pairwise(stamps)} == {1 / fps / stream.time_base}
        assert all(packet.dts <= packet.pts for packet in packets if packet.pts is not None and packet.dts is not None)
    told = probe(path, "-select_streams", "v", "-count_frames")["streams"][0]
    assert (int(told["nb_read_frames"]), told["codec_tag_string"]) == (frames, told["codec_tag_string"])
    assert Fraction(told["duration"]).limit_denominator(1000) == pytest.approx(frames / fps, abs=1e-3)
    assert float(told["start_time"]) == 0
    strict = ["ffmpeg", "-v", "warning", "-xerror", "-i", str(path), "-f", "null", "-"]
    assert subprocess.run(strict, check=True, capture_output=True).stderr == b""


def test_a_whole_video_is_taken_as_it_is(studio: Studio, a: Path) -> None:
    assert reason(plan(studio, [clip(a)], [a])) == ""
    out = studio.movie([clip(a)], files=[a])
    assert payloads(out) == payloads(a)
    check_times(out, 100)


def test_a_film_that_begins_with_sound_is_cut_where_its_pictures_are(studio: Studio, folder: Path, a: Path) -> None:
    late = folder / "late.mp4"
    sound = ["-f", "lavfi", "-i", "sine=duration=5"]
    ffmpeg = ["ffmpeg", "-v", "error", "-y", "-itsoffset", "1", "-i", str(a), *sound]
    subprocess.run([*ffmpeg, "-map", "0:v", "-map", "1:a", "-c:v", "copy", str(late)], check=True)
    clips = [clip(late, "2s", "4s")]
    assert reason(plan(studio, clips, [late])) == ""
    np.testing.assert_array_equal(decode(studio.movie(clips, files=[late])), decode(a)[25:75])
    assert "no keyframe is" in reason(plan(studio, [clip(late, "0s", "4s")], [late]))


@pytest.mark.parametrize(("times", "frames"), [(("1s", "3s"), slice(25, 75)), (("2s", None), slice(50, 100))])
def test_a_trim_is_the_frames_of_the_source(
    studio: Studio, a: Path, times: tuple[str, str | None], frames: slice
) -> None:
    out = studio.movie([clip(a, *times)], files=[a])
    wanted = decode(a)[frames]
    np.testing.assert_array_equal(decode(out), wanted)
    check_times(out, len(wanted))
    assert set(payloads(out)) <= set(payloads(a))


def test_it_may_end_wherever_no_later_frame_is_needed(studio: Studio, a: Path) -> None:
    """After some frames, what is shown is what was decoded; after the others, a frame from behind them is missing."""
    copied = {}
    for frames in range(26, 50):
        found = plan(studio, [clip(a, "1s", duration=f"{frames * 40}ms")], [a])
        copied[frames] = not reason(found)
        assert copied[frames] or reason(found) == "clip 0 ends amid frames that need each other"
    assert 0 < sum(copied.values()) < len(copied)
    frames = min(frames for frames, is_copied in copied.items() if is_copied)
    out = studio.movie([clip(a, "1s", duration=f"{frames * 40}ms")], files=[a])
    np.testing.assert_array_equal(decode(out), decode(a)[25 : 25 + frames])


def test_pieces_of_like_videos_are_joined(studio: Studio, a: Path, b: Path) -> None:
    clips = [clip(a, "2s", "4s"), clip(b, "1s", "2s"), clip(a, "0s", "1s"), clip(b)]
    out = studio.movie(clips, files=[a, b])
    of_a, of_b = decode(a), decode(b)
    np.testing.assert_array_equal(decode(out), np.concatenate([of_a[50:], of_b[25:50], of_a[:25], of_b]))
    check_times(out, 175)
    assert set(payloads(out)) <= {*payloads(a), *payloads(b)}


def test_many_pieces(studio: Studio, a: Path) -> None:
    out = studio.movie([clip(a, f"{n % 4}s", f"{n % 4 + 1}s") for n in range(60)], files=[a])
    np.testing.assert_array_equal(decode(out), np.concatenate([decode(a)] * 15))
    check_times(out, 1500)


@pytest.mark.parametrize(
    ("name", "rate", "options"),
    [
        ("plain.mkv", "30000/1001", ()),
        ("plain.mov", "25", ("-bf", "0")),
        ("pyramid.mp4", "60000/1001", ("-x264-params", "bframes=8:b-pyramid=normal:ref=4")),
        ("fragments.mp4", "25", ("-movflags", "frag_keyframe+empty_moov")),
        ("late.mp4", "25", ("-output_ts_offset", "1.5")),
        ("slices.mp4", "25", ("-x264-params", "slices=4")),
        ("tagged.mp4", "25", ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")),
    ],
)
def test_containers_rates_and_orders(
    studio: Studio, folder: Path, name: str, rate: str, options: tuple[str, ...]
) -> None:
    source, fps = film(folder / name, *options, rate=rate), Fraction(rate)
    of_source = decode(source)
    with av.open(str(source)) as container:
        second = [n for n, frame in enumerate(container.decode(video=0)) if frame.key_frame][1]
    # A moment after the keyframe comes on, up to the end, and then from the beginning.
    clips = [clip(source, f"{float(second / fps) + 0.002:.3f}s"), clip(source)]
    assert reason(plan(studio, clips, [source], fps=rate)) == ""
    out = studio.movie(clips, files=[source], fps=rate)
    np.testing.assert_array_equal(decode(out), np.concatenate([of_source[second:], of_source]))
    check_times(out, len(of_source) * 2 - second, fps)


def test_h265(studio: Studio, folder: Path) -> None:
    x265 = ["-c:v", "libx265", "-x265-params", "log-level=error:open-gop=0", "-tag:v", "hvc1"]
    source = film(folder / "x265.mp4", *x265, seconds=3)
    clips = [clip(source, "1s", "2s"), clip(source)]
    outputs = [{"name": "main", "format": "mp4", "codec": "h265"}]
    assert reason(plan(studio, clips, [source], outputs=outputs)) == ""
    out = studio.movie(clips, files=[source], outputs=outputs)
    of_source = decode(source)
    np.testing.assert_array_equal(decode(out), np.concatenate([of_source[25:50], of_source]))
    check_times(out, 100)
    assert probe(out)["streams"][0]["codec_tag_string"] == "hvc1"


def test_the_sound_is_mixed_to_the_sample_under_copied_pictures(studio: Studio, folder: Path) -> None:
    silent = film(folder / "silent.mp4", seconds=3)
    tone = ["-f", "lavfi", "-i", "sine=f=1000:r=48000:d=3", "-map", "0:v", "-map", "1:a", "-c:a", "aac"]
    source = again(silent, "tone.mp4", *tone)
    clips = [clip(silent, "0s", "1s"), clip(source, "1s", "2s"), clip(silent, "1s", "2s")]
    assert reason(plan(studio, clips, [source, silent])) == ""
    out = studio.movie(clips, files=[source, silent])
    check_times(out, 75)
    heard = np.abs(sound(out)[0]) > 0.01
    assert np.flatnonzero(heard)[0] == pytest.approx(48_000, abs=480)
    assert np.flatnonzero(heard)[-1] == pytest.approx(96_000, abs=480)


def heard(source: Path, name: str, *, rate: int = 48_000, channels: int = 2) -> Path:
    """The same pictures with noise, in which every sample differs."""
    noise = ["-f", "lavfi", "-i", f"anoisesrc=r={rate}:d=4:a=0.2:seed=1", "-map", "0:v", "-map", "1:a"]
    # Without perceptual noise substitution, which a decoder fills in at random.
    return again(source, name, *noise, "-c:a", "aac", "-aac_pns", "0", "-ac", str(channels))


@pytest.mark.parametrize(("start", "end"), [(0, 4), (1, 3), (2, 3), (3, 4)])
def test_the_sound_of_a_trim_is_the_samples_of_the_source(
    studio: Studio, a: Path, tmp_path: Path, start: int, end: int
) -> None:
    source = heard(a, f"noise-{start}.mp4")
    clips, samples = [clip(source, f"{start}s", f"{end}s")], slice(start * 48_000, end * 48_000)
    assert "pictures and sound" in plan(studio, clips, [source]).outputs[0].why
    out = studio.movie(clips, files=[source])
    check_times(out, 25 * (end - start))
    wanted = sound(source)[:, samples]
    # A decoder gives the last packet whole.
    np.testing.assert_array_equal(sound(out)[:, : wanted.shape[1]], wanted)
    told = probe(out, "-select_streams", "a")["streams"][0]
    assert (float(told["start_time"]), float(told["duration"])) == (0, end - start)
    pcm = tmp_path / "other.f32"
    command = ["ffmpeg", "-v", "error", "-i", str(out), "-map", "0:a", "-f", "f32le", str(pcm)]
    subprocess.run(command, check=True)
    other = np.fromfile(pcm, np.float32).reshape(-1, 2).T[:, : wanted.shape[1]]
    np.testing.assert_allclose(other, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "fields", "options"),
    [
        ({}, {"volume": 0.5}, {}),
        ({}, {}, {"tracks": [{"uri": "volume://media/noise.mp4"}]}),
        ({"rate": 44_100}, {}, {}),
        ({"channels": 1}, {}, {}),
    ],
)
def test_sound_that_is_not_as_an_output_has_it_is_encoded(
    studio: Studio, a: Path, source: dict[str, Any], fields: dict[str, Any], options: dict[str, Any]
) -> None:
    noise = heard(a, "noise.mp4", **source)
    clips = [{"video": {"uri": uri(noise), **fields}}]
    assert plan(studio, clips, [noise], **options).outputs[0].why.startswith("the pictures of its sources")
    out = studio.movie(clips, files=[noise], **options)
    assert payloads(out) == payloads(noise)
    told = probe(out, "-select_streams", "a")["streams"][0]
    assert (told["sample_rate"], told["channels"], float(told["duration"])) == ("48000", 2, 4.0)


def test_other_outputs_are_made_as_ever(studio: Studio, a: Path) -> None:
    outputs = [
        {"name": "main", "format": "mp4", "metadata": {"title": "As it is"}},
        {"name": "small", "format": "mp4", "width": 80},
        {"name": "poster", "format": "png", "at": "500ms"},
    ]
    main, small, poster = studio.render([clip(a, "1s", "2s")], files=[a], outputs=outputs)
    assert (main.frames, main.width, small.frames, small.width) == (25, 160, 25, 80)
    assert set(payloads(main.path)) <= set(payloads(a))
    assert probe(main.path)["format"]["tags"]["title"] == "As it is"
    with av.open(str(poster.path)) as container:
        [picture] = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(a)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert max(range(100), key=lambda number: psnr(picture, frames[number])) == 37


def test_the_plan_says_that_nothing_is_encoded(studio: Studio, a: Path) -> None:
    found = plan(studio, [clip(a)], [a])
    assert [(span.kind, span.memory_bytes) for span in found.spans] == [("copied", 0)]
    assert found.spans[0].why == "clip 0 (video) is a video: taken as it is, neither decoded nor encoded"
    assert (found.segments, found.encoders) == ([], 0)
    encoded = plan(studio, [clip(a)], [a], outputs=[{"name": "main", "format": "mp4", "copy": "never"}])
    assert reason(encoded) == "copy is never"
    assert encoded.spans[0].kind == "decoded"
    assert found.cost < encoded.cost / 20


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ({"crf": 23}, "crf is given"),
        ({"bitrate": "1M"}, "bitrate is given"),
        ({"maxBitrate": "1M"}, "maxBitrate is given"),
        ({"preset": "fast"}, "preset is given"),
        ({"keyframeInterval": "2s"}, "keyframeInterval is given"),
        ({"width": 80}, "it has another size than the canvas"),
        ({"fps": "50"}, "it has another frame rate than the canvas"),
        ({"codec": "h265"}, "the sources are coded in h264, and it in h265"),
        ({"codec": "av1"}, "av1 is not copied"),
    ],
)
def test_outputs_that_only_an_encoder_can_make(studio: Studio, a: Path, output: dict[str, Any], why: str) -> None:
    outputs = [{"name": "main", "format": "mp4", **output}]
    assert reason(plan(studio, [clip(a)], [a], outputs=outputs)) == why


VIDEO = {"uri": "volume://media/a.mp4"}


@pytest.mark.parametrize(
    ("clips", "why"),
    [
        ([{"video": VIDEO}, color("#000000")], "clip 1 is no video"),
        ([{"video": {**VIDEO, "speed": 2}}], "clip 0 plays at 2x"),
        ([{"video": {**VIDEO, "reverse": True}}], "clip 0 plays backwards"),
        ([{"video": {**VIDEO, "loop": True}, "duration": "6s"}], "clip 0 repeats"),
        ([{"video": VIDEO, "effects": [{"name": "BlackAndWhite"}]}], "clip 0 has effects"),
        ([{"video": VIDEO, "motion": {"zoom": {"to": 1.2}}}], "clip 0 moves"),
        (
            [{"video": VIDEO}, {"video": VIDEO, "transition": {"type": "crossfade", "duration": "1s"}}],
            "clip 1 comes in by a transition",
        ),
        (
            [{"video": {**VIDEO, "from": "1300ms"}}],
            "clip 0 starts at 1.28s of its source, where no keyframe is; the last one before it is at 1s",
        ),
        ([{"video": {**VIDEO, "to": "1040ms"}}, {"video": VIDEO}], "clip 1 follows a clip that ends with a keyframe"),
    ],
)
def test_timelines_that_only_an_encoder_can_make(
    studio: Studio, a: Path, clips: list[dict[str, Any]], why: str
) -> None:
    assert reason(plan(studio, clips, [a])) == why


Make = Callable[[Path], Path]


def made(name: str, *options: str, **more: Any) -> Make:
    return lambda folder: film(folder / name, *options, **more)


def again(source: Path, name: str, *options: str) -> Path:
    """The same packets in another file."""
    path = source.with_name(name)
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *options, "-c:v", "copy", str(path)]
    subprocess.run(command, check=True)
    return path


def turned(folder: Path) -> Path:
    return again(film(folder / "plain.mp4", seconds=1), "turned.mp4", "-metadata:s:v", "rotate=180")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (made("open.mp4", "-x264-params", "open-gop=1:keyint=25", "-force_key_frames", "0"), "open group of pictures"),
        (made("deep.mp4", "-pix_fmt", "yuv420p10le"), "has pictures in yuv420p10le"),
        (made("full.mp4", "-pix_fmt", "yuv422p"), "has pictures in yuv422p"),
        (made("range.mp4", "-pix_fmt", "yuvj420p"), "has pictures in yuvj420p"),
        (made("aspect.mp4", "-vf", "setsar=2"), "has pixels that are not square"),
        (made("fields.mp4", "-vf", "scale=160:96,setsar=1", "-flags", "+ilme+ildct"), "is not said to be progressive"),
        (made("color.mp4", "-colorspace", "bt470bg"), "has other colours"),
        (made("mpeg4.mp4", "-c:v", "mpeg4"), "is coded in mpeg4"),
        (made("slower.mp4", rate="24"), "has 24 frames a second for 25"),
        (made("larger.mp4", "-vf", "scale=320:180"), "has 320x180 pixels, not those of the canvas"),
        (turned, "is turned by its file"),
    ],
)
def test_videos_that_are_not_like_an_output(studio: Studio, tmp_path: Path, make: Make, why: str) -> None:
    source = make(tmp_path)
    start = "1s" if source.name == "open.mp4" else None
    assert why in reason(plan(studio, [clip(source, start)], [source]))


def test_videos_that_are_not_alike(studio: Studio, a: Path, tmp_path: Path) -> None:
    other = film(tmp_path / "other.mp4", "-preset", "ultrafast", seconds=1)
    found = plan(studio, [clip(a), clip(other)], [a, other])
    assert reason(found) == "clip 1 is not coded as the clip before it is"


def test_frames_at_uneven_times(studio: Studio, tmp_path: Path) -> None:
    even = film(tmp_path / "even.mp4", "-bf", "0")
    source = again(even, "uneven.mp4", "-bsf:v", "setts=ts=TS+if(eq(mod(N\\,7)\\,3)\\,200\\,0)")
    assert reason(plan(studio, [clip(source)], [source])) == "clip 0 does not have 25 frames in each second"


@pytest.mark.parametrize(("start", "end"), [("1300ms", "2500ms"), ("1s", "2480ms")])
def test_what_cannot_be_copied_is_encoded_for_the_same_frames(studio: Studio, a: Path, start: str, end: str) -> None:
    out = studio.movie([clip(a, start, end)], files=[a], outputs=[{"name": "main", "format": "mp4", "quality": "high"}])
    frames = decode(out)
    check_times(out, len(frames))
    of_source = decode(a)
    first = int(
        Fraction(start.removesuffix("ms").removesuffix("s")) * (1 if "ms" not in start else Fraction(1, 1000)) * 25
    )
    likeness = [partial(psnr, frame) for frame in frames]
    for number, like in enumerate(likeness):
        assert max(range(len(of_source)), key=lambda other: like(of_source[other])) == first + number
