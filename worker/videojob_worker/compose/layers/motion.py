"""Slow zoom and pan over a clip (Ken Burns).

An image moves in its own resolution, as far as the canvas shows it; any other clip moves as its pictures are, which are
as large as the canvas.
"""

from collections.abc import Iterator
from math import sqrt
from typing import Final

import numpy as np

from videojob_contract.resources.motion import Motion
from videojob_contract.resources.timeline import Clip, Fit
from videojob_worker.canvas import Canvas
from videojob_worker.compose.ken_burns import KenBurns, views
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.image import load_image
from videojob_worker.media.probe import ProbedSource
from videojob_worker.pixels.fit import contained, fit_image
from videojob_worker.pixels.window import Window
from videojob_worker.pixels.yuv import Picture, from_rgb, parse_color

MAX_PIXELS: Final = 48_000_000
"""Largest picture that is held for a motion, in pixels of one and a half bytes; a larger one is made smaller."""

_SPARE: Final = 1.04
"""Held larger than needed, because near its own size a picture takes longest to be sampled."""


class MotionLayer:
    """Another layer, seen through a window that moves."""

    def __init__(self, inner: Layer, path: KenBurns, frames: int, canvas: Canvas) -> None:
        """Take the inner layer over.

        Args:
            inner: its pictures may be of any size, all of the same.
            path: how the window moves, in pixels of them.
            frames: of the clip; the first shows the start of the path, and the last its end.
            canvas: what it is drawn on.
        """
        self._inner, self._path, self._canvas = inner, path, canvas
        self._last = max(1, frames - 1)
        self._still = Window(next(inner.pictures(0, 1))) if isinstance(inner, StillLayer) else None

    def pictures(self, first: int, count: int) -> Iterator[Picture]:
        """Yield what is seen through the window, in one buffer."""
        out = np.empty((self._canvas.height * 3 // 2, self._canvas.width), np.uint8)
        for number, picture in enumerate(self._inner.pictures(first, count), first):
            window = self._still or Window(picture)
            window.view(self._path.at(min(1.0, number / self._last)), out)
            yield out

    def close(self) -> None:
        """Close the inner layer."""
        self._inner.close()


def move_layer(inner: Layer, motion: Motion, clip: Clip, *, frames: int, canvas: Canvas) -> MotionLayer:
    """Move the pictures of a layer as large as the canvas."""
    return MotionLayer(inner, views(motion, canvas.size, canvas.size, clip.fit, clip.anchor), frames, canvas)


def move_image(
    source: Source, probed: ProbedSource, motion: Motion, clip: Clip, *, frames: int, canvas: Canvas
) -> MotionLayer:
    """Move a still image, held as large as its motion needs.

    Raises:
        PermanentError: the image cannot be used.
    """
    size, full, fit, path = _held(probed, motion, clip, canvas)
    image = load_image(source, size)
    picture = from_rgb(fit_image(image, size, fit, clip.anchor, parse_color(canvas.background)))
    return MotionLayer(StillLayer(picture), path.scaled(full, size), frames, canvas)


def held_size(probed: ProbedSource, motion: Motion, clip: Clip, canvas: Canvas) -> tuple[int, int]:
    """Return how large, in width and height, a still image is held for its motion."""
    return _held(probed, motion, clip, canvas)[0]


def _held(
    probed: ProbedSource, motion: Motion, clip: Clip, canvas: Canvas
) -> tuple[tuple[int, int], tuple[int, int], Fit, KenBurns]:
    """Return how large an image is held, and the size that it fits, how, and the way of its window there."""
    shown, whole = canvas.size, (probed.width or 1, probed.height or 1)
    if motion.pan is None and clip.fit in {Fit.CONTAIN, Fit.BLUR}:
        # The bars belong to what moves, so the picture is the canvas, as much larger as the image and the zoom allow.
        full, fit = shown, Fit(clip.fit)
        detail = max(1.0, whole[0] / contained(whole, shown)[0])
    else:
        full, fit = whole, Fit.STRETCH
        detail = 1.0
    path = views(motion, full, shown, clip.fit, clip.anchor)
    needed = (max(shown[0] / (box[2] - box[0]), shown[1] / (box[3] - box[1])) for box in (path.first, path.last))
    return _sized(full, min(max(needed) * _SPARE, detail)), full, fit, path


def _sized(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Scale a size, within what may be held, to even numbers."""
    scale = min(scale, sqrt(MAX_PIXELS / (size[0] * size[1])))
    return max(2, round(size[0] * scale / 2) * 2), max(2, round(size[1] * scale / 2) * 2)
