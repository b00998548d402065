"""Where a transition between two stills does not go on as it did; between these frames, encoders can interpolate it."""

from typing import Final

from videojob_contract.resources.motion import Easing
from videojob_contract.resources.timeline import Transition
from videojob_worker.timeline.times import ClipTimes

_STRAIGHT: Final = ("cut", "crossfade", "wipe", "circle")
"""How the names of those begin in which a pixel is of the one picture, of the other, or goes from one to the other."""
_STEP: Final = 4


def keypoints(transition: Transition, times: ClipTimes) -> tuple[int, ...]:
    """Return frames of a transition, in order, besides its first and the one after its last.

    Args:
        transition: how a clip comes in.
        times: of the clip that comes in.
    """
    start, end = times.start, times.settled
    if transition.type.startswith(_STRAIGHT) and transition.easing is Easing.LINEAR:
        return ()
    if transition.type == "fade" and transition.easing is Easing.LINEAR:
        # Through a colour, which is reached in the middle, or between the two frames there.
        return tuple(sorted({(start + end) // 2, (start + end + 1) // 2}))
    return tuple(range(start + _STEP, end, _STEP))
