"""Fade: the first picture turns into a colour, and the colour into the second picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from videojob_worker.pixels.mix import mix
from videojob_worker.pixels.yuv import Picture, solid

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.transitions.base import Render

_DEFAULT_THROUGH: Final = "#000000"


def fade(canvas: Canvas, transition: Transition) -> Render:
    """Mix with the transition's colour, which is seen alone in the middle."""
    through = solid(transition.color or _DEFAULT_THROUGH, canvas.width, canvas.height)

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        if progress < 0.5:  # noqa: PLR2004 - the middle
            mix(before, through, progress * 2, out)
        else:
            mix(through, after, progress * 2 - 1, out)

    return render
