"""Pixelize: the pictures break into squares that grow and shrink again, while one turns into the other.

As in ffmpeg's xfade: the squares' sides grow in 25 steps to a tenth of the canvas' shorter side, and each has the
colour of its middle.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from videojob_worker.pixels.mix import mix
from videojob_worker.pixels.yuv import Picture, planes

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.transitions.base import Render

_STEPS = 50


def pixelize(canvas: Canvas, _transition: Transition) -> Render:
    """Mix the two pictures' squares."""
    shorter = min(canvas.width, canvas.height)

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        step = ceil(min(progress, 1 - progress) * _STEPS)
        side = step / _STEPS * shorter / 10
        if not step:
            out[...] = before if progress < 0.5 else after  # noqa: PLR2004 - the middle
            return
        for scale, old, new, seen in zip((1, 2, 2), planes(before), planes(after), planes(out), strict=True):
            rows, columns = (_middles(length, side, scale) for length in old.shape)
            some_rows, row = np.unique(rows, return_inverse=True)
            some_columns, column = np.unique(columns, return_inverse=True)
            places = np.ix_(some_rows, some_columns)
            squares = np.empty((some_rows.size, some_columns.size), np.uint8)
            mix(old[places], new[places], progress, squares)
            np.take(squares[:, column], row, axis=0, out=seen)

    return render


def _middles(length: int, side: float, scale: int) -> npt.NDArray[np.intp]:
    """Return for each sample along a plane that of the middle of its square, whose side is in pixels of luma."""
    middles = (np.floor(np.arange(length) * scale / side) + 0.5) * side / scale
    return np.minimum(middles, length - 1).astype(np.intp)
