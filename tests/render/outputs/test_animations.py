"""GIF and animated WebP: every frame for its time, whole pictures from what has changed, and bounded memory."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import media
from tests.render import barcodes
from tests.render.studio import Studio, color, image, probe, psnr
from videojob_contract.errors import PermanentError
from videojob_worker.outputs.formats.webp import changed
from videojob_worker.pixels.yuv import from_rgb, planes
from videojob_worker.verify.animation import verify_gif, verify_webp

FORMATS = ["gif", "webp"]


def shown(path: Path) -> list[tuple[np.ndarray[Any, Any], int]]:
    """Pictures, `(h, w, 3) uint8`, and for how many milliseconds each is shown."""
    found = []
    with Image.open(path) as animation:
        for number in range(getattr(animation, "n_frames", 1)):
            animation.seek(number)
            animation.load()
            found.append((np.asarray(animation.convert("RGB")), int(animation.info["duration"])))
    return found


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_frame_is_in_its_place(studio: Studio, format_: str, threads: int) -> None:
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 40, "120ms")
    output = {"name": "main", "format": format_, "fps": "25"}
    [made] = studio.render(clips, files=files, outputs=[output], threads=threads)
    numbers = [barcodes.read(picture[..., 1]) for picture, _ in shown(made.path)]
    times = [duration for _, duration in shown(made.path)]
    # The last frame of a GIF is always a picture of its own, for the player to know how long it lasts.
    assert list(dict.fromkeys(numbers)) == list(range(1, 41))
    assert sum(times) == 4800
    assert times[:39] == [120] * 39
    assert (made.frames, made.width, made.height) == (120, 160, 90)
    assert {path.name for path in studio.scratch.iterdir()} == {made.path.name}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("fps", [None, "10", "24000/1001"])
def test_times_do_not_drift(studio: Studio, format_: str, fps: str | None) -> None:
    expected = Fraction(fps or 15)
    paths = media.photographs(160, 90)
    output = {"name": "main", "format": format_, **({"fps": fps} if fps else {})}
    clips = [image(paths[0], "2s", motion={"zoom": {"to": 2}})]
    [made] = studio.render(clips, files=paths[:1], fps="30", outputs=[output])
    frames = round(2 * expected)
    unit = 10 if format_ == "gif" else 1
    starts = np.cumsum([0, *(duration for _, duration in shown(made.path))])
    assert starts == pytest.approx([round(number / expected * 1000 / unit) * unit for number in range(frames + 1)])


def test_the_default_size_is_small(studio: Studio) -> None:
    outputs = [{"name": "a", "format": "gif"}, {"name": "b", "format": "webp", "width": 640}]
    first, second = studio.render([color("#204060", "200ms")], size=(1280, 720), outputs=outputs)
    assert (first.width, first.height) == (480, 270)
    assert (second.width, second.height) == (640, 360)
    with Image.open(first.path) as gif, Image.open(second.path) as webp:
        assert (gif.size, webp.size) == ((480, 270), (640, 360))
        assert (gif.info["loop"], webp.info["loop"]) == (0, 0)


@pytest.mark.parametrize(("format_", "least"), [("gif", 27), ("webp", 30)])
def test_pictures_are_like_the_video(studio: Studio, format_: str, least: float) -> None:
    paths = media.photographs(320, 180)[:3]
    clips = [image(path, "1s", transition={"type": "wipeLeft", "duration": "500ms"}) for path in paths]
    clips[0].pop("transition")
    outputs = [{"name": "main", "format": format_, "fps": "10"}, {"name": "png", "format": "png", "at": "1900ms"}]
    made, still = studio.render(clips, files=paths, size=(320, 180), fps="10", outputs=outputs)
    with Image.open(still.path) as reference:
        assert psnr(shown(made.path)[-1][0], np.asarray(reference.convert("RGB"))) > least
    probe(made.path)


def test_a_still_costs_one_picture_however_long(studio: Studio) -> None:
    path = media.photographs(160, 90)[0]
    outputs = [{"name": "a", "format": "gif"}, {"name": "b", "format": "webp"}]
    gif, webp = studio.render([image(path, "700s")], files=[path], outputs=outputs, fps="2")
    assert [duration for _, duration in shown(webp.path)] == [700_000]
    assert sum(duration for _, duration in shown(gif.path)) == 700_000
    assert gif.path.stat().st_size < 60_000


def test_only_what_has_changed_is_written_again() -> None:
    before = from_rgb(Image.new("RGB", (64, 48), "#000000"))
    assert changed(before, before) == (0, 0, 2, 2)
    after = before.copy()
    planes(after)[0][20, 31] = 200
    left, top, right, bottom = changed(before, after)
    assert left <= 30
    assert top <= 20
    assert right >= 32
    assert bottom >= 21
    assert (right - left) * (bottom - top) <= 64
    assert all(side % 2 == 0 for side in (left, top, right, bottom))
    after[...] = 255 - before
    assert changed(before, after) == (0, 0, 64, 48)


@pytest.mark.parametrize(("format_", "verify", "unit"), [("gif", verify_gif, 1), ("webp", verify_webp, 1000)])
def test_a_file_cut_short_is_found(studio: Studio, format_: str, verify: Any, unit: int) -> None:
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 10, "120ms")
    output = {"name": "main", "format": format_, "fps": "25"}
    [made] = studio.render(clips, files=files, outputs=[output])
    count = len(shown(made.path))
    length = round(1.2 * unit) if unit > 1 else Fraction(6, 5)
    verify(made.path, (160, 90), count, length, lambda: None)
    with pytest.raises(PermanentError, match="pictures instead of"):
        verify(made.path, (160, 90), count + 1, length, lambda: None)
    made.path.write_bytes(made.path.read_bytes()[:-400])
    with pytest.raises(PermanentError, match="the finished output is wrong"):
        verify(made.path, (160, 90), count, length, lambda: None)


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    def peak_kb(seconds: int) -> int:
        script = f"""
import resource
from pathlib import Path
from tests import media
from tests.render.studio import Studio, image
path = media.photographs(320, 180)[0]
clips = [image(path, "{seconds}s", motion={{"zoom": {{"to": 2}}}})]
outputs = [{{"name": "a", "format": "gif"}}, {{"name": "b", "format": "webp"}}, {{"name": "c", "format": "sprite"}}]
Studio(Path({str(tmp_path)!r}) / "{seconds}").render(clips, files=[path], size=(320, 180), fps="15", outputs=outputs)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        root = Path(__file__).parents[3]
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=root)
        return int(done.stdout)

    short, long = peak_kb(2), peak_kb(14)
    # The pictures of 12 more seconds would be 16 MB in 4:2:0.
    assert long - short < 8_000
