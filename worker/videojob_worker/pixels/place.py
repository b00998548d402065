"""Where a frame goes on the canvas and which part of it is seen, in the pixels that scalers and crops need."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from videojob_contract.resources.timeline import Anchor, Fit
from videojob_worker.pixels.fit import ANCHORS, ExactBox, contained, cover_box

# Crops keep to whole samples of chroma, of which 4:1:1 has one in four pixels.
_GRID = (4, 2)
WHOLE: Final[ExactBox] = (Fraction(0), Fraction(0), Fraction(1), Fraction(1))
"""All of a frame, as a part of it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a frame, as shares of its width and height, and the even rectangle of the canvas that it fills."""

    part: ExactBox
    """Left, top, right and bottom edge."""
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Steps:
    """How to cut and scale a frame: crop, scale the crop, crop again. Each crop is width, height, left, top."""

    before: tuple[int, int, int, int]
    scaled: tuple[int, int]
    after: tuple[int, int, int, int]


def place(source: tuple[int, int], canvas: tuple[int, int], fit: Fit, anchor: Anchor) -> Place:
    """Fit a source of (width, height) square pixels as `fit.fit_image` does, to the nearest even pixel.

    `blur` gives the place of the sharp picture; what is behind it is placed as `cover`.
    """
    match fit:
        case Fit.COVER:
            left, top, right, bottom = cover_box(source, canvas, anchor)
            return Place((left / source[0], top / source[1], right / source[0], bottom / source[1]), 0, 0, *canvas)
        case Fit.STRETCH:
            return Place(WHOLE, 0, 0, *canvas)
        case Fit.CONTAIN | Fit.BLUR:
            size = contained(source, canvas)
            width, height = (min(_even(size[0]), canvas[0]), min(_even(size[1]), canvas[1]))
            across, down = ANCHORS[anchor]
            corner = _even((canvas[0] - width) * across, 0), _even((canvas[1] - height) * down, 0)
            return Place(WHOLE, *corner, width, height)


def steps(stored: tuple[int, int], place: Place) -> Steps:
    """Work out the steps for a frame as it is stored, upright, whatever the shape of its pixels.

    The first crop is a little larger than the part, since it can only cut between samples of chroma; the scale
    makes that up, so that the second crop is exact to the nearest even pixel of the canvas.
    """
    across = _axis(stored[0], (place.part[0], place.part[2]), place.width, _GRID[0])
    down = _axis(stored[1], (place.part[1], place.part[3]), place.height, _GRID[1])
    return Steps(
        before=(across[0], down[0], across[1], down[1]),
        scaled=(across[2], down[2]),
        after=(place.width, place.height, across[3], down[3]),
    )


def _axis(stored: int, part: tuple[Fraction, Fraction], wanted: int, grid: int) -> tuple[int, int, int, int]:
    """Return length and start of the first crop, the scaled length, and the start of the second crop."""
    start, end = part[0] * stored, part[1] * stored
    first = int(start // grid) * grid
    last = min(stored, math.ceil(end / grid) * grid)
    scale = wanted / (end - start)
    offset = _even((start - first) * scale, 0)
    return last - first, first, max(_even((last - first) * scale), offset + wanted), offset


def _even(value: int | Fraction, least: int = 2) -> int:
    return max(least, 2 * round(Fraction(value) / 2))
