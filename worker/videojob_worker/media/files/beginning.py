"""When a film begins: with its first picture, or with its sound where that is heard long before.

Recorders of calls write sound from the first word on, and pictures when a camera is switched on; cutters leave sound
that stands before the first keyframe. Players show the first picture from the beginning on.
"""

from fractions import Fraction
from typing import Final

from av.container import InputContainer

_EARLY_S: Final = Fraction(1, 4)
"""Sound that is earlier by less is that of a picture that is not there, and belongs to no other."""
# Others are pieces of broadcasts, which begin amid both, or have a clock for each stream.
_ONE_CLOCK: Final = ("mov", "matroska", "flv")


def begin_s(container: InputContainer, pictures_s: Fraction) -> Fraction:
    """Return the time stamp in seconds at which a film begins whose first picture is at `pictures_s`."""
    if not container.format.name.startswith(_ONE_CLOCK):
        return pictures_s
    sounds = [(it.start_time, it.time_base) for it in container.streams.audio]
    sound_s = min((start * tick_s for start, tick_s in sounds if start is not None and tick_s), default=pictures_s)
    return sound_s if pictures_s - sound_s > _EARLY_S else pictures_s
