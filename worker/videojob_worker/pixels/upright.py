"""From what a decoder gives to an upright image in sRGB, 8 bits: a strip at a time where it is large."""

from collections.abc import Iterator
from math import gcd
from typing import Final

import numpy as np
from PIL import Image

ORIENTATIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a stored picture is turned upright (EXIF 2.32, 4.6.4 A). 1 is upright; 0 and others are undefined."""
SIDEWAYS: Final = (5, 6, 7, 8)
LARGE_PIXELS: Final = 16_000_000
"""What has more is made smaller, where it may be, before anything else is done with it."""

_WITH_ALPHA: Final = frozenset(("RGBA", "LA", "La", "PA", "RGBa"))
_STRIP_PIXELS: Final = 500_000
_TILE_REDUCTION: Final = 32


def has_transparency(image: Image.Image) -> bool:
    """Tell whether an image that may not have been decoded yet can be seen through."""
    return image.mode in _WITH_ALPHA or "transparency" in image.info


def reduction(size: tuple[int, int], at_least: tuple[int, int], tile: tuple[int, int] | None = None) -> int:
    """Return the whole factor by which a large picture is made smaller: never below twice `at_least`.

    Of one in tiles of a size, it is a power of two by which they can be divided.
    """
    if size[0] * size[1] <= LARGE_PIXELS:
        return 1
    most = max(1, min(size[0] // (2 * max(1, at_least[0])), size[1] // (2 * max(1, at_least[1]))))
    if tile is None or tile == size:
        return most
    return min(gcd(*tile, _TILE_REDUCTION), 1 << most.bit_length() - 1)


def simplified(image: Image.Image, at_least: tuple[int, int]) -> Image.Image:
    """Return what is decoded in mode RGB, RGBA, L or CMYK, no smaller than twice `at_least` (width, height)."""
    factor = reduction(image.size, at_least)
    if factor == 1:
        return _simple_mode(image)
    whole: Image.Image | None = None
    for top, strip in _strips(image, factor):
        whole = whole or Image.new(strip.mode, (strip.width, -(-image.height // factor)))
        whole.paste(strip, (0, top))
    return whole or image


def turned_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn what is decoded upright."""
    return image.transpose(ORIENTATIONS[orientation]) if orientation in ORIENTATIONS else image


def _strips(image: Image.Image, factor: int) -> Iterator[tuple[int, Image.Image]]:
    """Yield top edges in the reduced picture, and reduced strips."""
    rows = max(1, _STRIP_PIXELS // (image.width * factor)) * factor
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows)))
        yield top // factor, reduced(strip, factor)


def reduced(strip: Image.Image, factor: int) -> Image.Image:
    """Return what is decoded in mode RGB, RGBA, L or CMYK, smaller by a whole factor."""
    simple = _simple_mode(strip)
    return simple.reduce(factor) if factor > 1 else simple


def _simple_mode(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _to_8_bit(image)
    if image.mode == "La":  # of which Pillow makes nothing else
        image = image.convert("LA")
    if has_transparency(image):
        return image if image.mode == "RGBA" and "transparency" not in image.info else image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in {"RGB", "L", "CMYK"} else image.convert("RGB")


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits, which Pillow would clip; colour of 16 bits it scales itself."""
    values = np.nan_to_num(np.asarray(image)).astype(np.int64).clip(0, 65535).astype(np.uint32)
    scaled = Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    if "transparency" in image.info and isinstance(key := image.info["transparency"], int):
        scaled.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return scaled
