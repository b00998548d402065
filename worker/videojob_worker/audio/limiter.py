"""Keeps the mix below full scale without the distortion of clipping.

A limiter with look-ahead: it turns the sound down over the 5 ms before a peak, and up again by 60 dB a second.
What never goes over its ceiling comes out as it went in, bit by bit.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.sound.samples import Samples, silence

_Curve = npt.NDArray[np.float64]

_ATTACK: Final = SAMPLE_RATE * 5 // 1000
_RELEASE_DB: Final = 60 / SAMPLE_RATE
"""A sample."""

# True peaks: the signal at four times the rate, by a windowed sinc of as many samples on each side (after
# ITU-R BS.1770-4, annex 2).
_OVERSAMPLING: Final = 4
_REACH: Final = 8
# Between two samples, a signal within the band may be this much above the higher of them; more needs noise that
# is no sound.
_OVERSHOOT: Final = 2.0


def _interpolator() -> Samples:
    """Return `(_OVERSAMPLING - 1, 2 * _REACH)`: what each sample adds to each point between the middle two."""
    at = np.arange(1 - _REACH, 1 + _REACH) - np.arange(1, _OVERSAMPLING)[:, None] / _OVERSAMPLING
    taps = np.sinc(at) * np.cos(at * np.pi / (2 * _REACH)) ** 2
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)


_INTERPOLATOR: Final = _interpolator()


def limit(
    blocks: Iterable[Samples], ceiling: float, *, gain: float = 1.0, true_peaks: bool = False
) -> Iterator[Samples]:
    """Yield the sound times `gain`, with no sample above `ceiling`, in blocks of any size.

    With `true_peaks`, the signal between the samples stays below it as well.
    """
    limiter = _Limiter(ceiling, true_peaks=true_peaks)
    for block in blocks:
        yield limiter.take(block * np.float32(gain))
    yield limiter.take(silence(_ATTACK + _REACH))


class _Limiter:
    """Gives out what it takes, later by `_ATTACK + _REACH` samples: it has to know what comes."""

    def __init__(self, ceiling: float, *, true_peaks: bool) -> None:
        self._ceiling = ceiling
        self._true_peaks = true_peaks
        self._taken = silence(2 * _REACH)
        """The last samples that were taken, for the interpolation."""
        self._held = silence(_REACH)
        """What was not given out yet; at first, samples that nobody took."""
        self._to_drop = _REACH
        self._allowed_db: _Curve = np.zeros(0)
        """The gain that each held sample may have, rising slowly after a peak; of all but the last `_REACH`."""
        self._last_db = 0.0
        self._lowest: _Curve = np.ones(_ATTACK)
        """The lowest factor ahead, as seen from each of the last samples given out."""

    def take(self, block: Samples) -> Samples:
        self._held = np.concatenate((self._held, block), axis=1)
        self._allowed_db = np.concatenate((self._allowed_db, self._allow(block)))
        ready = len(self._allowed_db) - _ATTACK
        if ready <= 0:
            return silence(0)
        out, self._held = self._held[:, :ready], self._held[:, ready:]
        if self._allowed_db.any() or self._lowest.min() < 1:
            lowest = np.concatenate((self._lowest, _lowest_ahead(10 ** (self._allowed_db / 20))))
            sums = np.concatenate(([0.0], np.cumsum(lowest)))
            factors = (sums[_ATTACK + 1 :] - sums[1:-_ATTACK]) / _ATTACK
            self._lowest = lowest[-_ATTACK:]
            out = np.clip(out * factors.astype(np.float32), -self._ceiling, self._ceiling)
        self._allowed_db = self._allowed_db[ready:]
        dropped = min(self._to_drop, ready)
        self._to_drop -= dropped
        return out[:, dropped:]

    def _allow(self, block: Samples) -> _Curve:
        """Return the gain in dB that samples may have: as many as were taken, from `_REACH` before them on."""
        around = np.concatenate((self._taken, block), axis=1)
        self._taken = around[:, -2 * _REACH :]
        count = block.shape[1]
        peaks = np.abs(around[:, _REACH : _REACH + count]).max(axis=0)
        highest = float(np.abs(around).max())
        if self._true_peaks and highest * _OVERSHOOT > self._ceiling:
            windows = sliding_window_view(around, 2 * _REACH, axis=1).transpose(0, 2, 1)
            # Not by a product of matrices: what that rounds to depends on the threads it is given.
            between = np.abs(np.einsum("pk,ckn->pcn", _INTERPOLATOR, windows)).max(axis=(0, 1))
            peaks = np.maximum(peaks, np.maximum(between[:-1], between[1:]))
        if not self._last_db and (not count or peaks.max() <= self._ceiling):
            return np.zeros(count)
        allowed = np.minimum(0.0, 20 * np.log10(self._ceiling / np.maximum(peaks, self._ceiling)))
        # It rises by no more than the release from one sample to the next.
        ramp = _RELEASE_DB * np.arange(count + 1)
        rising = ramp + np.minimum.accumulate(np.concatenate(([self._last_db], allowed)) - ramp)
        self._last_db = float(rising[-1])
        return np.asarray(rising[1:])


def _lowest_ahead(factors: _Curve) -> _Curve:
    """Return the lowest of the `_ATTACK` factors from each on, for all but the last `_ATTACK`."""
    lowest, reach = factors, 1
    while reach * 2 <= _ATTACK:
        lowest = np.minimum(lowest[:-reach], lowest[reach:])
        reach *= 2
    rest = _ATTACK - reach
    return np.minimum(lowest[: len(lowest) - rest], lowest[rest:])[: len(factors) - _ATTACK]
