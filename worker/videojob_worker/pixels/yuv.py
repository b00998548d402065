"""From sRGB to the pictures that the encoder takes, and back: BT.709, limited range, 4:2:0.

A picture is one `(height * 3 / 2, width) uint8` array: the luma rows, then the rows of Cb and of Cr at half
width and half height, as libav lays out `yuv420p` without padding. Chroma is sited left, as H.264 assumes
where nothing else is said. (ITU-R BT.709-6, 3.2 to 3.5; Rec. ITU-T H.264, E.2.1.)
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.uint8]

_KR: Final = 0.2126
_KB: Final = 0.0722
_KG: Final = 1 - _KR - _KB
_Y: Final = 219 / 255
_C: Final = 224 / 255
# Rows of Y', Cb, Cr; columns of R', G', B' and the offset; all 8-bit values.
_TO_YUV: Final = (
    (_Y * _KR, _Y * _KG, _Y * _KB, 16.0),
    (-_C * _KR / (2 * (1 - _KB)), -_C * _KG / (2 * (1 - _KB)), _C / 2, 128.0),
    (_C / 2, -_C * _KG / (2 * (1 - _KR)), -_C * _KB / (2 * (1 - _KR)), 128.0),
)


def _inverse() -> tuple[tuple[float, ...], ...]:
    matrix = np.linalg.inv(np.array(_TO_YUV)[:, :3])
    offset = -matrix @ np.array(_TO_YUV)[:, 3]
    return tuple((*row, shift) for row, shift in zip(matrix.tolist(), offset.tolist(), strict=True))


def parse_color(color: str) -> tuple[int, int, int]:
    """Turn `#rrggbb` into red, green and blue from 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def rgb_to_yuv(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return luma and chroma of one colour, rounded to the nearest."""
    y, cb, cr = (round(value) for value in exact_yuv(rgb))
    return y, cb, cr


def exact_yuv(rgb: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return luma and chroma of one colour as they are before rounding."""
    y, cb, cr = (row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2] + row[3] for row in _TO_YUV)
    return y, cb, cr


def planes(picture: Picture) -> tuple[Picture, Picture, Picture]:
    """Return views of luma `(height, width)`, Cb and Cr `(height / 2, width / 2)`."""
    width = picture.shape[1]
    height = picture.shape[0] * 2 // 3
    flat = picture.reshape(-1)
    luma, chroma = width * height, width * height // 4
    half = (height // 2, width // 2)
    return picture[:height], flat[luma : luma + chroma].reshape(half), flat[luma + chroma :].reshape(half)


def solid(color: str, width: int, height: int) -> Picture:
    """Make a picture of one colour, `#rrggbb`."""
    picture = np.empty((height * 3 // 2, width), np.uint8)
    for plane, value in zip(planes(picture), rgb_to_yuv(parse_color(color)), strict=True):
        plane.fill(value)
    return picture


def from_rgb(image: Image.Image) -> Picture:
    """Convert an sRGB image of even width and height."""
    width, height = image.size
    picture = np.empty((height * 3 // 2, width), np.uint8)
    luma, cb, cr = planes(picture)
    luma[...], *chroma = to_yuv(image)
    for plane, full in zip((cb, cr), chroma, strict=True):
        plane[...] = _subsample(full)
    return picture


def to_yuv(image: Image.Image) -> tuple[Picture, Picture, Picture]:
    """Convert an sRGB image to luma, Cb and Cr, each as large as the image."""
    full = image.convert("RGB", tuple(value for row in _TO_YUV for value in row))
    luma, cb, cr = (np.asarray(full.getchannel(channel)) for channel in range(3))
    return luma, cb, cr


def to_rgb(picture: Picture) -> Image.Image:
    """Convert a picture to an sRGB image."""
    luma, cb, cr = planes(picture)
    size = (luma.shape[1], luma.shape[0])
    chroma = (Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR) for plane in (cb, cr))
    merged = Image.merge("RGB", (Image.fromarray(luma), *chroma))
    return merged.convert("RGB", tuple(value for row in _inverse() for value in row))


def _subsample(chroma: Picture) -> Picture:
    """Halve a chroma plane: the mean of two rows, and 1-2-1 across columns about each even one."""
    rows = chroma[0::2].astype(np.uint16)
    rows += chroma[1::2]
    left = np.empty_like(rows[:, 0::2])
    left[:, 0] = rows[:, 0]
    left[:, 1:] = rows[:, 1:-1:2]
    left += rows[:, 1::2]
    left += 2 * rows[:, 0::2]
    left += 4
    left >>= 3
    return left.astype(np.uint8)
