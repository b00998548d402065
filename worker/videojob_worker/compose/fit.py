"""How a picture of another shape fills the canvas: cover, contain or stretch, held at an anchor."""

from PIL import Image

from videojob_contract.resources.timeline import Anchor, Fit

# Pillow then shrinks by whole factors first, to at least three times the wanted size: faster, not visible.
_REDUCING_GAP = 3.0

ANCHORS = {
    Anchor.CENTER: (0.5, 0.5),
    Anchor.TOP: (0.5, 0.0),
    Anchor.BOTTOM: (0.5, 1.0),
    Anchor.LEFT: (0.0, 0.5),
    Anchor.RIGHT: (1.0, 0.5),
    Anchor.TOP_LEFT: (0.0, 0.0),
    Anchor.TOP_RIGHT: (1.0, 0.0),
    Anchor.BOTTOM_LEFT: (0.0, 1.0),
    Anchor.BOTTOM_RIGHT: (1.0, 1.0),
}


def fit_image(
    image: Image.Image, size: tuple[int, int], fit: Fit, anchor: Anchor, background: tuple[int, int, int]
) -> Image.Image:
    """Draw an RGB or RGBA image on a canvas of `size` (width, height) and return it as RGB.

    Raises:
        ValueError: a fit that is not known here.
    """
    match fit:
        case Fit.COVER:
            scaled = _resize(image, size, _cover_box(image.size, size, anchor))
        case Fit.STRETCH:
            scaled = _resize(image, size, None)
        case Fit.CONTAIN:
            scaled = _resize(image, _contained(image.size, size), None)
        case _:
            raise ValueError(f"unknown fit: {fit}")
    if scaled.size == size and scaled.mode == "RGB":
        return scaled
    canvas = Image.new("RGB", size, background)
    across, down = ANCHORS[anchor]
    corner = (round((size[0] - scaled.width) * across), round((size[1] - scaled.height) * down))
    canvas.paste(scaled, corner, scaled if scaled.mode == "RGBA" else None)
    return canvas


def _resize(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None) -> Image.Image:
    if image.size == size and box in {None, (0.0, 0.0, *map(float, size))}:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=_REDUCING_GAP)


def _cover_box(source: tuple[int, int], canvas: tuple[int, int], anchor: Anchor) -> tuple[float, float, float, float]:
    """Return the part of the source, of the canvas' shape and as large as possible, that is seen."""
    scale = min(source[0] / canvas[0], source[1] / canvas[1])
    width, height = canvas[0] * scale, canvas[1] * scale
    across, down = ANCHORS[anchor]
    left, top = (source[0] - width) * across, (source[1] - height) * down
    return left, top, min(left + width, source[0]), min(top + height, source[1])


def _contained(source: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the source's shape, in whole pixels, within the canvas."""
    scale = min(canvas[0] / source[0], canvas[1] / source[1])
    return max(1, round(source[0] * scale)), max(1, round(source[1] * scale))
