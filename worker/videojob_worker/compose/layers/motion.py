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
from videojob_worker.compose.color import Picture, from_rgb, parse_color
from videojob_worker.compose.fit import contained, fit_image
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.compose.views import Views, views
from videojob_worker.compose.window import Window
from videojob_worker.media.image import load_image
from videojob_worker.media.probe import Facts
from videojob_worker.media.source import Source
from videojob_worker.project import Look

MAX_PIXELS: Final = 48_000_000
"""Largest picture that is held for a motion, in pixels of one and a half bytes; a larger one is made smaller."""

_SPARE: Final = 1.04
"""Held larger than needed, because near its own size a picture takes longest to be sampled."""


class MotionLayer:
    """Another layer, seen through a window that moves."""

    def __init__(self, inner: Layer, path: Views, frames: int, look: Look) -> None:
        """Take the inner layer over.

        Args:
            inner: its pictures may be of any size, all of the same.
            path: how the window moves, in pixels of them.
            frames: of the clip; the first shows the start of the path, and the last its end.
            look: the canvas.
        """
        self._inner, self._path, self._look = inner, path, look
        self._last = max(1, frames - 1)
        self._still = Window(next(inner.pictures(0, 1))) if isinstance(inner, StillLayer) else None

    def pictures(self, first: int, count: int) -> Iterator[Picture]:
        """Yield what is seen through the window, in one buffer."""
        out = np.empty((self._look.height * 3 // 2, self._look.width), np.uint8)
        for number, picture in enumerate(self._inner.pictures(first, count), first):
            window = self._still or Window(picture)
            window.look(self._path.at(min(1.0, number / self._last)), out)
            yield out

    def close(self) -> None:
        """Close the inner layer."""
        self._inner.close()


def move_layer(inner: Layer, motion: Motion, clip: Clip, *, frames: int, look: Look) -> MotionLayer:
    """Move the pictures of a layer as large as the canvas."""
    canvas = (look.width, look.height)
    return MotionLayer(inner, views(motion, canvas, canvas, clip.fit, clip.anchor), frames, look)


def move_image(source: Source, facts: Facts, motion: Motion, clip: Clip, *, frames: int, look: Look) -> MotionLayer:
    """Move a still image, held as large as its motion needs.

    Raises:
        PermanentError: the image cannot be used.
    """
    canvas, whole = (look.width, look.height), (facts.width or 1, facts.height or 1)
    if motion.pan is None and clip.fit in {Fit.CONTAIN, Fit.BLUR}:
        # The bars belong to what moves, so the picture is the canvas, as much larger as the image and the zoom allow.
        full, fit = canvas, Fit(clip.fit)
        detail = max(1.0, whole[0] / contained(whole, canvas)[0])
    else:
        full, fit = whole, Fit.STRETCH
        detail = 1.0
    path = views(motion, full, canvas, clip.fit, clip.anchor)
    needed = (max(canvas[0] / (box[2] - box[0]), canvas[1] / (box[3] - box[1])) for box in (path.first, path.last))
    size = _sized(full, min(max(needed) * _SPARE, detail))
    image = load_image(source, size)
    picture = from_rgb(fit_image(image, size, fit, clip.anchor, parse_color(look.background)))
    return MotionLayer(StillLayer(picture), path.scaled(full, size), frames, look)


def _sized(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Scale a size, within what may be held, to even numbers."""
    scale = min(scale, sqrt(MAX_PIXELS / (size[0] * size[1])))
    return max(2, round(size[0] * scale / 2) * 2), max(2, round(size[1] * scale / 2) * 2)
