"""Plays sound faster or slower at the same pitch, exactly as many samples as asked for.

WSOLA (Verhelst and Roelands, 1993): windows of 60 ms are laid at even distances in the output. Each is taken from
where the sound is by then in the input, shifted by up to 15 ms to where it continues the window before best. So
nothing drifts: every moment of the output is within the shift of its own moment in the input. libavfilter's
`atempo` does the same, but starts early and ends short by tens of milliseconds, depending on the speed.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from videojob_worker.audio.scratch import Pcm
from videojob_worker.media.sound.samples import Samples

_HOP: Final = 1440  # 30 ms, half a window
_SHIFT: Final = 720  # 15 ms: a whole period of 33 Hz lies within both directions
_SPAN: Final = 2 * (_HOP + _SHIFT)  # of the input, searched for a window
_SILENT: Final = 1e-12  # mean square below which there is nothing to align


def stretch(sound: Pcm, samples: range, speed: Fraction, length: int) -> Iterator[Samples]:
    """Yield `length` samples of `sound`, in blocks, that play `samples` of it at `speed`."""
    window = np.hanning(2 * _HOP + 1)[:-1].astype(np.float32)  # two halves of it add to one
    tail = np.zeros((2, _HOP), np.float32)
    following: npt.NDArray[np.float64] | None = None
    for index in range(-(-length // _HOP) + 1):
        center = samples.start + int(index * _HOP * speed)
        span = _read(sound, samples, center - _HOP - _SHIFT, _SPAN)
        shift = 0 if following is None else _best_shift(span, following)
        at = _SHIFT + shift
        taken = span[:, at : at + 2 * _HOP] * window
        if index:
            out = tail + taken[:, :_HOP]
            yield out[:, : length - (index - 1) * _HOP]
        tail = taken[:, _HOP:]
        following = _mono(_read(sound, samples, center + shift, 2 * _HOP))


def _read(sound: Pcm, samples: range, first: int, count: int) -> Samples:
    """Read of `samples` alone: what is around them in the source is not to be heard."""
    block = sound.read(first, count)
    block[:, : max(0, samples.start - first)] = 0
    block[:, max(0, samples.stop - first) :] = 0
    return block


def _mono(block: Samples) -> npt.NDArray[np.float64]:
    return np.asarray(block.sum(axis=0, dtype=np.float64))


def _best_shift(span: Samples, following: npt.NDArray[np.float64]) -> int:
    """Return by how much to shift so that the window is most alike what follows the one before."""
    searched = _mono(span)
    if np.square(following).mean() < _SILENT:
        return 0
    alike = np.fft.irfft(np.fft.rfft(searched) * np.fft.rfft(following, _SPAN).conj(), _SPAN)[: 2 * _SHIFT + 1]
    squares = np.concatenate(([0.0], np.cumsum(searched**2)))
    energy = squares[2 * _HOP :] - squares[: -2 * _HOP]
    return int((alike / np.sqrt(energy + _SILENT * 2 * _HOP)).argmax()) - _SHIFT
