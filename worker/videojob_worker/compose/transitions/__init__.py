"""Transitions: one a file, and the registry that knows them by the names of the spec.

To add one: a module with a `Start`, a line in `TRANSITIONS`, its name in `contract`'s `resources/transitions.py`, and a
test of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from videojob_worker.compose.easing import EASINGS
from videojob_worker.compose.transitions.base import Render, Start, always
from videojob_worker.compose.transitions.circle import circle_close, circle_open
from videojob_worker.compose.transitions.crossfade import crossfade
from videojob_worker.compose.transitions.cut import cut
from videojob_worker.compose.transitions.directions import Direction
from videojob_worker.compose.transitions.dissolve import dissolve
from videojob_worker.compose.transitions.fade import fade
from videojob_worker.compose.transitions.pixelize import pixelize
from videojob_worker.compose.transitions.push import push
from videojob_worker.compose.transitions.slide import slide
from videojob_worker.compose.transitions.wipe import wipe
from videojob_worker.compose.transitions.xfade import XFADE, xfade

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.canvas import Canvas
    from videojob_worker.pixels.yuv import Picture

__all__ = ["TRANSITIONS", "XFADE", "Render", "start"]

TRANSITIONS: Final[dict[str, Start]] = {
    "cut": always(cut),
    "crossfade": always(crossfade),
    "fade": fade,
    **{f"wipe{direction.value}": wipe(direction) for direction in Direction},
    **{f"slide{direction.value}": slide(direction) for direction in Direction},
    **{f"push{direction.value}": push(direction) for direction in Direction},
    "circleOpen": circle_open,
    "circleClose": circle_close,
    "pixelize": pixelize,
    "dissolve": dissolve,
    **dict.fromkeys(XFADE, xfade),
}


def start(transition: Transition, canvas: Canvas) -> Render:
    """Make ready to render one transition; its easing is applied to the progress, and its colour is known.

    Raises:
        KeyError: there is none of that name.
    """
    render, eased = TRANSITIONS[transition.type](canvas, transition), EASINGS[transition.easing]

    def rendered(before: Picture, after: Picture, progress: float, out: Picture) -> None:
        render(before, after, eased(progress), out)

    return rendered
