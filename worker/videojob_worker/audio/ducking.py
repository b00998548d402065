"""Tracks that go quieter while other sound is heard.

The whole of the other sound is listened to first. So the gain is known as points over the timeline: it comes down
before the other sound starts, which a compressor that only knows the past cannot do, and it stays down over
pauses shorter than its way up and down again would take.
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from videojob_contract.resources.audio import Duck
from videojob_worker.audio.gain import Points
from videojob_worker.media.sound.samples import Samples, to_samples

HOP: Final = 480
"""Samples whose level is measured together: 10 ms."""

Sounding = list[tuple[int, int]]
"""Stretches of the timeline, `first <= sample < last`, in order."""


def find_sounding(
    blocks: Iterable[Samples], thresholds_db: Iterable[float], on_samples: Callable[[int], None]
) -> dict[float, Sounding]:
    """Find where a sound is louder than each threshold, in dBFS (RMS of both channels over `HOP` samples)."""
    found: dict[float, Sounding] = {threshold: [] for threshold in thresholds_db}
    position = 0
    rest = np.zeros((2, 0), np.float32)
    for block in blocks:
        on_samples(block.shape[1])
        rest = np.concatenate((rest, block), axis=1)
        whole = rest.shape[1] // HOP
        power = np.square(rest[:, : whole * HOP]).reshape(2, whole, HOP).mean(axis=(0, 2))
        rest = rest[:, whole * HOP :]
        for threshold, sounding in found.items():
            _add(sounding, power > 10 ** (threshold / 10), position)
        position += whole * HOP
    if rest.shape[1]:
        for threshold, sounding in found.items():
            _add(sounding, np.array([np.square(rest).mean() > 10 ** (threshold / 10)]), position)
    return found


def _add(sounding: Sounding, loud: np.ndarray, position: int) -> None:
    """Add runs of loud hops that start at `position`, joined to the last one if they go on from it."""
    edges = np.flatnonzero(np.diff(loud, prepend=False, append=False))
    for first, last in edges.reshape(-1, 2) * HOP + position:
        if sounding and sounding[-1][1] == first:
            sounding[-1] = (sounding[-1][0], int(last))
        else:
            sounding.append((int(first), int(last)))


def duck_gain(duck: Duck, sounding: Sounding) -> Points | None:
    """Return how loud a ducking track is while others sound; None when they never do."""
    attack, hold, release = max(1, to_samples(duck.attack)), to_samples(duck.hold), max(1, to_samples(duck.release))
    joined: Sounding = []
    for first, last in sounding:
        # It stays down where there is no time to come up.
        if joined and first - attack <= joined[-1][1] + hold + release:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    if not joined:
        return None
    moments = [(first - attack, first, last + hold, last + hold + release) for first, last in joined]
    return Points([at for four in moments for at in four], [1.0, duck.to, duck.to, 1.0] * len(moments))
