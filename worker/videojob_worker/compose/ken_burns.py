"""Which part of a picture is seen at each moment of a motion (Ken Burns): pure geometry.

A motion goes from a first view to a last one. The edges of the view move on straight lines, and its size changes by
the same ratio in the same time, because an even change of size looks like a zoom that gets ever faster or slower.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from videojob_contract.resources.motion import Motion, Pan, Rectangle, Zoom
from videojob_contract.resources.timeline import Anchor, Fit
from videojob_worker.compose.easing import ease
from videojob_worker.pixels.fit import ANCHORS, Box, ExactBox, ExactSize, as_floats, cover_box

WHOLE: Final = Rectangle(left=0, top=0, width=1, height=1)

_SAME_SIZE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class KenBurns:
    """The first and the last view, and how the way between them starts and ends."""

    first: Box
    last: Box
    motion: Motion

    def at(self, time: float) -> Box:
        """Return the view at a share of the time, 0 to 1."""
        way = ease(self.motion.easing, time)
        ratio = (self.last[2] - self.last[0]) / (self.first[2] - self.first[0])
        if abs(ratio - 1) > _SAME_SIZE:
            way = (ratio**way - 1) / (ratio - 1)
        # Never less than nothing: rounding may leave an edge at -1e-17, which is no part of a picture.
        left, top, right, bottom = (
            max(0.0, begin + (end - begin) * way) for begin, end in zip(self.first, self.last, strict=True)
        )
        return left, top, right, bottom

    def scaled(self, size: tuple[float, float], to: tuple[int, int]) -> "KenBurns":
        """Return the same views of the picture at another size; both are widths and heights."""
        across, down = to[0] / size[0], to[1] / size[1]
        first, last = (
            (left * across, top * down, min(right * across, to[0]), min(bottom * down, to[1]))
            for left, top, right, bottom in (self.first, self.last)
        )
        return KenBurns(first, last, self.motion)


def views(motion: Motion, picture: ExactSize, canvas: tuple[int, int], fit: Fit, anchor: Anchor) -> KenBurns:
    """Place a motion on a picture of a size (width, height).

    A rectangle, without a pan the whole picture, is stretched to the canvas if that is the fit, and covers it
    otherwise. A zoom is about the anchor of what is seen without it.
    """

    def view(rectangle: Rectangle, factor: float) -> Box:
        left, top, right, bottom = _inside(rectangle, picture, canvas, fit, anchor)
        across, down = ANCHORS[anchor]
        width, height = (right - left) / _decimal(factor), (bottom - top) / _decimal(factor)
        left, top = left + (right - left - width) * across, top + (bottom - top - height) * down
        return as_floats((left, top, left + width, top + height))

    pan, zoom = motion.pan or Pan(from_=WHOLE, to=WHOLE), motion.zoom or Zoom(from_=1, to=1)
    return KenBurns(view(pan.from_, zoom.from_), view(pan.to, zoom.to), motion)


def _inside(rectangle: Rectangle, picture: ExactSize, canvas: tuple[int, int], fit: Fit, anchor: Anchor) -> ExactBox:
    left, top = _decimal(rectangle.left) * picture[0], _decimal(rectangle.top) * picture[1]
    width = min(_decimal(rectangle.width) * picture[0], picture[0] - left)
    height = min(_decimal(rectangle.height) * picture[1], picture[1] - top)
    box = (
        (Fraction(0), Fraction(0), width, height) if fit is Fit.STRETCH else cover_box((width, height), canvas, anchor)
    )
    return left + box[0], top + box[1], left + box[2], top + box[3]


def _decimal(number: float) -> Fraction:
    """Return a number as the decimal that the spec says."""
    return Fraction(str(number))
