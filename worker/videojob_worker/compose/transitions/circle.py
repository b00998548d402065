"""Circles: the second picture opens from the middle, or the first closes into it, with a soft edge.

The edge is that of `circleopen` and `circleclose` of ffmpeg's xfade: of the distance from the middle, in halves of the
canvas' diagonal, a smoothstep of width 1 that travels from outside the one end to outside the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from videojob_worker.pixels.mix import mix_by
from videojob_worker.pixels.yuv import Picture, planes

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.transitions.base import Render

_TRAVEL = 3.0
"""How far the edge travels, in halves of the diagonal; it passes the canvas in the middle third."""


def circle_open(canvas: Canvas, _transition: Transition) -> Render:
    """Open a circle from the middle on the second picture."""
    distances = _distances(canvas)

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        _mix(distances, after, before, (0.5 - progress) * _TRAVEL, out)

    return render


def circle_close(canvas: Canvas, _transition: Transition) -> Render:
    """Close a circle around the middle of the first picture."""
    distances = _distances(canvas)

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        _mix(distances, before, after, (progress - 0.5) * _TRAVEL, out)

    return render


def _distances(canvas: Canvas) -> list[Image.Image]:
    """Return for each plane how far each of its samples is from the middle: 0, to 255 in the corners."""
    across, down = canvas.width / 2, canvas.height / 2
    diagonal = np.hypot(across, down)
    found = []
    # A sample of chroma stands on a column of luma, and between two rows.
    for scale, below in ((1, 0.0), (2, 0.5)):
        x = np.arange(0, canvas.width, scale, dtype=np.float32) - across
        y = np.arange(0, canvas.height, scale, dtype=np.float32) + below - down
        distance = np.hypot(x[None, :], y[:, None]) * (255 / diagonal)
        found.append(Image.fromarray((distance + 0.5).astype(np.uint8)))
    return [found[0], found[1], found[1]]


def _mix(distances: list[Image.Image], inside: Picture, outside: Picture, shift: float, out: Picture) -> None:
    place = np.clip(np.arange(256) / 255 + shift, 0.0, 1.0)
    weights = np.rint(255 * place * place * (3 - 2 * place)).astype(np.uint8).tolist()
    for distance, near, far, seen in zip(distances, planes(inside), planes(outside), planes(out), strict=True):
        mix_by(near, far, np.asarray(distance.point(weights)), seen)
