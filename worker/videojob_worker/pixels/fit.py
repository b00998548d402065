"""How a picture of another shape fills the canvas: cover, contain, blur or stretch, held at an anchor.

Geometry is exact: sizes are rational, and become floats once, where pixels are asked for. In floats, an edge comes out
a trifle outside of the picture for some sizes and not for others.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from PIL import Image

from videojob_contract.resources.timeline import Anchor, Fit
from videojob_worker.pixels.backdrop import backdrop_image, backdrop_size

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge, in pixels; pixel 0 is between 0 and 1."""
ExactBox = tuple[Fraction, Fraction, Fraction, Fraction]
"""The same, before it is rounded to floats."""
ExactSize = tuple[int | Fraction, int | Fraction]
"""Width and height, in pixels."""

# Pillow then shrinks by whole factors first, to at least three times the wanted size: faster, not visible.
_REDUCING_GAP: Final = 3.0

_START, _MIDDLE, _END = Fraction(0), Fraction(1, 2), Fraction(1)
ANCHORS: Final[Mapping[Anchor, tuple[Fraction, Fraction]]] = {
    Anchor.CENTER: (_MIDDLE, _MIDDLE),
    Anchor.TOP: (_MIDDLE, _START),
    Anchor.BOTTOM: (_MIDDLE, _END),
    Anchor.LEFT: (_START, _MIDDLE),
    Anchor.RIGHT: (_END, _MIDDLE),
    Anchor.TOP_LEFT: (_START, _START),
    Anchor.TOP_RIGHT: (_END, _START),
    Anchor.BOTTOM_LEFT: (_START, _END),
    Anchor.BOTTOM_RIGHT: (_END, _END),
}
"""Where each anchor is, as shares of width and height."""


def fit_image(
    image: Image.Image, size: tuple[int, int], fit: Fit, anchor: Anchor, background: tuple[int, int, int]
) -> Image.Image:
    """Draw an RGB or RGBA image on a canvas of `size` (width, height) and return it as RGB."""
    match fit:
        case Fit.COVER:
            return _on(
                Image.new("RGB", size, background), resize(image, size, as_floats(cover_box(image.size, size, anchor)))
            )
        case Fit.STRETCH:
            return _on(Image.new("RGB", size, background), resize(image, size))
        case Fit.CONTAIN:
            canvas = Image.new("RGB", size, background)
        case Fit.BLUR:
            small = backdrop_size(size)
            behind = resize(image, small, as_floats(cover_box(image.size, small, anchor)))
            canvas = backdrop_image(_on(Image.new("RGB", small, background), behind), size)
    scaled = resize(image, contained(image.size, size))
    return _on(canvas, scaled, placed(scaled.size, size, anchor))


def resize(image: Image.Image, size: tuple[int, int], box: Box | None = None) -> Image.Image:
    """Scale an image, or a box of it, to a size; sharp, and smooth when it gets smaller."""
    if image.size == size and box in {None, (0.0, 0.0, *map(float, size))}:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=_REDUCING_GAP)


def cover_box(source: ExactSize, canvas: tuple[int, int], anchor: Anchor) -> ExactBox:
    """Return the part of the source, exactly of the canvas' shape and as large as possible, that is seen."""
    scale = min(Fraction(source[0]) / canvas[0], Fraction(source[1]) / canvas[1])
    width, height = canvas[0] * scale, canvas[1] * scale
    across, down = ANCHORS[anchor]
    left, top = (source[0] - width) * across, (source[1] - height) * down
    return left, top, left + width, top + height


def as_floats(box: ExactBox) -> Box:
    """Round the edges of a box, each once: rounding keeps their order, and whole pixels as they are."""
    left, top, right, bottom = map(float, box)
    return left, top, right, bottom


def contained(source: ExactSize, canvas: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the source's shape, in whole pixels, within the canvas."""
    scale = min(Fraction(canvas[0]) / source[0], Fraction(canvas[1]) / source[1])
    return max(1, round(source[0] * scale)), max(1, round(source[1] * scale))


def placed(size: tuple[int, int], canvas: tuple[int, int], anchor: Anchor) -> tuple[int, int]:
    """Return the left and top edge of something of a size that stands at an anchor of the canvas."""
    across, down = ANCHORS[anchor]
    return round((canvas[0] - size[0]) * across), round((canvas[1] - size[1]) * down)


def _on(canvas: Image.Image, image: Image.Image, corner: tuple[int, int] = (0, 0)) -> Image.Image:
    if image.size == canvas.size and image.mode == "RGB":
        return image
    canvas.paste(image, corner, image if image.mode == "RGBA" else None)
    return canvas
