"""Small pictures with opacity, drawn over pictures in place: watermarks, titles, captions.

A sprite is converted once to what its part of each plane is multiplied by and what is added, in 16-bit integers, so
that to draw it costs two passes over the pixels that it covers.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from videojob_worker.pixels.yuv import Picture, planes, to_yuv

_WHOLE: Final = 256
"""Full opacity: 256 * 255 and the half that rounds just fit 16 bits."""
_BLOCK: Final = 1 << 16
_LEAST: Final = np.float32(1e-6)

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Patch:
    """A rectangle of a plane: what is below is multiplied by `rest`, and `added` to it, in 256ths."""

    top: int
    left: int
    rest: npt.NDArray[np.uint16]
    added: npt.NDArray[np.uint16]

    @classmethod
    def of(cls, top: int, left: int, opacity: Weights, color: Weights | Picture) -> "_Patch":
        """Round an opacity from 0 to 256, and a colour times as much as that is then: equal colours stay equal."""
        share = np.rint(opacity)
        added = color * share
        added += _WHOLE / 2 + 0.5
        return cls(top, left, np.subtract(_WHOLE, share).astype(np.uint16), added.astype(np.uint16))

    def draw(self, plane: Picture, share: int) -> None:
        """Draw over a plane by a share from 0 to 256."""
        height, width = self.rest.shape
        rows = max(1, _BLOCK // width)
        for start in range(0, height, rows):
            part = slice(start, min(start + rows, height))
            target = plane[self.top + part.start : self.top + part.stop, self.left : self.left + width]
            mixed = np.multiply(target, self.rest[part], dtype=np.uint16)
            mixed += self.added[part]
            mixed >>= 8
            if share < _WHOLE:
                mixed *= np.uint16(share)
                mixed += np.multiply(target, np.uint16(_WHOLE - share), dtype=np.uint16)
                mixed += np.uint16(_WHOLE // 2)
                mixed >>= 8
            target[...] = mixed


class Sprite:
    """A picture to draw at one place of a canvas; safe to use from several threads."""

    def __init__(self, patches: tuple[_Patch, ...]) -> None:
        self._patches = patches

    @classmethod
    def of(cls, rgba: npt.NDArray[np.uint8], x: int, y: int, canvas: tuple[int, int]) -> "Sprite":
        """Convert `(height, width, 4) uint8` sRGB, not multiplied by its opacity, whose left top corner is at `x, y`.

        What is beyond the canvas (width, height), which may be all, is left out.
        """
        left, top, right, bottom = _seen(rgba[:, :, 3], x, y, canvas)
        if left >= right or top >= bottom:
            return cls(())
        # A sample of chroma is made of its own column and half of those beside it, and of two rows.
        outer = (left - left % 2, top - top % 2, min(canvas[0], right - right % 2 + 2), bottom + bottom % 2)
        whole = np.zeros((outer[3] - outer[1], outer[2] - outer[0], 4), np.uint8)
        whole[top - outer[1] : bottom - outer[1], left - outer[0] : right - outer[0]] = rgba[
            top - y : bottom - y, left - x : right - x
        ]
        opacity = whole[:, :, 3].astype(np.float32) * np.float32(_WHOLE / 255)
        luma, *chroma = to_yuv(Image.fromarray(whole[:, :, :3]))
        halved = _subsample(opacity, at_edge=outer[0] == 0)
        patches = [_Patch.of(outer[1], outer[0], opacity, luma)]
        for plane in chroma:
            # The colour of a sample is the mean of what is seen of its pixels.
            seen = _subsample(opacity * plane, at_edge=outer[0] == 0)
            color = np.divide(seen, np.maximum(halved, _LEAST), dtype=np.float32)
            patches.append(_Patch.of(outer[1] // 2, outer[0] // 2, halved, color))
        return cls(tuple(patches))

    def draw(self, picture: Picture, opacity: float = 1.0) -> None:
        """Draw over a picture of the canvas' size, in place; `opacity` from 0 to 1 goes on top of its own."""
        share = round(opacity * _WHOLE)
        for patch, plane in zip(self._patches, planes(picture), strict=False):
            patch.draw(plane, share)


def _seen(opacity: Picture, x: int, y: int, canvas: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the smallest box of the canvas outside of which nothing is seen."""
    rows, columns = np.flatnonzero(opacity.any(axis=1)), np.flatnonzero(opacity.any(axis=0))
    if not rows.size:
        return 0, 0, 0, 0
    left, top = max(0, x + int(columns[0])), max(0, y + int(rows[0]))
    return left, top, min(canvas[0], x + int(columns[-1]) + 1), min(canvas[1], y + int(rows[-1]) + 1)


def _subsample(plane: Weights, *, at_edge: bool) -> Weights:
    """Halve a plane as `color` does: the mean of two rows, and 1-2-1 across columns about each even one."""
    rows = (plane[0::2] + plane[1::2]) * np.float32(0.5)
    before = np.zeros_like(rows[:, 0::2])
    before[:, 1:] = rows[:, 1:-1:2]
    if at_edge:
        before[:, 0] = rows[:, 0]
    halved: Weights = (before + 2 * rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
    return halved
