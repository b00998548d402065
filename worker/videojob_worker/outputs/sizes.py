"""Sizes of outputs: what is not asked for keeps the shape of the canvas."""

from fractions import Fraction

from videojob_contract.resources.outputs import Output, Rendition
from videojob_worker.canvas import Canvas

_LEAST_PIXELS = 16


def output_size(wanted: Output | Rendition, canvas: Canvas, most: int | None = None) -> tuple[int, int]:
    """Return width and height, in pixels.

    Args:
        wanted: what is asked for.
        canvas: the job's.
        most: the widest where neither is given; without it, that is the canvas' own size.
    """
    width, height = wanted.width, wanted.height
    if width is None and height is None:
        if most is None or canvas.width <= most:
            return canvas.size
        width = most
    if width is None:
        width = _even(Fraction(height or 0) * canvas.width / canvas.height)
    if height is None:
        height = _even(Fraction(width) * canvas.height / canvas.width)
    return width, height


def _even(pixels: Fraction) -> int:
    return max(_LEAST_PIXELS, round(pixels / 2) * 2)
