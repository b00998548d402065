"""What each frame shows: spans that cover every frame of the timeline exactly once, in order.

A span is the unit of thrift. All frames of a still are one picture, made once and handed to the encoder again and
again; those of a blend are each made from two pictures that are at hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from videojob_worker.timeline.overlays import FrameRange, PlacedOverlay, phases
from videojob_worker.timeline.times import Timeline


class SpanKind(StrEnum):
    """How the frames of a span come about, from the cheapest to the dearest."""

    STILL = "still"
    """One picture, n times."""
    BLEND = "blend"
    """A transition between two pictures that stand still."""
    ANIMATED = "animated"
    """Pictures that are drawn anew for each frame: motion, fading overlays, moving text."""
    DECODED = "decoded"
    """Frames of a source."""
    EFFECT = "effect"
    """Frames that went through MoviePy."""


_RANK = {kind: rank for rank, kind in enumerate(SpanKind)}


@dataclass(frozen=True, slots=True)
class Span:
    """`frames` frames from `start`, made in one way."""

    start: int
    frames: int
    kind: SpanKind
    clips: tuple[int, ...]
    """The clip that is seen, or the two while the second comes in."""
    overlays: tuple[int, ...] = ()
    """The overlays that are seen, by their place in the plan's list, in the order in which they are drawn."""
    captions: bool = False
    """Whether subtitles are drawn."""

    @property
    def is_still(self) -> bool:
        """Whether all of its frames are one picture."""
        return self.kind is SpanKind.STILL

    @property
    def end(self) -> int:
        """The first frame after it."""
        return self.start + self.frames


def compile_spans(
    timeline: Timeline,
    kinds: Sequence[SpanKind],
    overlays: Sequence[PlacedOverlay] = (),
    cues: Iterable[FrameRange] = (),
) -> tuple[Span, ...]:
    """Turn a timeline into spans without gap or overlap.

    Args:
        timeline: when each clip is seen.
        kinds: how each clip's own frames come about: still, animated, decoded or effect.
        overlays: what lies over the clips, in the order in which it is drawn.
        cues: when subtitles are drawn; they may overlap.
    """
    above = _Above(timeline.frames, overlays, cues)
    spans: list[Span] = []
    for index, times in enumerate(timeline.clips):
        for start, end, clips in (
            (times.start, times.settled, (index - 1, index)),
            (times.settled, times.leaves, (index,)),
        ):
            spans.extend(above.cut(start, end, _kind([kinds[clip] for clip in clips]), clips))
    gaps = [(a, b) for a, b in pairwise(spans) if a.end != b.start]
    if gaps or spans[0].start != 0 or spans[-1].end != timeline.frames:
        raise AssertionError(f"spans do not cover the timeline: {gaps or spans}")
    return tuple(spans)


def _kind(kinds: Sequence[SpanKind]) -> SpanKind:
    if set(kinds) == {SpanKind.STILL}:
        return SpanKind.STILL if len(kinds) == 1 else SpanKind.BLEND
    return max(kinds, key=_RANK.__getitem__)


class _Above:
    """What lies over the clips, swept from the first frame to the last."""

    def __init__(self, frames: int, overlays: Sequence[PlacedOverlay], cues: Iterable[FrameRange]) -> None:
        self._changes: list[tuple[int, int, int | None, bool]] = []  # frame, +1 or -1, overlay, moving
        for place, overlay in enumerate(overlays):
            for part in phases(overlay):
                self._changes += [(part.start, 1, place, part.moving), (part.end, -1, place, part.moving)]
        for cue in cues:
            if cue.start < min(cue.end, frames):
                self._changes += [(cue.start, 1, None, cue.moving), (min(cue.end, frames), -1, None, cue.moving)]
        self._changes.sort(key=lambda change: change[:2])
        self._next = 0
        self._overlays: dict[int, int] = {}
        self._cues = self._moving = 0

    def cut(self, start: int, end: int, kind: SpanKind, clips: tuple[int, ...]) -> Iterable[Span]:
        """Yield the spans from `start` to `end`; called for one stretch after another."""
        while start < end:
            self._advance(start)
            until = min(end, self._changes[self._next][0]) if self._next < len(self._changes) else end
            over = max(kind, SpanKind.ANIMATED, key=_RANK.__getitem__) if self._moving else kind
            yield Span(start, until - start, over, clips, tuple(sorted(self._overlays)), self._cues > 0)
            start = until

    def _advance(self, frame: int) -> None:
        while self._next < len(self._changes) and self._changes[self._next][0] <= frame:
            _, step, place, moving = self._changes[self._next]
            self._next += 1
            self._moving += step * moving
            if place is None:
                self._cues += step
            else:
                count = self._overlays.pop(place, 0) + step
                if count:
                    self._overlays[place] = count
