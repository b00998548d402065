"""Overlays and subtitles over clips: on just their frames, in their order, whatever the clips below do."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.render.studio import Frames, Studio, color, decode, image, uri
from videojob_worker.text.captions import Captions

LOSSLESS = ({"name": "main", "format": "mp4", "crf": 0},)
WIPE = {"type": "wipeLeft", "duration": "400ms"}


@pytest.fixture
def marks(tmp_path: Path) -> dict[str, Path]:
    """Small squares of grey levels."""
    found = {}
    for name, level in {"white": 255, "grey": 128}.items():
        found[name] = tmp_path / f"{name}.png"
        Image.new("RGB", (32, 32), (level, level, level)).save(found[name])
    return found


def overlay(path: Path, start: str, end: str, **fields: object) -> dict[str, object]:
    return {"image": {"uri": uri(path)}, "from": start, "to": end, "anchor": "topLeft", "margin": 0, **fields}


def corner(frames: Frames) -> list[int]:
    """Luma well inside the left top mark of each frame."""
    return [int(frame[16, 16]) for frame in frames]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_overlay_is_seen_in_its_frames_over_stills_and_transitions(
    studio: Studio, marks: dict[str, Path], threads: int
) -> None:
    clips = [color("#000000", "2s"), color("#000000", "2s", transition=WIPE), color("#000000", "4s")]
    overlays = [overlay(marks["white"], "1480ms", "4s")]
    files = [marks["white"]]
    movie = studio.movie(clips, files=files, overlays=overlays, outputs=LOSSLESS, threads=threads)
    assert corner(decode(movie)) == [16] * 37 + [235] * 63 + [16] * 90


def test_overlays_are_drawn_in_the_order_of_the_list(studio: Studio, marks: dict[str, Path]) -> None:
    overlays = [overlay(marks["white"], "0s", "400ms"), overlay(marks["grey"], "200ms", "600ms")]
    files = list(marks.values())
    frames = decode(studio.movie([color("#000000", "800ms")], files=files, overlays=overlays, outputs=LOSSLESS))
    assert corner(frames) == [235] * 5 + [126] * 10 + [16] * 5


def test_an_overlay_fades_over_a_still_and_stands_between(studio: Studio, marks: dict[str, Path]) -> None:
    faded = overlay(marks["white"], "200ms", "800ms", fadeIn="160ms", fadeOut="160ms", opacity=0.5)
    movie = studio.movie([color("#000000")], files=[marks["white"]], overlays=[faded], outputs=LOSSLESS)
    share = [0.0] * 5 + [n / 5 for n in range(1, 5)] + [1.0] * 7 + [n / 5 for n in range(4, 0, -1)] + [0.0] * 5
    assert corner(decode(movie)) == pytest.approx([16 + 219 * 0.5 * each for each in share], abs=1)


@pytest.mark.parametrize("fps", ["24000/1001", "25", "60"])
def test_a_caption_is_seen_from_its_first_moment_to_its_last(studio: Studio, tmp_path: Path, fps: str) -> None:
    path = tmp_path / "text.srt"
    path.write_text("1\n00:00:00,300 --> 00:00:00,717\nHere\n\n2\n00:00:00,717 --> 00:00:00,900\nHere\n")
    subtitles = {"uri": uri(path), "style": {"size": 30}}
    frames = decode(studio.movie([color("#000000")], files=[path], subtitles=subtitles, fps=fps, outputs=LOSSLESS))
    rate = float(eval(fps))  # noqa: S307 - the test's own
    for number, frame in enumerate(frames):
        shown = frame[:90].max() > 200
        assert shown == (0.3 <= number / rate < 0.9), number


def test_what_lies_over_a_clip_leaves_the_clip_itself_alone(studio: Studio, marks: dict[str, Path]) -> None:
    # The picture of a still is shared by all its frames: to draw into it would be seen ever after.
    clips = [image(marks["grey"], "600ms", fit="stretch"), color("#000000", "400ms", transition=WIPE)]
    overlays = [overlay(marks["white"], "80ms", "160ms")]
    files = list(marks.values())
    frames = decode(studio.movie(clips, files=files, overlays=overlays, outputs=LOSSLESS))
    assert np.array_equal(frames[0], frames[4])
    assert corner(frames)[:5] == [126, 126, 235, 235, 126]


@pytest.mark.parametrize("soft", [True, False])
def test_only_what_draws_captions_loads_what_draws_them(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, soft: bool
) -> None:
    path = tmp_path / "text.srt"
    path.write_text("1\n00:00:00,300 --> 00:00:00,700\nHere\n")
    opened: list[Captions] = []
    painter = Captions.painter
    monkeypatch.setattr(Captions, "painter", lambda self: (opened.append(self), painter(self))[1])
    studio.movie([color("#000000")], files=[path], subtitles={"uri": uri(path), "soft": soft})
    assert bool(opened) is not soft
