"""Planes sampled between pixels: by libswscale as by Pillow, and where each of them is asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hack import media
from videojob_worker.pixels import sampling
from videojob_worker.pixels.fit import Box
from videojob_worker.pixels.sampling import MARGIN, NEAR_ENOUGH, Kernel, Plane
from videojob_worker.pixels.yuv import Picture

SIZE = (640, 360)
RESAMPLING = {Kernel.CUBIC: Image.Resampling.BICUBIC, Kernel.LINEAR: Image.Resampling.BILINEAR}


@pytest.fixture(scope="module")
def photograph() -> Picture:
    with Image.open(media.photograph("coffee.png")) as image:
        return np.asarray(image.convert("L").resize(SIZE, Image.Resampling.LANCZOS))


def by_pillow(plane: Picture, kernel: Kernel, box: Box, size: tuple[int, int]) -> Picture:
    padded = Image.fromarray(np.pad(plane, 64, "edge"))
    left, top, right, bottom = box
    moved = (left + 64, top + 64, right + 64, bottom + 64)
    return np.asarray(padded.resize(size, RESAMPLING[kernel], box=moved))


@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize("size", [(320, 180), (501, 283), (800, 450)])
@pytest.mark.parametrize(
    "box",
    [(0, 0, 640, 360), (13.37, 7.52, 626.63, 352.48), (100.2, 56.4, 420.7, 236.7), (-0.75, 0, 639.25, 360)],
)
def test_what_is_sampled_is_what_pillow_makes_of_it(
    photograph: Picture, kernel: Kernel, size: tuple[int, int], box: Box
) -> None:
    out = np.empty((size[1], size[0]), np.uint8)
    Plane(photograph, kernel).sample(box, out)
    off = out.astype(int) - by_pillow(photograph, kernel, box, size)
    # A photograph changes by a few levels from pixel to pixel, so that a thirty-second of one is less than a level.
    assert np.sqrt((off**2).mean()) < 0.8
    assert np.quantile(np.abs(off), 0.999) <= 3


@given(
    st.floats(sampling._PAD, 1000),
    st.floats(20, 2000),
    st.integers(16, 1920),
)
def test_whole_pixels_meet_whole_pixels_near_enough(start: float, length: float, pixels: int) -> None:
    found = sampling._stretch(start, start + length, pixels)
    if found is None:
        return
    scale = (found.last - found.first) / (found.before + pixels + found.after)
    first = found.first + scale * found.before
    for made, wanted in ((first, start), (first + scale * pixels, start + length)):
        assert abs(made - wanted) <= NEAR_ENOUGH * length / pixels * 1.001
    assert found.first >= 0
    assert found.last <= start + length + sampling._PAD
    assert max(found.before, found.after) <= MARGIN


def test_a_slow_zoom_seldom_needs_the_slow_way(photograph: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    scaled = sampling._scaled
    monkeypatch.setattr(sampling, "_scaled", lambda *given: made.append(given) or scaled(*given))
    plane, out = Plane(photograph, Kernel.CUBIC), np.empty((270, 480), np.uint8)
    for frame in range(100):
        left, top = frame * 0.32, frame * 0.18
        plane.sample((left, top, 640 - left, 360 - top), out)
    assert len(made) > 90


def test_a_scale_of_one_and_a_half_is_left_to_pillow(photograph: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_scaled", None)  # cannot be called
    out = np.empty((180, 320), np.uint8)
    box = (10.25, 10.25, 490.25, 280.25)
    Plane(photograph, Kernel.CUBIC).sample(box, out)
    assert np.abs(out.astype(int) - by_pillow(photograph, Kernel.CUBIC, box, (320, 180))).max() <= 1
