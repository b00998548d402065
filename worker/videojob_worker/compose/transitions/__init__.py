"""Transitions: one a file, and the registry that knows them by the names of the spec.

To add one: a module with a function of the shape `Render`, a line in `TRANSITIONS`, and a test of it.
"""

from collections.abc import Callable

from videojob_worker.compose.color import Picture
from videojob_worker.compose.transitions.crossfade import crossfade
from videojob_worker.compose.transitions.cut import cut
from videojob_worker.compose.transitions.fade import fade

Render = Callable[[Picture, Picture, float, Picture, Picture], None]
"""`(before, after, progress, through, out)`: write to `out` what is seen at `progress`, which goes from 0
(wholly `before`) to 1 (wholly `after`); `through` is the transition's colour as a picture."""

TRANSITIONS: dict[str, Render] = {
    "crossfade": crossfade,
    "cut": cut,
    "fade": fade,
}
