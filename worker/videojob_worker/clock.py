"""Media time: exact seconds, and the frames and samples that they are rounded to."""

from fractions import Fraction

SAMPLE_RATE = 48_000
"""Audio samples a second of every timeline."""


def to_frame(seconds: Fraction, fps: Fraction) -> int:
    """Round a moment to the nearest frame; a tie goes to the later one."""
    return int((seconds * fps + Fraction(1, 2)) // 1)
