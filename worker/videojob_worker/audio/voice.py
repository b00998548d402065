"""One sound on the timeline: which of a source's samples is heard when, and how loud."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import sqrt
from typing import Final

import numpy as np

from videojob_contract.resources.audio import Duck
from videojob_worker.audio.gain import Gain
from videojob_worker.audio.scratch import Pcm
from videojob_worker.media.sound.samples import MIX_BLOCK, Samples, silence

# A period's denominator: its starts are right to a sample in hours, and products with it fit 64 bits.
_FINEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Voice:
    """A sound that is heard over the timeline's samples `start <= n < end`."""

    sound: Pcm
    first: int
    length: int
    """Its samples `first <= n < first + length` are heard, from the last to the first if it plays backwards."""
    start: int
    end: int
    period: Fraction | None = None
    """After how many samples it is heard again, if it loops. Need not be whole: each repetition starts where it
    would, rounded up, so that the rounding does not add up."""
    backwards: bool = False
    volume: float = 1.0
    gains: tuple[Gain, ...] = ()
    duck: Duck | None = None

    def with_gain(self, gain: Gain) -> "Voice":
        """Return this voice with one more gain."""
        return replace(self, gains=(*self.gains, gain))

    def heard(self, first: int, count: int) -> Samples:
        """Return what is heard of it at `count` samples of the timeline from `first`."""
        begin, end = max(first, self.start), min(first + count, self.end)
        if begin >= end:
            return silence(count)
        samples = self._material(begin - self.start, end - begin)
        factors: np.ndarray | float = self.volume
        for gain in self.gains:
            factors = factors * gain.over(begin, end - begin)
        if not isinstance(factors, float):
            factors = factors.astype(np.float32)
        if not (isinstance(factors, float) and factors == 1):
            samples = samples * factors
        if end - begin == count:
            return samples
        block = silence(count)
        block[:, begin - first : end - first] = samples
        return block

    def _material(self, offset: int, count: int) -> Samples:
        if self.period is not None:
            return self._looped(self.period.limit_denominator(_FINEST), offset, count)
        if self.backwards:
            return self.sound.read(self.first + self.length - offset - count, count)[:, ::-1]
        return self.sound.read(self.first + offset, count)

    def _looped(self, period: Fraction, offset: int, count: int) -> Samples:
        places = np.arange(offset, offset + count) * period.denominator % period.numerator // period.denominator
        places = np.minimum(places, self.length - 1)
        if self.backwards:
            places = self.length - 1 - places
        if self.length <= MIX_BLOCK:
            return self.sound.read(self.first, self.length)[:, places]
        # Stretches between seams; at a seam the place goes back.
        seams = np.flatnonzero(np.abs(np.diff(places)) != 1) + 1
        return np.concatenate([self._stretch(part) for part in np.split(places, seams)], axis=1)

    def _stretch(self, places: np.ndarray) -> Samples:
        lowest = int(min(places[0], places[-1]))
        samples = self.sound.read(self.first + lowest, len(places))
        return samples[:, ::-1] if self.backwards else samples


def mix_voices(voices: Sequence[Voice], total: int) -> Iterator[Samples]:
    """Yield the sum of voices in blocks of `MIX_BLOCK` samples, the last one shorter: `total` samples in all.

    Only the voices that are heard in a block are touched, so that many short ones cost what few long ones do.
    """
    waiting = sorted(voices, key=lambda voice: voice.start, reverse=True)
    heard: list[Voice] = []
    for first in range(0, total, MIX_BLOCK):
        count = min(MIX_BLOCK, total - first)
        while waiting and waiting[-1].start < first + count:
            heard.append(waiting.pop())
        heard = [voice for voice in heard if voice.end > first]
        block = silence(count)
        for voice in heard:
            block += voice.heard(first, count)
        yield block


def correlation(one: Voice, other: Voice, start: int, end: int) -> float:
    """Return how alike two voices are over a stretch of the timeline: 1 for the same sound, 0 for unlike ones."""
    together = power_of_one = power_of_other = 0.0
    for first in range(start, end, MIX_BLOCK):
        count = min(MIX_BLOCK, end - first)
        mine, theirs = one.heard(first, count), other.heard(first, count)
        together += float((mine * theirs).sum(dtype=np.float64))
        power_of_one += float(np.square(mine).sum(dtype=np.float64))
        power_of_other += float(np.square(theirs).sum(dtype=np.float64))
    if not power_of_one or not power_of_other:
        return 0.0
    # Sounds of opposite sign are no likeness that fading could make up for.
    return min(max(together / sqrt(power_of_one * power_of_other), 0.0), 1.0)
