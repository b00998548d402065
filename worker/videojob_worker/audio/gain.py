"""How loud a sound is at each of its samples: fades, crossfades, envelopes and ducking.

Each is a `Gain`: asked for a stretch of the timeline, it gives a factor for each sample, or one for all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from videojob_contract.resources.audio import FadeCurve

Factors = npt.NDArray[np.float64]

_FADE_DB: Final = 60.0  # what `exponential` goes through before it is cut to silence


class Gain(Protocol):
    """A factor over the timeline."""

    def over(self, first: int, count: int) -> Factors | float:
        """Return the factors of `count` samples of the timeline from `first`."""


def _exponential(share: Factors) -> Factors:
    return np.where(share > 0, 10 ** (_FADE_DB / 20 * (share - 1)), 0.0)


_CURVES: Final[Mapping[FadeCurve, Callable[[Factors], Factors]]] = {
    FadeCurve.LINEAR: lambda share: share,
    FadeCurve.EQUAL_POWER: lambda share: np.sin(share * np.pi / 2),
    FadeCurve.SMOOTH: lambda share: (1 - np.cos(share * np.pi)) / 2,
    FadeCurve.EXPONENTIAL: _exponential,
}


def _shares(first: int, count: int, start: int, end: int) -> Factors | float:
    """Return how far samples are from `start` (0) to `end` (1); one number when all are before or after."""
    if first + count <= start:
        return 0.0
    if first >= end:
        return 1.0
    at = np.arange(first, first + count, dtype=np.float64)
    return np.asarray(np.clip((at - start) / (end - start), 0, 1))


@dataclass(frozen=True, slots=True)
class FadeIn:
    """From silence at sample `start` to full volume at `end`."""

    start: int
    end: int
    curve: FadeCurve

    def over(self, first: int, count: int) -> Factors | float:
        """Return the factors of `count` samples of the timeline from `first`."""
        shares = _shares(first, count, self.start, self.end)
        return shares if isinstance(shares, float) else _CURVES[self.curve](shares)


@dataclass(frozen=True, slots=True)
class FadeOut:
    """From full volume at sample `start` to silence at `end`."""

    start: int
    end: int
    curve: FadeCurve

    def over(self, first: int, count: int) -> Factors | float:
        """Return the factors of `count` samples of the timeline from `first`."""
        shares = _shares(first, count, self.start, self.end)
        return 1 - shares if isinstance(shares, float) else _CURVES[self.curve](1 - shares)


@dataclass(frozen=True, slots=True)
class Crossfade:
    """One side of a change from one sound to another over the samples from `start` to `end`.

    With x the share of the change that is over, the sound that goes has (1 - x) / p and the one that comes x / p,
    where p² = x² + (1 - x)² + 2 c x (1 - x) is the power that the two would have together, c being how alike they
    are (their correlation, 0 to 1). So the power stays level: linear for the same sound on both sides, equal power
    for two that have nothing to do with each other (Fink, Holters and Zölzer, 2016).
    """

    start: int
    end: int
    comes: bool
    alike: float

    def over(self, first: int, count: int) -> Factors | float:
        """Return the factors of `count` samples of the timeline from `first`."""
        shares = _shares(first, count, self.start, self.end)
        mine = shares if self.comes else 1 - shares
        if isinstance(mine, float):
            return mine
        power = mine**2 + (1 - mine) ** 2 + 2 * self.alike * mine * (1 - mine)
        return np.asarray(mine / np.sqrt(power))


class Points:
    """Straight between the factors at some samples of the timeline, level before the first and after the last."""

    def __init__(self, at: Sequence[float], factors: Sequence[float]) -> None:
        self._at = np.asarray(at, np.float64)
        self._factors = np.asarray(factors, np.float64)

    def over(self, first: int, count: int) -> Factors | float:
        """Return the factors of `count` samples of the timeline from `first`."""
        # Of the points, those around the samples: there may be many, and few of them near.
        begin = max(int(np.searchsorted(self._at, first, "right")) - 1, 0)
        end = int(np.searchsorted(self._at, first + count)) + 1
        at, factors = self._at[begin:end], self._factors[begin:end]
        if len(set(factors.tolist())) == 1:
            return float(factors[0])
        return np.interp(np.arange(first, first + count), at, factors)
