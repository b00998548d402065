"""Whole renders of random timelines: whatever parts meet, every frame of every output is the one that was planned."""

import math
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from PIL import Image

from tests import media
from tests.ffmpeg import ffmpeg
from tests.render import films
from tests.render.studio import Frames, Studio, decode, probe, psnr, sound, uri
from videojob_contract.errors import PermanentError
from videojob_contract.resources.transitions import TRANSITIONS
from videojob_worker.compose.compositor import Scene
from videojob_worker.outputs.formats import plan_outputs
from videojob_worker.outputs.scale import Scaler
from videojob_worker.plan.render_plan import RenderPlan, build_render_plan
from videojob_worker.rendering import probe_sources
from videojob_worker.request import RenderRequest

SIZES = ((96, 64), (130, 50), (16, 16), (64, 112))
RATES = ("10", "25", "24000/1001", "30", "7")
EFFECTS: tuple[dict[str, Any], ...] = (
    {"name": "BlackAndWhite"},
    {"name": "MirrorX"},
    {"name": "TimeMirror"},
    {"name": "FadeIn", "args": {"duration": 0.2}},
    {"name": "Rotate", "args": {"angle": 33}},
)
TRANSITION_NAMES = sorted(name for name in TRANSITIONS if name != "cut")


@dataclass(frozen=True)
class Shelf:
    """The files that clips are made of."""

    folder: Path

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("shelf")
    shutil.copy(media.photographs(320, 180)[0], folder / "photograph.jpg")
    media.stripes(folder / "stripes.png", [bool(0b10110010 >> bit & 1) for bit in range(8)])
    rings = [Image.new("RGB", (40, 30), color) for color in ("#ff0000", "#00ff00", "#0000ff")]
    rings[0].save(folder / "moving.gif", save_all=True, append_images=rings[1:], duration=[70, 130, 100])
    films.steady(folder / "film.mp4", 60, Fraction(25))
    uneven = [Fraction(number * 3 + number % 3, 100) for number in range(50)]
    silent = {"x265-params": "log-level=none"}
    films.film(folder / "uneven.mkv", uneven, tick=Fraction(1, 1000), codec="libx265", options=silent)
    ffmpeg(
        *("-i", folder / "film.mp4", "-f", "lavfi", "-i", "sine=frequency=440:duration=2.4"),
        *("-c:v", "copy", "-c:a", "aac", folder / "sounding.mp4"),
    )
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=880:duration=1", folder / "tone.wav")
    (folder / "words.srt").write_text(
        "1\n00:00:00,200 --> 00:00:00,700\nOne\n\n2\n00:00:00,500 --> 00:00:01,300\nTwo\n\n"
        "3\n00:00:02,000 --> 00:00:09,000\nThree\n"
    )
    return Shelf(folder)


def seconds(low: float, high: float) -> st.SearchStrategy[Fraction]:
    return st.integers(round(low * 100), round(high * 100)).map(lambda cs: Fraction(cs, 100))


def text(length: Fraction) -> str:
    return f"{float(length):g}s"


@st.composite
def videos(draw: st.DrawFn, length: Fraction) -> dict[str, Any]:
    """A stretch of a video that lasts so long at least."""
    name, whole = draw(st.sampled_from([("film.mp4", 2.4), ("uneven.mkv", 1.48), ("sounding.mp4", 2.36)]))
    speed = draw(st.sampled_from([0.5, 0.75, 1, 1, 2, 3]))
    video: dict[str, Any] = {"uri": f"volume://media/{name}", "speed": speed, "reverse": draw(st.booleans())}
    needed = float(length) * speed
    if needed > whole - 0.05:
        start = draw(seconds(0, whole - 0.3))
        return video | {"loop": True, "from": text(start)}
    start = draw(seconds(0, whole - 0.05 - needed))
    if draw(st.booleans()):
        end = float(start) + needed + float(draw(seconds(0, whole - 0.05 - needed - float(start))))
        video["to"] = f"{end + 0.0001:.4f}s"
    elif video["reverse"]:
        return video
    return video | {"from": text(start)}


