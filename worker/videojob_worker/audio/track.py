"""Where a track sounds on the timeline and how loud it is there, in samples."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from videojob_contract.resources.audio import Track
from videojob_worker.plan.timeline import SAMPLE_RATE, to_frame

Samples = npt.NDArray[np.float32]
"""`(2, n) float32`: left and right, from -1 to 1."""


def to_samples(seconds: Fraction | None) -> int:
    """Round a time to the nearest sample; None is 0."""
    return to_frame(seconds, Fraction(SAMPLE_RATE)) if seconds is not None else 0


@dataclass(frozen=True, slots=True)
class Placement:
    """A track on the timeline: its `length` samples sound, repeated, in `start <= sample < end`."""

    start: int
    end: int
    length: int
    volume: float
    fade_in: int
    fade_out: int

    def positions(self, first: int, count: int) -> npt.NDArray[np.int64]:
        """Return which of the track's own samples sound at `count` samples of the timeline from `first`."""
        return (np.arange(first, first + count, dtype=np.int64) - self.start) % self.length

    def gain(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """Return the gain at `count` samples of the timeline from `first`: linear fades, silence outside."""
        at = np.arange(first, first + count, dtype=np.float64)
        gain = np.full(count, self.volume)
        if self.fade_in:
            gain *= np.clip((at - self.start) / self.fade_in, 0, 1)
        if self.fade_out:
            gain *= np.clip((self.end - at) / self.fade_out, 0, 1)
        gain[(at < self.start) | (at >= self.end)] = 0
        return gain.astype(np.float32)


def place(track: Track, decoded: int, total: int) -> Placement:
    """Place a track of `decoded` samples on a timeline of `total` samples."""
    start = min(to_samples(track.offset), total)
    end = total if track.loop else min(total, start + decoded)
    return Placement(
        start=start,
        end=end,
        length=max(decoded, 1),
        volume=track.volume,
        fade_in=to_samples(track.fade_in),
        fade_out=to_samples(track.fade_out),
    )
