"""Sound as numbers: what a block of samples is, and which sample a moment is."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from videojob_worker.clock import SAMPLE_RATE, to_frame

Samples = npt.NDArray[np.float32]
"""`(2, n) float32`: left and right, from -1 to 1."""

CHANNELS = 2

BLOCK = 1024
"""Samples in a block, where nothing else is asked for: one frame of AAC."""

MIX_BLOCK = 16 * BLOCK
"""Samples that are mixed at once: enough that numpy's calls cost little, a third of a second."""


def to_samples(seconds: Fraction | None) -> int:
    """Round a time to the nearest sample; None is 0."""
    return to_frame(seconds, Fraction(SAMPLE_RATE)) if seconds is not None else 0


def silence(count: int) -> Samples:
    """Return `count` samples of nothing."""
    return np.zeros((CHANNELS, count), np.float32)