@st.composite
def clips(draw: st.DrawFn, length: Fraction) -> dict[str, Any]:
    fit = draw(st.sampled_from(["cover", "contain", "blur", "stretch"]))
    clip: dict[str, Any] = {"duration": text(length), "fit": fit}
    match draw(st.sampled_from(["color", "photograph.jpg", "stripes.png", "moving.gif", "gradient", "title", "video"])):
        case "color":
            clip["color"] = draw(st.sampled_from(["#ff8000", "#000000", "#ffffff"]))
        case "gradient":
            clip["gradient"] = {"colors": ["#102030", "#f0e0d0"], "angle": draw(st.integers(0, 360))}
        case "title":
            clip["title"] = {"text": "Whole", "size": 12}
        case "video":
            clip["video"] = draw(videos(length))
        case name:
            clip["image"] = {"uri": f"volume://media/{name}"}
    if draw(st.integers(0, 4)) == 0:
        clip["motion"] = {"zoom": {"from": 1, "to": draw(st.sampled_from([1.0, 1.3, 3.0]))}}
    if draw(st.integers(0, 5)) == 0:
        clip["effects"] = [draw(st.sampled_from(EFFECTS))]
    return clip


@st.composite
def timelines(draw: st.DrawFn) -> list[dict[str, Any]]:
    count = draw(st.integers(1, 5))
    overlaps = [Fraction(0)] + [draw(st.sampled_from([0, 1])) * draw(seconds(0, 0.9)) for _ in range(count - 1)]
    made = []
    for index in range(count):
        entry, departure = overlaps[index], overlaps[index + 1] if index + 1 < count else Fraction(0)
        alone = seconds(0.01, 2) | seconds(2, 12)
        clip = draw(clips(entry + departure + draw(alone | st.just(Fraction(0)) if entry + departure else alone)))
        if entry:
            clip["transition"] = {
                "type": draw(st.just("crossfade") | st.sampled_from(TRANSITION_NAMES)),
                "duration": text(entry),
                "easing": draw(st.sampled_from(["linear", "easeIn", "easeInOut"])),
            }
        made.append(clip)
    return made


@st.composite
def overlays(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(seconds(0, 2))
    over: dict[str, Any] = {"from": text(start), "margin": 2, "scale": draw(st.sampled_from([0.2, 0.5, 1]))}
    over["anchor"] = draw(st.sampled_from(["topLeft", "center", "bottomRight"]))
    over["opacity"] = draw(st.sampled_from([1.0, 0.4]))
    if draw(st.booleans()):
        over["to"] = text(start + draw(seconds(0.1, 2)))
    for name in ("fadeIn", "fadeOut"):
        if draw(st.booleans()):
            over[name] = text(draw(seconds(0.04, 0.6)))
    match draw(st.sampled_from(["stripes.png", "moving.gif", "title", "video"])):
        case "title":
            over["title"] = {"text": "over", "size": 8}
        case "video":
            over["video"] = {"uri": "volume://media/film.mp4", "loop": True, "from": "500ms"}
        case name:
            over["image"] = {"uri": f"volume://media/{name}"}
    return over


@st.composite
def further_outputs(draw: st.DrawFn, index: int) -> dict[str, Any]:
    format_ = draw(st.sampled_from(["mp4", "mp4", "mp4", "mp4", "webm", "gif", "webp", "jpg", "png", "sprite", "hls"]))
    output: dict[str, Any] = {"name": f"out{index}", "format": format_}
    if format_ in {"mp4", "webm", "gif", "webp"}:
        if draw(st.booleans()):
            output["fps"] = draw(st.sampled_from(RATES))
        if draw(st.booleans()):
            output |= {"width": draw(st.sampled_from([48, 96, 150])), "height": draw(st.sampled_from([32, 66]))}
    if format_ == "mp4":
        output |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "preset": st.sampled_from(["ultrafast", "superfast", "veryfast", "medium", "slow"]),
                    "keyframeInterval": st.sampled_from(["10ms", "40ms", "300ms", "1s", "5s"]),
                },
            )
        )
        rate = draw(st.sampled_from(["crf", "crf", "bitrate", "max", "default"]))
        if rate == "crf":
            output["crf"] = draw(st.sampled_from([1, 5, 6, 15, 23]))
        elif rate == "bitrate":
            output |= {"bitrate": "2M", "twoPass": draw(st.booleans())}
        elif rate == "max":
            output["maxBitrate"] = "3M"
    if format_ in {"jpg", "png"}:
        output["at"] = text(draw(seconds(0, 4)))
    if format_ == "sprite":
        output["interval"] = "700ms"
    if format_ == "hls":
        renditions = [{"name": "whole"}, {"name": "small", "width": 64, "height": 32}]
        output |= {"segmentDuration": "1s", "renditions": renditions}
    return output


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    job: dict[str, Any] = {
        "clips": draw(timelines()),
        "size": draw(st.sampled_from(SIZES)),
        "fps": draw(st.sampled_from(RATES)),
        "threads": draw(st.integers(1, 4)),
        "overlays": draw(st.lists(overlays(), max_size=2)),
        "outputs": [
            {"name": "exact", "format": "mp4", "preset": "ultrafast", "crf": 0},
            *(draw(further_outputs(index)) for index in range(draw(st.integers(1, 3)))),
        ],
    }
    if draw(st.integers(0, 3)) == 0:
        job["subtitles"] = {"uri": "volume://media/words.srt"}
    if draw(st.integers(0, 2)) == 0:
        job["tracks"] = [{"uri": "volume://media/tone.wav", "loop": draw(st.booleans())}]
    return job


