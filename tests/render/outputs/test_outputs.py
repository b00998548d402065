"""Several outputs of one job: every frame in its place in every format, each file as it was asked for."""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.render import barcodes
from tests.render.studio import Studio, color, decode, image, probe, psnr, sound, uri
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.compose.compositor import Scene
from videojob_worker.pixels.yuv import planes
from videojob_worker.request import RenderedOutput

SOUND = {"uri": uri(media.music()), "loop": True}
COUNT = 20
VIDEOS: list[dict[str, Any]] = [
    {"name": "h264", "format": "mp4"},
    {"name": "h265", "format": "mp4", "codec": "h265"},
    {"name": "av1", "format": "mp4", "codec": "av1"},
    {"name": "vp9", "format": "webm"},
    {"name": "av1-webm", "format": "webm", "codec": "av1"},
    {"name": "bitrate", "format": "mp4", "bitrate": "400k"},
    {"name": "two-pass", "format": "mp4", "bitrate": "400k", "twoPass": True},
    {"name": "two-pass-h265", "format": "mp4", "codec": "h265", "bitrate": "400k", "twoPass": True},
    {"name": "bitrate-vp9", "format": "webm", "bitrate": "400k"},
    {"name": "limited", "format": "mp4", "maxBitrate": "600k"},
    {"name": "limited-h265", "format": "mp4", "codec": "h265", "maxBitrate": "600k"},
    {"name": "limited-av1", "format": "mp4", "codec": "av1", "maxBitrate": "600k"},
    {"name": "larger", "format": "mp4", "width": 240},
    {"name": "twice", "format": "mp4", "fps": "50"},
    {"name": "half", "format": "webm", "fps": "12.5", "height": 72},
]
SIZES = {"larger": (240, 136), "half": (128, 72)}
STREAMS = {
    "h265": ("hevc", "hvc1", "aac"),
    "av1": ("av1", "av01", "aac"),
    "vp9": ("vp9", "[0][0][0][0]", "opus"),
    "av1-webm": ("av1", "[0][0][0][0]", "opus"),
    "h264": ("h264", "avc1", "aac"),
}


@dataclass(frozen=True)
class Rendered:
    outputs: dict[str, RenderedOutput]
    composed: list[int]
    """First frame and number of frames of each composition."""
    left: set[str]


@pytest.fixture(scope="module", params=[1, 3], ids=lambda threads: f"{threads}-threads")
def job(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = tmp_path_factory.mktemp("outputs")
    studio = Studio(folder / "scratch")
    clips, files = barcodes.numbered(folder / "pictures", COUNT, "80ms")
    composed: list[int] = []
    compose = Scene.compose

    def counted(self: Scene, spans: Sequence[Any]) -> Any:
        composed.append(sum(span.frames for span in spans))
        return compose(self, spans)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scene, "compose", counted)
        outputs = studio.render(
            clips, files=[*files, media.music()], outputs=VIDEOS, tracks=[SOUND], threads=request.param
        )
    left = {path.name for path in studio.scratch.iterdir()}
    return Rendered({output.name: output for output in outputs}, composed, left)


@pytest.mark.parametrize("name", [output["name"] for output in VIDEOS])
def test_every_frame_is_in_its_place(job: Rendered, name: str) -> None:
    output = job.outputs[name]
    frames = decode(output.path)
    repeats = {"twice": 4, "half": 1}.get(name, 2)
    assert [barcodes.read(planes(frame)[0]) for frame in frames] == [
        number for number in range(1, COUNT + 1) for _ in range(repeats)
    ]
    assert output.frames == len(frames)
    assert output.duration == Fraction(8, 5)
    assert (frames.shape[2], frames.shape[1] * 2 // 3) == SIZES.get(name, (160, 90)) == (output.width, output.height)


@pytest.mark.parametrize("name", [output["name"] for output in VIDEOS])
def test_streams_colours_and_lengths_are_right(job: Rendered, name: str) -> None:
    found = probe(job.outputs[name].path, "-count_frames")
    video, audio = found["streams"]
    assert {video[key] for key in ("color_space", "color_transfer", "color_primaries")} == {"bt709"}
    assert (video["color_range"], video["pix_fmt"]) == ("tv", "yuv420p")
    rate = {"twice": Fraction(50), "half": Fraction(25, 2)}.get(name, Fraction(25))
    assert Fraction(video["r_frame_rate"]) == rate
    assert int(video["nb_read_frames"]) == rate * Fraction(8, 5)
    assert float(found["format"]["duration"]) == pytest.approx(1.6, abs=0.01)
    if name in STREAMS:
        assert (video["codec_name"], video["codec_tag_string"], audio["codec_name"]) == STREAMS[name]
    assert sound(job.outputs[name].path).shape == (2, 76_800), "exact to the sample, padding is cut off"


def test_outputs_share_one_pass_and_rates_that_need_the_whole_another(job: Rendered) -> None:
    # One for all of constant quality; two more: the first of two passes, then the second beside those with one.
    assert sum(job.composed) == 3 * COUNT * 2


def test_nothing_but_the_outputs_is_left(job: Rendered) -> None:
    assert job.left == {f"{output['name']}.{output['format']}" for output in VIDEOS}


def assert_two_seconds_of_sound(path: Path) -> None:
    """Of AAC, the track says where the sound ends within the last frame, and libav decodes that frame whole."""
    stream = next(each for each in probe(path)["streams"] if each["codec_type"] == "audio")
    if stream["codec_name"] == "aac":
        assert Fraction(stream["duration_ts"]) * Fraction(stream["time_base"]) == 2
    else:
        assert sound(path).shape == (2, 96_000)


@pytest.mark.parametrize("fps", ["24000/1001", "25", "30000/1001", "30", "50", "60000/1001"])
def test_frames_and_times_are_exact_at_every_rate(studio: Studio, fps: str) -> None:
    outputs = [{"name": "a", "format": "webm"}, {"name": "b", "format": "mp4", "codec": "h265", "preset": "ultrafast"}]
    rendered = studio.render(
        [color("#204060", "2s")], files=[media.music()], fps=fps, outputs=outputs, tracks=[SOUND], size=(64, 64)
    )
    frames = round(2 * Fraction(fps))
    for output in rendered:
        found = probe(output.path, "-show_entries", "packet=pts_time,codec_type", "-show_packets")
        times = sorted(float(each["pts_time"]) for each in found["packets"] if each["codec_type"] == "video")
        assert times == pytest.approx([float(number / Fraction(fps)) for number in range(frames)], abs=0.00051)
        assert_two_seconds_of_sound(output.path)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "vp9"])
