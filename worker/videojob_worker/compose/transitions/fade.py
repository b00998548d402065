"""Fade: the first picture turns into a colour, and the colour into the second picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from videojob_worker.compose.color import Picture, solid
from videojob_worker.compose.mix import mix

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.compose.transitions.base import Render
    from videojob_worker.project import Look

_DEFAULT_THROUGH: Final = "#000000"


def fade(look: Look, transition: Transition) -> Render:
    """Mix with the transition's colour, which is seen alone in the middle."""
    through = solid(transition.color or _DEFAULT_THROUGH, look.width, look.height)

    def render(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        if progress < 0.5:  # noqa: PLR2004 - the middle
            mix(before, through, progress * 2, out)
        else:
            mix(through, after, progress * 2 - 1, out)

    return render