def composed(request: RenderRequest) -> tuple[RenderPlan, Frames]:
    """All frames as one thread composes them, with no encoder."""
    request = replace(request, settings=request.settings.model_copy(update={"threads": 1}))
    project = plan_outputs(build_render_plan(request, probe_sources(request, lambda _: None, lambda: False)))
    scene = Scene(project.composition, project.spans)
    frames: list[Any] = []
    for picture, count in scene.compose(project.spans):
        frames += [np.copy(picture)] * count
    return project, np.stack(frames)


def resampled(frames: Frames, fps: Fraction, to: Fraction, size: tuple[int, int], length_s: Fraction) -> Iterator[Any]:
    """What is on the canvas at the time of each frame of an output."""
    scaler = Scaler((frames.shape[2], frames.shape[1] * 2 // 3))
    count = len(frames) if fps == to else max(1, math.floor(length_s * to + Fraction(1, 2)))
    for number in range(count):
        scaler.show(frames[min(len(frames) - 1, math.floor(number * fps / to))])
        yield scaler.at(size)


@settings(max_examples=16, deadline=None, suppress_health_check=list(HealthCheck))
@given(job=jobs())
def test_every_frame_of_every_output_is_what_was_planned(shelf: Shelf, job: dict[str, Any]) -> None:
    note(f"{job!r}")
    with tempfile.TemporaryDirectory() as folder:
        check(Studio(Path(folder) / "scratch"), shelf, dict(job))


def check(studio: Studio, shelf: Shelf, job: dict[str, Any]) -> None:
    job["files"] = [path for path in shelf.files if uri(path) in repr(job)]
    percents: list[float] = []
    options = {key: value for key, value in job.items() if key != "clips"}
    try:
        rendered = studio.render(job["clips"], on_progress=lambda told: percents.append(told.percent), **options)
    except PermanentError as error:
        if re.search("shorter than one frame|there is room for", str(error)):  # all that these may be wrong in
            return
        raise
    assert percents == sorted(percents)
    assert percents[-1] > 99
    made = {path for output in rendered for path in (output.path, *output.files)}
    assert {path for path in studio.scratch.rglob("*") if path.is_file()} == made
    project, frames = composed(studio.request(job["clips"], **options))
    timeline = project.timeline
    assert len(frames) == timeline.frames
    for output, planned in zip(rendered, project.outputs, strict=True):
        if output.frames is None or output.path.suffix not in {".mp4", ".webm"}:
            continue
        fps = planned.tracks[0].rate.fps
        shown = decode(output.path)
        size = (output.width or 0, output.height or 0)
        wanted = list(resampled(frames, timeline.fps, fps, size, timeline.length_s))
        assert len(shown) == output.frames == len(wanted), output.name
        if output.name == "exact":
            # Encoded in segments, side by side, and joined: and yet just that.
            differing = [n for n, (a, b) in enumerate(zip(shown, wanted, strict=True)) if not np.array_equal(a, b)]
            assert not differing, (output.name, differing)
            if any(stream["codec_type"] == "audio" for stream in probe(output.path)["streams"]):
                assert abs(sound(output.path).shape[1] - timeline.samples) <= 1024
        else:
            ratios = [psnr(a, b) for a, b in zip(shown, wanted, strict=True)]
            worst = int(np.argmin(ratios))
            # Another frame than planned would be far below.
            low = planned.tracks[0].settings.needs_whole  # all keyframes at a bitrate, that is much noise
            assert min(ratios) > (20 if low else 26), (planned.spec, worst, ratios[worst], [round(r) for r in ratios])
