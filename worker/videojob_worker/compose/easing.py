"""How a change starts and ends: from the share of time that has passed to the share of the way."""

from collections.abc import Callable
from typing import Final

from videojob_contract.resources.motion import Easing

EASINGS: Final[dict[Easing, Callable[[float], float]]] = {
    Easing.LINEAR: lambda time: time,
    Easing.EASE_IN: lambda time: time * time,
    Easing.EASE_OUT: lambda time: time * (2 - time),
    Easing.EASE_IN_OUT: lambda time: time * time * (3 - 2 * time),
}
"""Each takes 0 to 0 and 1 to 1 and never goes back; the last starts and ends at rest."""


def ease(easing: Easing, time: float) -> float:
    """Return the share of the way at a share of the time, both from 0 to 1."""
    return EASINGS[easing](time)