def test_the_same_input_gives_the_same_bytes(studio: Studio, codec: str) -> None:
    paths = media.photographs(160, 90)
    clips = [image(path, "500ms", transition={"type": "crossfade", "duration": "200ms"}) for path in paths]
    clips[0].pop("transition")
    output = {"name": "main", "format": "webm" if codec == "vp9" else "mp4", "codec": codec}

    def digest() -> str:
        path = studio.movie(clips, files=[*paths, media.music()], outputs=[output], tracks=[SOUND], threads=3)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    assert digest() == digest()


@pytest.mark.parametrize(("codec", "least"), [("h264", 37), ("h265", 36), ("av1", 36), ("vp9", 36)])
def test_presets_of_quality_look_alike_and_better_is_larger(studio: Studio, codec: str, least: float) -> None:
    path = media.photographs(320, 180)[0]
    format_ = "webm" if codec == "vp9" else "mp4"
    qualities = ["draft", "standard", "high", "visuallyLossless"]
    outputs = [{"name": each.lower(), "format": format_, "codec": codec, "quality": each} for each in qualities]
    outputs.append({"name": "best", "format": "mp4", "crf": 0})
    clips = [image(path, "400ms", motion={"zoom": {"to": 1.3}})]
    *made, best = studio.render(clips, files=[path], size=(320, 180), outputs=outputs)
    reference = decode(best.path)
    likeness = [psnr(decode(output.path), reference) for output in made]
    sizes = [output.path.stat().st_size for output in made]
    assert likeness == sorted(likeness)
    assert sizes == sorted(sizes)
    assert likeness[1] > least


def test_a_bitrate_is_met(studio: Studio) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (90, 160, 3), np.uint8)
    path = studio.scratch.parent / "noise.png"
    Image.fromarray(noise).save(path)
    clips = [image(path, "6s", motion={"zoom": {"to": 1.4}})]
    outputs = [
        {"name": "once", "format": "mp4", "bitrate": "200k", "maxBitrate": "300k"},
        {"name": "twice", "format": "mp4", "bitrate": "200k", "twoPass": True},
    ]
    for output in studio.render(clips, files=[path], outputs=outputs):
        assert output.path.stat().st_size * 8 / 6 == pytest.approx(200_000, rel=0.15)


@pytest.mark.parametrize(("format_", "codec"), [("mp3", "mp3"), ("m4a", "aac")])
def test_the_sound_alone(studio: Studio, format_: str, codec: str) -> None:
    output = {"name": "main", "format": format_, "metadata": {"title": "Evening"}, "bitrate": "96k"}
    [rendered] = studio.render([color("#204060", "2s")], files=[media.music()], outputs=[output], tracks=[SOUND])
    found = probe(rendered.path)
    [stream] = found["streams"]
    assert (stream["codec_name"], found["format"]["tags"]["title"]) == (codec, "Evening")
    assert_two_seconds_of_sound(rendered.path)
    assert (rendered.width, rendered.frames, rendered.duration) == (None, None, 2)
    size = 8 * rendered.path.stat().st_size / 2
    assert size == pytest.approx(96_000, rel=0.15)
    if format_ == "mp3":
        assert b"Xing" in rendered.path.read_bytes()[:2000] or b"Info" in rendered.path.read_bytes()[:2000]


def test_the_sound_of_a_job_that_has_none_is_an_error(studio: Studio) -> None:
    with pytest.raises(PermanentError, match=r"^spec\.outputs\[1\]\.format: an mp3 is the sound alone") as caught:
        studio.render([color("#204060")], outputs=[{"name": "a", "format": "mp4"}, {"name": "b", "format": "mp3"}])
    assert caught.value.reason is Reason.INVALID_SPEC


def test_a_job_of_pictures_alone_composes_no_more_than_them(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 50, "1s")
    composed = 0
    compose = Scene.compose

    def counted(self: Scene, spans: Sequence[Any]) -> Any:
        nonlocal composed
        composed += sum(span.frames for span in spans)
        return compose(self, spans)

    monkeypatch.setattr(Scene, "compose", counted)
    outputs = [
        {"name": "a", "format": "png", "at": "30s"},
        {"name": "b", "format": "jpg", "at": "48500ms", "width": 80},
        {"name": "c", "format": "png", "at": "30s"},
    ]
    first, second, third = studio.render(clips, files=files, outputs=outputs)
    with Image.open(first.path) as image_:
        assert barcodes.read(np.asarray(image_.convert("L"))) == 31
    with Image.open(second.path) as image_:
        assert image_.size == (80, 44) == (second.width, second.height)
        assert barcodes.read(np.asarray(image_.convert("L"))) == 49
    assert first.path.read_bytes() == third.path.read_bytes()
    assert composed == 2


def test_a_second_implementation_decodes_every_joint(job: Rendered) -> None:
    for output in job.outputs.values():
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-xerror", "-i", str(output.path), "-f", "null", "-"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), output.name
