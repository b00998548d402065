"""Cuts the timeline into segments of like cost, to be encoded side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import Final

from videojob_worker.timeline.cost import span_cost
from videojob_worker.timeline.spans import Span, SpanKind

# A segment starts with a keyframe and an encoder of its own; shorter ones than this cost more than they gain.
MIN_SEGMENT_FRAMES: Final = 100
MAX_SEGMENT_FRAMES: Final = 1800
_FEWEST: Final = 4
"""Segments of a timeline that is long enough for them: two for each of two cores, so that neither waits for long."""
_LARGEST_COST: Final = 5000.0
"""Of a segment: 15 s of a video at 30 frames a second."""
LONGEST_MOTION: Final = 30
"""Frames that move, at most, amid stills, for the plan to decide how they are coded."""
_MIN_STRETCH_FRAMES: Final = 45
"""Of stills between what moves: for fewer it is not worth to start a segment."""
_PIECE_FRAMES: Final = 50
# A long run spans a crossfade. It also makes an encoder hold as many pictures, and more of each; what moves needs none.
_LONGEST_RUN: Final = 16
_SHORTEST_RUN: Final = 8


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive spans that one encoder makes: `frames` frames from `start`."""

    spans: tuple[Span, ...]
    cost: float
    keypoints: tuple[int, ...] = ()
    """Frames of blends between which each frame is a mean of these two, weighted by time."""
    longest_run: int = 16
    """Frames that may be coded between two others, at most; all segments of a timeline have the same."""

    @property
    def start(self) -> int:
        """The first frame."""
        return self.spans[0].start

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.spans[-1].end - self.start


def moves(span: Span) -> bool:
    """Tell whether a span's frames are neither one picture nor mixed of two."""
    return span.kind not in (SpanKind.STILL, SpanKind.BLEND)


def cut_segments(spans: Sequence[Span], keypoints: Sequence[int] = ()) -> tuple[Segment, ...]:
    """Cut spans into segments of like cost to encode side by side, on one machine or several.

    What moves and what stands still are cut apart, because they are coded in different ways; a transition between two
    stills is never cut. A timeline has at least a few segments where it is long enough, so that there is work for each
    core, and the more the longer it is, so that none is large. The cuts depend on the timeline alone, not on who
    encodes it. The bytes of a segment depend on the number of threads of its encoder besides.

    Args:
        spans: those of the whole timeline.
        keypoints: frames of blends at which they do not go on as they did.
    """
    target = min(sum(map(span_cost, spans)) / _FEWEST, _LARGEST_COST)
    stretches = _stretches(spans)
    run = _SHORTEST_RUN if any(busy for busy, _ in stretches) else max(map(_run_over, spans))
    cut = [segment for _, stretch in stretches for segment in _cut_stretch(stretch, target)]
    return tuple(
        Segment(
            segment,
            sum(map(span_cost, segment)),
            tuple(frame for frame in keypoints if segment[0].start <= frame < segment[-1].end),
            run,
        )
        for segment in cut
    )


def _run_over(span: Span) -> int:
    """Return the shortest run in which a transition needs no more references than in the longest."""
    if span.kind is not SpanKind.BLEND:
        return _SHORTEST_RUN
    parts = -(-span.frames // (_LONGEST_RUN + 1))
    return max(_SHORTEST_RUN, -(-span.frames // parts) - 1)


def _stretches(spans: Sequence[Span]) -> list[tuple[bool, list[Span]]]:
    """Part what moves, marked True, from what stands still, where there is enough of both."""
    groups = [(moving, list(group)) for moving, group in groupby(spans, moves)]
    quiet = [(moving and _frames(group) > LONGEST_MOTION, group) for moving, group in groups]
    merged = _merge(quiet)
    return _merge([(moving or _is_busy(group), group) for moving, group in merged])


def _is_busy(group: Sequence[Span]) -> bool:
    movement = sum(span.frames for span in group if moves(span))
    return _frames(group) < _MIN_STRETCH_FRAMES or 2 * movement > _frames(group)


def _merge(groups: Iterable[tuple[bool, list[Span]]]) -> list[tuple[bool, list[Span]]]:
    together = groupby(groups, lambda group: group[0])
    return [(flag, [span for _, spans in same for span in spans]) for flag, same in together]


def _cut_stretch(spans: Sequence[Span], target: float) -> Iterator[tuple[Span, ...]]:
    pieces = [piece for span in spans for piece in _pieces(span)]
    ends = list(accumulate(map(span_cost, pieces)))
    frames, last = _frames(pieces), pieces[-1].end
    count = max(1, -(-frames // MAX_SEGMENT_FRAMES), min(round(ends[-1] / target), frames // MIN_SEGMENT_FRAMES))
    first = done = 0
    for index in range(1, len(pieces)):
        piece = pieces[index]
        if (
            piece.kind is not SpanKind.BLEND
            and piece.start - pieces[first].start >= MIN_SEGMENT_FRAMES
            and last - piece.start >= MIN_SEGMENT_FRAMES
            and ends[index - 1] >= ends[-1] / count * (done + 1) - span_cost(piece) / 2
        ):
            yield tuple(_rejoin(pieces[first:index], spans))
            first, done = index, done + 1
    yield tuple(_rejoin(pieces[first:], spans))


def _pieces(span: Span) -> Iterator[Span]:
    """Part a span that can be cut anywhere."""
    step = _PIECE_FRAMES if moves(span) else span.frames
    for start in range(span.start, span.end, step):
        yield replace(span, start=start, frames=min(step, span.end - start))


def _rejoin(pieces: Sequence[Span], spans: Sequence[Span]) -> Iterator[Span]:
    """Yield what of spans is in consecutive pieces of them."""
    first, end = pieces[0].start, pieces[-1].end
    for span in spans:
        start, frames = max(span.start, first), min(span.end, end) - max(span.start, first)
        if frames > 0:
            yield replace(span, start=start, frames=frames)


def _frames(spans: Sequence[Span]) -> int:
    return spans[-1].end - spans[0].start
