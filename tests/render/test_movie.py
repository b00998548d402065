"""Whole renders: every frame in its place, at every rate; the file as promised; and what may not happen."""

import hashlib
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from threading import Event, Timer
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.render.studio import Studio, color, decode, image, probe, psnr, uri
from videojob_contract.assignment import Progress
from videojob_contract.errors import CancelledError, PermanentError, Reason, TransientError
from videojob_contract.resources.outputs import Quality
from videojob_contract.resources.status import Stage
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_worker.encode.video import SegmentEncoder
from videojob_worker.pixels.yuv import Picture, from_rgb, parse_color, planes, rgb_to_yuv
from videojob_worker.request import source_uris

RATES = ["24000/1001", "25", "30000/1001", "30", "50", "60000/1001"]
CROSSFADE = {"type": "crossfade", "duration": "500ms"}


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("threads", [1, 2])
def test_frames_and_times_are_exact(studio: Studio, fps: str, threads: int) -> None:
    clips = [color("#102030", "1700ms"), color("#a0b0c0", "2300ms", transition=CROSSFADE), color("#405060", "3100ms")]
    rendered = studio.render(clips, fps=fps, threads=threads)[0]
    frames = round(Fraction(6600, 1000) * Fraction(fps))
    assert rendered.frames == frames
    assert rendered.duration == frames / Fraction(fps)
    found = probe(rendered.path, "-count_frames", "-show_entries", "packet=pts,codec_type", "-show_packets")
    video = found["streams"][0]
    assert int(video["nb_read_frames"]) == int(video["nb_frames"]) == frames
    assert Fraction(video["r_frame_rate"]) == Fraction(video["avg_frame_rate"]) == Fraction(fps)
    base = Fraction(video["time_base"])
    times = sorted(packet["pts"] * base for packet in found["packets"])
    assert times == [number / Fraction(fps) for number in range(frames)]


@pytest.mark.parametrize("threads", [1, 3])
def test_every_clip_is_seen_for_its_own_frames_in_order(studio: Studio, tmp_path: Path, threads: int) -> None:
    # Each clip shows its own number as stripes, so each decoded frame says which clip it is of.
    lengths = [1, 2, 3, 5, 1, 40, 1, 4] * 8
    pictures = [
        media.stripes(tmp_path / f"{number}.png", [bool(number >> bit & 1) for bit in range(7, -1, -1)])
        for number in range(len(lengths))
    ]
    clips = [image(path, f"{length * 40}ms", fit="stretch") for path, length in zip(pictures, lengths, strict=True)]
    seen = []
    for frame in decode(studio.movie(clips, files=pictures, threads=threads)):
        stripes = frame[45, 10::20] > 128
        seen.append(int("".join(str(int(bit)) for bit in stripes), 2))
    assert seen == [number for number, length in enumerate(lengths) for _ in range(length)]


def test_colours_are_kept(studio: Studio) -> None:
    colors = ["#ff0000", "#00ff00", "#0000ff", "#123456", "#fedcba", "#808080"]
    frames = decode(studio.movie([color(value, "200ms") for value in colors]))
    for index, value in enumerate(colors):
        expected = rgb_to_yuv(parse_color(value))
        for frame in frames[index * 5 : index * 5 + 5]:
            for plane, level in zip(planes(frame), expected, strict=True):
                assert np.abs(plane.astype(int) - level).max() <= 2


