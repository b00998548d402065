"""What each frame shows: spans that cover every frame of the timeline exactly once, in order.

A span is the unit of thrift. All frames of a `Still` are one picture, made once and handed to the encoder
again and again; those of a `Blend` are each made from two pictures that are at hand.
"""

from dataclasses import dataclass
from itertools import pairwise

from videojob_worker.plan.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Still:
    """`frames` frames from `start` that all show clip `clip` alone."""

    start: int
    frames: int
    clip: int

    @property
    def clips(self) -> tuple[int, ...]:
        """The clips that are seen."""
        return (self.clip,)


@dataclass(frozen=True, slots=True)
class Blend:
    """`frames` frames from `start` in which clip `clip` comes in over the one before it."""

    start: int
    frames: int
    clip: int

    @property
    def clips(self) -> tuple[int, ...]:
        """The clips that are seen."""
        return (self.clip - 1, self.clip)


Span = Still | Blend


def end_of(span: Span) -> int:
    """Return the first frame after a span."""
    return span.start + span.frames


def compile_spans(timeline: Timeline) -> tuple[Span, ...]:
    """Turn a timeline into spans without gap or overlap; those of no frames are left out."""
    spans: list[Span] = []
    for index, times in enumerate(timeline.clips):
        if times.settled > times.start:
            spans.append(Blend(times.start, times.settled - times.start, index))
        if times.leaves > times.settled:
            spans.append(Still(times.settled, times.leaves - times.settled, index))
    gaps = [(a, b) for a, b in pairwise(spans) if end_of(a) != b.start]
    if gaps or spans[0].start != 0 or end_of(spans[-1]) != timeline.frames:
        raise AssertionError(f"spans do not cover the timeline: {gaps or spans}")
    return tuple(spans)
