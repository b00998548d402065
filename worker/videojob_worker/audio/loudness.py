"""Brings a mix to a loudness after EBU R 128, in two passes: measured with libavfilter's meter, then set."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import log10
from typing import Final

import numpy as np
from av import AudioFrame
from av.error import BlockingIOError as NothingYetError
from av.filter import Graph
from av.filter.context import FilterContext

from videojob_worker.audio.limiter import limit
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.sound.samples import Samples, silence

TRUE_PEAK_DB: Final = -1.0
"""The highest true peak that R 128 permits, in dBTP."""
_GATE_LUFS: Final = -70.0
"""What is below counts as silence."""
# A tenth of a decibel for what meters make of a peak differently.
_CEILING: Final = 10 ** ((TRUE_PEAK_DB - 0.1) / 20)
_MOST_MADE_UP_DB: Final = 6.0
_CORRECTIONS: Final = 3
_CLOSE_DB: Final = 0.2
_STEP: Final = SAMPLE_RATE // 10
_PEAK_ROUNDING: Final = 0.0005  # the meter tells peaks to three digits


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a sound is as a whole."""

    lufs: float
    true_peak_db: float

    @property
    def is_silent(self) -> bool:
        """Whether there was nothing to measure."""
        return self.lufs <= _GATE_LUFS


def measure(blocks: Iterable[Samples], on_samples: Callable[[int], None]) -> Loudness:
    """Measure the integrated loudness and the highest true peak of a sound."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=Fraction(1, SAMPLE_RATE)
    )
    sink = graph.add("abuffersink")
    graph.link_nodes(source, graph.add("ebur128", "metadata=1:peak=true"), sink).configure()
    position = 0
    told: dict[str, str] = {}
    # The meter tells of whole steps only: with silence behind the end, the last one is whole.
    for block in chain(blocks, [silence(_STEP)]):
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), position
        position += frame.samples
        source.push(frame)
        told = _latest(sink) or told
        on_samples(frame.samples)
    peak = float(told.get("lavfi.r128.true_peak", 0)) + _PEAK_ROUNDING
    return Loudness(float(told.get("lavfi.r128.I", _GATE_LUFS)), 20 * log10(peak))


def _latest(sink: FilterContext) -> dict[str, str]:
    told: dict[str, str] = {}
    while True:
        try:
            told = sink.pull().metadata or told
        except NothingYetError:
            return told


@dataclass(frozen=True, slots=True)
class Level:
    """How a mix becomes as loud as wished: one gain over the whole, and a limiter where peaks would be too high."""

    gain_db: float
    limited: bool

    def apply(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield the sound at its new level, in blocks of any size."""
        gain = 10 ** (self.gain_db / 20)
        if self.limited:
            return limit(blocks, _CEILING, gain=gain, true_peaks=True)
        return (block * np.float32(gain) for block in blocks)


def find_level(mixed: Callable[[], Iterable[Samples]], target_lufs: float, on_samples: Callable[[int], None]) -> Level:
    """Measure a mix and find the level that brings it to a loudness.

    A gain alone where the true peaks allow it: then the loudness is exact and the dynamics are untouched. Else a
    limiter takes the peaks off, and with them some loudness, which is measured and made up for, up to a point: a mix
    that can be that loud only without its dynamics stays quieter.
    """
    loudness = measure(mixed(), on_samples)
    if loudness.is_silent:
        return Level(0.0, limited=False)
    gain_db = target_lufs - loudness.lufs
    if loudness.true_peak_db + gain_db <= TRUE_PEAK_DB:
        return Level(gain_db, limited=False)
    made_up_db = 0.0
    for _ in range(_CORRECTIONS):
        limited = Level(gain_db + made_up_db, limited=True)
        lost_db = target_lufs - measure(limited.apply(mixed()), on_samples).lufs
        made_up_db = min(made_up_db + lost_db, _MOST_MADE_UP_DB)
        if lost_db < _CLOSE_DB:
            break
    return Level(gain_db + made_up_db, limited=True)
