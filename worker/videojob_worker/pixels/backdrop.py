"""What the fit `blur` puts behind a picture: the picture itself, covering the canvas, out of focus and darker.

It is made from a small copy, because nothing fine is left of it: a few milliseconds, for each frame of a video too.
"""

from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from videojob_worker.pixels.yuv import Picture, planes

_SHORTER_SIDE: Final = 72
_RADIUS: Final = 2.5
"""Of the blur, where the shorter side is that long: 3.5 % of it."""
_BRIGHTNESS: Final = 0.7


def backdrop_size(canvas: tuple[int, int]) -> tuple[int, int]:
    """Return the size (width, height) of the small copy, both even."""
    scale = min(1.0, _SHORTER_SIDE / min(canvas))
    return max(2, round(canvas[0] * scale / 2) * 2), max(2, round(canvas[1] * scale / 2) * 2)


def backdrop_image(small: Image.Image, canvas: tuple[int, int]) -> Image.Image:
    """Make a backdrop from a small copy in RGB."""
    return _soften(small.point(lambda value: value * _BRIGHTNESS), canvas)


def backdrop_picture(small: Picture, canvas: tuple[int, int]) -> Picture:
    """Make a backdrop from a small copy in the form that the encoder takes."""
    out = np.empty((canvas[1] * 3 // 2, canvas[0]), np.uint8)
    for plane, black, made in zip(planes(small), (16, 128, 128), planes(out), strict=True):
        darker = np.rint((plane.astype(np.float32) - black) * _BRIGHTNESS + black).astype(np.uint8)
        made[...] = np.asarray(_soften(Image.fromarray(darker), (made.shape[1], made.shape[0])))
    return out


def _soften(small: Image.Image, size: tuple[int, int]) -> Image.Image:
    radius = _RADIUS * min(small.size) / _SHORTER_SIDE
    return small.filter(ImageFilter.GaussianBlur(radius)).resize(size, Image.Resampling.BICUBIC)
