"""Samples a plane of bytes at any fraction of a pixel, in a quarter of the time that Pillow takes.

libswscale is as fast, but takes whole pixels to whole pixels. A box whose edges lie between pixels is the middle of a
larger one whose edges do not, nearly: with each further pixel of the result, the edge moves by another fraction. So a
little more than is wanted is made, and left out. Where no edge comes near enough, as at a scale of one and a half,
Pillow takes the box as it is. Both filter alike (Catmull-Rom or a triangle, as wide as the scale asks for).
"""

from enum import Enum
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from videojob_worker.pixels.fit import Box
from videojob_worker.pixels.scaling import scaling_graph
from videojob_worker.pixels.yuv import Picture

NEAR_ENOUGH: Final = 1 / 32
"""How far an edge may be from where it should be, in pixels of the result."""
MARGIN: Final = 64
"""Pixels of the result that are made in vain at each edge, at most."""
_REACH: Final = 3
"""Pixels beyond an edge from which the filter takes something: at least as many are made."""
_LEAST_CHOICES: Final = 16
_PAD: Final = 96
"""Pixels by which the edges of a plane are repeated."""


class Kernel(Enum):
    """How what lies between pixels is made of them: the flags of `scale`, and the name that Pillow has for it."""

    CUBIC = ("bicubic+accurate_rnd:param0=0:param1=0.5", Image.Resampling.BICUBIC)
    LINEAR = ("bilinear+accurate_rnd", Image.Resampling.BILINEAR)


class _Stretch(NamedTuple):
    """Whole pixels from `first` to `last` that become so many of the result: `before`, what is wanted, `after`."""

    first: int
    last: int
    before: int
    after: int


class Plane:
    """A plane `(height, width) uint8` made ready to be sampled, by several threads at once; it is copied."""

    def __init__(self, plane: Picture, kernel: Kernel) -> None:
        self._flags, self._resampling = kernel.value
        self._padded = _padded(plane)
        self._image = Image.fromarray(self._padded)

    def sample(self, box: Box, out: Picture) -> None:
        """Write to `out`, of any size, what is in a box, which may reach beyond the edges by a few pixels."""
        left, top, right, bottom = (max(0.0, edge + _PAD) for edge in box)
        height, width = out.shape
        across, down = _stretch(left, right, width), _stretch(top, bottom, height)
        if across is None or down is None:
            out[...] = np.asarray(self._image.resize((width, height), self._resampling, (left, top, right, bottom)))
            return
        part = self._padded[down.first : down.last, across.first : across.last]
        size = (across.before + width + across.after, down.before + height + down.after)
        made = _scaled(part, size, self._flags)
        out[...] = made[down.before : down.before + height, across.before : across.before + width]


def _padded(plane: Picture) -> Picture:
    height, width = plane.shape
    padded = np.empty((height + 2 * _PAD, width + 2 * _PAD), np.uint8)
    middle = padded[_PAD:-_PAD]
    middle[:, _PAD:-_PAD] = plane
    middle[:, :_PAD], middle[:, -_PAD:] = plane[:, :1], plane[:, -1:]
    padded[:_PAD], padded[-_PAD:] = middle[0], middle[-1]
    return padded


def _stretch(start: float, end: float, pixels: int) -> _Stretch | None:
    """Find whole pixels around an interval that become whole pixels around the `pixels` of it; None if there are none.

    The interval is within a padded plane, at least `_PAD` from its ends.
    """
    scale = (end - start) / pixels
    most = min(MARGIN, int((_PAD - _REACH) / scale))
    if most - _REACH < _LEAST_CHOICES:
        return None
    further = np.arange(_REACH, most + 1)
    firsts, lasts = start - scale * further, end + scale * further
    off_first, off_last = np.abs(firsts - np.rint(firsts)), np.abs(lasts - np.rint(lasts))
    before, after = int(off_first.argmin()), int(off_last.argmin())
    if max(off_first[before], off_last[after]) > NEAR_ENOUGH * scale:
        return None
    return _Stretch(round(float(firsts[before])), round(float(lasts[after])), int(further[before]), int(further[after]))


def _scaled(part: Picture, size: tuple[int, int], flags: str) -> Picture:
    """Scale a part of a plane to a size, width and height."""
    height, width = part.shape
    graph = scaling_graph((width, height), "pix_fmt=gray", f"{size[0]}:{size[1]}:flags={flags}", "gray")
    frame = VideoFrame.from_numpy_buffer(part, format="gray")
    frame.pts, frame.time_base = 0, Fraction(1)
    graph.vpush(frame)
    [plane] = graph.vpull().planes
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