@pytest.mark.parametrize("size", [(16, 16), (18, 18), (18, 20), (160, 90), (426, 240), (1366, 768)])
def test_photographs_are_kept_at_any_even_size(studio: Studio, size: tuple[int, int]) -> None:
    paths = media.photographs(640, 360)[:2]
    clips = [image(path, "200ms", fit="stretch") for path in paths]
    output = {"name": "main", "format": "mp4", "crf": 1}
    frames = decode(studio.movie(clips, files=paths, size=size, outputs=[output]))
    assert frames.shape == (10, size[1] * 3 // 2, size[0])
    for index, path in enumerate(paths):
        with Image.open(path) as photograph:
            expected = from_rgb(photograph.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
        for frame in frames[index * 5 : index * 5 + 5]:
            assert min(psnr(a, b) for a, b in zip(planes(frame), planes(expected), strict=True)) > 45


def test_a_fade_goes_through_its_colour_on_the_way(studio: Studio) -> None:
    fade = {"type": "fade", "duration": "400ms", "color": "#ffffff"}
    frames = decode(studio.movie([color("#000000"), color("#000000", transition=fade)]))
    levels = frames[:, :90].mean(axis=(1, 2))
    assert levels[15:26] == pytest.approx(np.interp(range(11), [0, 5, 10], [16, 235, 16]), abs=2)


def test_transparency_shows_the_background(studio: Studio, tmp_path: Path) -> None:
    Image.new("RGBA", (160, 90), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    path = tmp_path / "clear.png"
    frames = decode(studio.movie([image(path, "80ms")], files=[path], background="#ff0000"))
    assert abs(int(np.median(frames[0][:90])) - 63) <= 1


def test_the_file_is_tagged_and_laid_out_as_asked(studio: Studio) -> None:
    metadata = {"title": "Holiday", "artist": "Ana"}
    output = {"name": "main", "format": "mp4", "metadata": metadata, "keyframeInterval": "400ms"}
    movie = studio.movie([color("#204060", "2s")], outputs=[output])
    found = probe(movie, "-show_entries", "packet=flags,pts_time")
    video = found["streams"][0]
    assert {video[key] for key in ("color_space", "color_transfer", "color_primaries")} == {"bt709"}
    assert (video["color_range"], video["pix_fmt"], video["profile"]) == ("tv", "yuv420p", "High")
    assert {key: found["format"]["tags"][key] for key in metadata} == metadata
    keyframes = [float(packet["pts_time"]) for packet in found["packets"] if packet["flags"].startswith("K")]
    assert keyframes == pytest.approx([0, 0.4, 0.8, 1.2, 1.6])
    content = movie.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_index_is_last_without_faststart_and_own_tags_are_kept(studio: Studio) -> None:
    output = {"name": "main", "format": "mp4", "metadata": {"shot-by": "Ana"}, "faststart": False}
    movie = studio.movie([color("#204060", "200ms")], outputs=[output])
    assert probe(movie)["format"]["tags"]["shot-by"] == "Ana"
    content = movie.read_bytes()
    assert content.index(b"mdat") < content.index(b"moov")


def test_better_quality_is_larger(studio: Studio) -> None:
    path = media.photographs(320, 180)[0]
    outputs = [{"name": quality.lower(), "format": "mp4", "quality": quality} for quality in Quality]
    rendered = studio.render([image(path, "400ms")], files=[path], size=(320, 180), outputs=outputs)
    sizes = [output.path.stat().st_size for output in rendered]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 2 * sizes[0]


def test_crf_0_is_lossless(studio: Studio) -> None:
    path = media.photographs(160, 90)[0]
    output = {"name": "main", "format": "mp4", "crf": 0}
    frames = decode(studio.movie([image(path, "400ms", fit="stretch")], files=[path], outputs=[output]))
    with Image.open(path) as photograph:
        expected = from_rgb(photograph.convert("RGB"))
    assert all(np.array_equal(frame, expected) for frame in frames)


def test_keyframes_can_be_as_far_apart_as_any_duration(studio: Studio) -> None:
    output = {"name": "main", "format": "mp4", "keyframeInterval": "10000h"}
    assert len(decode(studio.movie([color("#204060", "100ms")], fps="240", outputs=[output]))) == 24


def test_a_tag_named_timecode_is_no_track(studio: Studio) -> None:
    output = {"name": "main", "format": "mp4", "metadata": {"timecode": "01:00:00:00"}}
    streams = probe(studio.movie([color("#204060", "200ms")], outputs=[output]))["streams"]
    assert [stream["codec_type"] for stream in streams] == ["video"]


@pytest.mark.parametrize(("field", "value"), [("preset", "warp9"), ("crf", 60)])
def test_what_the_encoder_does_not_have_is_refused(studio: Studio, field: str, value: str | int) -> None:
    with pytest.raises(PermanentError, match=rf"^spec\.outputs\[0\]\.{field}: {value} is ") as caught:
        studio.render([color("#000000")], outputs=[{"name": "main", "format": "mp4", field: value}])
    assert caught.value.reason is Reason.INVALID_SPEC


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_poster_is_the_frame_at_its_time(studio: Studio, kind: str) -> None:
    clips = [color("#ff0000"), color("#0000ff", transition={"type": "crossfade", "duration": "400ms"})]
    output = {"name": "poster", "format": kind, "at": "800ms"}
    rendered = studio.render(clips, outputs=[output])[0]
    with Image.open(rendered.path) as poster:
        assert poster.format == {"jpg": "JPEG", "png": "PNG"}[kind]
        assert poster.size == (rendered.width, rendered.height) == (160, 90)
        assert np.asarray(poster)[45, 80].tolist() == pytest.approx([127, 0, 128], abs=4)
    assert rendered.frames is None


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = media.photographs(320, 180)[:4]
    clips = [image(path, "4s", **({"transition": CROSSFADE} if number else {})) for number, path in enumerate(paths)]

    def digest(folder: str) -> str:
        other = Studio(tmp_path / folder)
        tracks = [{"uri": uri(media.music()), "loop": True}]
        movie = other.movie(clips, files=[*paths, media.music()], size=(320, 180), tracks=tracks, threads=2)
        return hashlib.sha256(movie.read_bytes()).hexdigest()

    assert digest("a") == digest("b")


def test_nothing_but_the_outputs_is_left(studio: Studio) -> None:
    path = media.photographs(320, 180)[0]
    outputs = [{"name": "main", "format": "mp4"}, {"name": "poster", "format": "png"}]
    tracks = [{"uri": uri(media.music())}]
    rendered = studio.render([image(path)], files=[path, media.music()], outputs=outputs, tracks=tracks)
    assert sorted(studio.scratch.iterdir()) == sorted(output.path for output in rendered)
    assert [output.path.name for output in rendered] == ["main.mp4", "poster.png"]


def test_progress_is_steady_and_never_goes_back(studio: Studio) -> None:
    paths = media.photographs(960, 540)
    clips = [image(path, "3s", **({"transition": CROSSFADE} if number else {})) for number, path in enumerate(paths)]
    told: list[tuple[float, Progress]] = []
    outputs = [{"name": "main", "format": "mp4"}, {"name": "poster", "format": "jpg"}]
    tracks = [{"uri": uri(media.music()), "loop": True}]
    studio.render(
        clips,
        files=[*paths, media.music()],
        size=(960, 540),
        tracks=tracks,
        outputs=outputs,
        threads=2,
        on_progress=lambda progress: told.append((time.monotonic(), progress)),
    )
    percents = [progress.percent for _, progress in told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    stages = [progress.stage for _, progress in told]
    assert list(dict.fromkeys(stages)) == [Stage.INITIALIZING, Stage.RENDERING, Stage.AUDIO]
    times = [at for at, progress in told if progress.stage is Stage.RENDERING]
    assert max(np.diff(times)) < 0.8, "half a second is promised; the rest is for a busy machine"
    messages = [progress.message for _, progress in told if progress.stage is Stage.RENDERING]
    assert any(
        message.startswith("frame ") and "of 388, " in message and message.endswith(" fps") for message in messages
    )
    assert all(progress.eta_s is not None for _, progress in told if progress.percent > 5)


def test_frames_count_by_half_while_the_encoder_has_them(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    class LookAhead(SegmentEncoder):
        """Is given every frame, and never done with one."""

        def __init__(self, *arguments: Any, **told: Any) -> None:
            super().__init__(*arguments, **told)
            self.given, self.stopped = told["on_given"], told["stopped"]

        def write(self, picture: Picture, count: int) -> None:  # noqa: ARG002 - the method's shape
            for frame in range(count):
                self.given(frame)
            while not self.stopped():
                time.sleep(0.01)
            raise CancelledError("the render was stopped")

    monkeypatch.setattr("videojob_worker.outputs.passes.SegmentEncoder", LookAhead)
    path, told, patience = media.photographs(320, 180)[0], list[Progress](), time.monotonic() + 10
    with pytest.raises(CancelledError):
        studio.render(
            [image(path)],
            files=[path],
            on_progress=told.append,
            cancelled=lambda: time.monotonic() > patience or any(progress.percent > 40 for progress in told),
        )
    assert told[-1].message.startswith("frame 0 of ")
    assert 40 < told[-1].percent < 51


def test_a_cancel_takes_effect_within_half_a_second(studio: Studio) -> None:
    paths = media.photographs(1280, 720)
    clips = [
        image(path, "10s", **({"transition": {"type": "crossfade", "duration": "5s"}} if number else {}))
        for number, path in enumerate(paths)
    ]
    cancel = Event()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        cancel.set()

    timer = Timer(1.5, ask)
    timer.start()
    try:
        with pytest.raises(CancelledError):
            studio.render(clips, files=paths, size=(1280, 720), threads=2, cancelled=cancel.is_set)
    finally:
        timer.cancel()
    assert asked, "the render was done before it could be cancelled"
    assert time.monotonic() - asked[0] < 0.5


def test_a_full_disk_is_named(studio: Studio) -> None:
    studio.scratch.mkdir()
    (studio.scratch / "main-0000.packets").symlink_to("/dev/full")
    path = media.photographs(640, 360)[0]
    with pytest.raises(TransientError) as caught:
        studio.render([image(path)], files=[path], size=(640, 360))
    assert caught.value.reason is Reason.DISK_FULL


def test_a_bad_source_stops_the_render_before_it_starts(studio: Studio, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture")
    good = media.photographs(320, 180)[0]
    told: list[Progress] = []
    with pytest.raises(
        PermanentError, match=r"^spec\.clips\[1\]\.image\.uri: volume://media/notes\.jpg is a text file"
    ):
        studio.render([image(good), image(text)], files=[good, text], on_progress=told.append)
    assert {progress.stage for progress in told} == {Stage.INITIALIZING}


def test_a_source_damaged_behind_its_header_is_named(studio: Studio, tmp_path: Path) -> None:
    damaged = tmp_path / "half.jpg"
    damaged.write_bytes(media.photographs(640, 360)[1].read_bytes()[:15_000])
    with pytest.raises(
        PermanentError, match=r"^spec\.clips\[1\]\.image\.uri: volume://media/half\.jpg is a damaged JPEG"
    ):
        studio.render([color("#000000"), image(damaged)], files=[damaged], threads=2)


def test_sources_are_listed_once_where_they_are_first_named() -> None:
    spec = VideoJobSpec.model_validate(
        {
            "clips": [
                {"color": "#000000", "duration": "1s"},
                {"image": {"uri": "volume://m/a.jpg"}, "duration": "1s"},
                {"image": {"uri": "volume://m/a.jpg"}, "duration": "1s"},
            ],
            "audio": {"tracks": [{"uri": "https://example.com/b.mp3"}]},
        }
    )
    assert source_uris(spec) == [
        ("spec.clips[1].image.uri", "volume://m/a.jpg"),
        ("spec.audio.tracks[0].uri", "https://example.com/b.mp3"),
    ]


def test_importing_the_engine_loads_no_library() -> None:
    script = (
        "import sys, videojob_worker.engine; "
        "sys.exit(str([m for m in ('av', 'numpy', 'PIL', 'pydantic') if m in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_memory_does_not_grow_with_the_number_of_clips(tmp_path: Path) -> None:
    def peak_kb(count: int) -> int:
        script = f"""
import resource
from pathlib import Path
from tests import media
from tests.render.studio import Studio, image
paths = media.photographs(640, 360)
clips = [image(paths[number % 6], "120ms") for number in range({count})]
Studio(Path({str(tmp_path)!r}) / "{count}").render(clips, files=paths, size=(640, 360), threads=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        root = Path(__file__).parents[2]
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=root)
        return int(done.stdout)

    few, many = peak_kb(20), peak_kb(200)
    # A picture takes 338 KB: 180 more clips would be 59 MB.
    assert many - few < 20_000
