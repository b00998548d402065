"""What a transition is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from videojob_worker.pixels.yuv import Picture

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Transition
    from videojob_worker.canvas import Canvas

Render = Callable[[Picture, Picture, float, Picture], None]
"""`(before, after, progress, out)`: write to `out` what is seen at `progress`, which goes from 0 (wholly `before`)
towards 1 (wholly `after`). It may keep what it needs from call to call, so each thread starts its own, and asks for
progress that never goes back."""

Start = Callable[["Canvas", "Transition"], Render]
"""Makes ready to render one transition on a canvas of a size."""


def always(render: Render) -> Start:
    """Start what needs nothing made ready."""
    return lambda _canvas, _transition: render
