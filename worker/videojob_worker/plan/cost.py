"""What a render will cost, in still frames; progress, ETA and the cut into segments are weighted by it.

The weights are ratios measured by `make bench` on 1080p; they need only be right enough for a steady progress
bar and for segments of like length.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from videojob_worker.plan.spans import Kind, Span

STILL_FRAME = 1.0
SETTLING_FRAME = 4.0
BLEND_FRAME = 9.0
SETTLING_FRAMES = 4
"""Frames at the start of a still in which the encoder still refines the picture."""

# A segment starts with a keyframe and an empty lookahead; shorter ones than this cost more than they gain.
MIN_SEGMENT_FRAMES = 100
MAX_SEGMENT_FRAMES = 1800
SEGMENTS_PER_THREAD = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive spans that one encoder makes: `frames` frames from `start`."""

    spans: tuple[Span, ...]
    cost: float
    corners: tuple[int, ...] = ()
    """Frames of blends between which each frame is a mean of these two, weighted by time."""

    @property
    def start(self) -> int:
        """The first frame."""
        return self.spans[0].start

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.spans[-1].end - self.start


def span_cost(span: Span) -> float:
    """Predicted cost of a span."""
    if span.kind is not Kind.STILL:
        return span.frames * BLEND_FRAME
    settling = min(span.frames, SETTLING_FRAMES)
    return settling * SETTLING_FRAME + (span.frames - settling) * STILL_FRAME


def frame_costs(spans: Iterable[Span]) -> "array[float]":
    """Return the predicted cost of every frame, in order."""
    costs = array("f")
    for span in spans:
        if span.kind is not Kind.STILL:
            costs.extend([BLEND_FRAME] * span.frames)
        else:
            settling = min(span.frames, SETTLING_FRAMES)
            costs.extend([SETTLING_FRAME] * settling + [STILL_FRAME] * (span.frames - settling))
    return costs


def cut_segments(spans: Sequence[Span], threads: int) -> tuple[Segment, ...]:
    """Cut spans into segments of like cost to encode side by side, each starting with a still picture.

    There are more segments than threads, so that one that takes longer than predicted does not leave the
    others idle, and a long timeline has more still, so that no segment is large. The cuts depend on the
    arguments alone: the same input gives the same bytes.
    """
    total_frames = spans[-1].end
    wanted = 1 if threads == 1 else threads * SEGMENTS_PER_THREAD
    wanted = max(1, -(-total_frames // MAX_SEGMENT_FRAMES), min(wanted, total_frames // MIN_SEGMENT_FRAMES))
    ends = list(accumulate(span_cost(span) for span in spans))
    target = ends[-1] / wanted
    segments: list[Segment] = []
    first = 0
    for index in range(1, len(spans) + 1):
        last = index == len(spans)
        cost = ends[index - 1] - (ends[first - 1] if first else 0.0)
        if last or (
            spans[index].is_still
            and spans[index - 1].end - spans[first].start >= MIN_SEGMENT_FRAMES
            and total_frames - spans[index].start >= MIN_SEGMENT_FRAMES
            and ends[index - 1] >= target * (len(segments) + 1) - span_cost(spans[index]) / 2
        ):
            segments.append(Segment(tuple(spans[first:index]), cost))
            first = index
    return tuple(segments)
