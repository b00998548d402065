"""Dissolve: grain by grain, in random order, one picture turns into the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from videojob_worker.pixels.mix import choose

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.transitions.base import Render
    from videojob_worker.pixels.yuv import Picture

_RANKS = 1 << 16


def dissolve(canvas: Canvas, _transition: Transition) -> Render:
    """Change grains of two pixels by two, so that a grain has one sample of chroma; always the same ones first."""
    # RandomState, because its stream is the same in every version of numpy.
    grains = np.random.RandomState(0).randint(0, _RANKS, (canvas.height // 2, canvas.width // 2), np.uint16)
    luma = grains.repeat(2, axis=0).repeat(2, axis=1)
    ranks = np.concatenate([luma.reshape(-1), grains.reshape(-1), grains.reshape(-1)])

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        choose(before, after, ranks, round(progress * _RANKS), out)

    return render
