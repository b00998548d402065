"""How each frame of a segment is coded, decided before there is one.

A still is coded once, and then repeated. A frame of a crossfade is the mean of the pictures before and after, weighted
by time, and so is what H.264 predicts for a B frame (implicit weighted prediction, 8.4.2.3.1): between two references,
the last frame of the one picture and the first of the other, next to nothing is left to code.
"""

from collections.abc import Container
from enum import Enum, auto
from itertools import groupby
from typing import Final

from videojob_worker.timeline.segments import LONGEST_MOTION, Segment, moves
from videojob_worker.timeline.spans import Span, SpanKind

LONGEST_REPEAT: Final = 30
"""Frames from one reference to the next, at most: from further, a decoder could not tell where it is."""
_KEYFRAME_FRAMES: Final = 250


class FrameType(Enum):
    """How one frame is coded."""

    KEY = auto()
    """By itself; no frame from here on refers to one before."""
    REFERENCE = auto()
    """From references before it; others refer to it."""
    ANCHOR = auto()
    """As a reference that shows what the one before it shows."""
    BETWEEN = auto()
    """From the references around it."""
    REPEAT = auto()
    """Not at all: it shows what the one before it shows, and nothing refers to it."""


def can_be_coded(segment: Segment) -> bool:
    """Tell whether the plan knows enough of a segment: most of it stands still, and nothing moves for long."""
    runs = [list(group) for moving, group in groupby(segment.spans, moves) if moving]
    moving = [run[-1].end - run[0].start for run in runs]
    return max(moving, default=0) <= LONGEST_MOTION and 2 * sum(moving) <= segment.frames


def code_frames(segment: Segment, keyframe_frames: int | None, cuts: Container[int] = ()) -> list[FrameType]:
    """Decide on each frame of a segment.

    Args:
        segment: what is encoded.
        keyframe_frames: frames from one keyframe to the next, at most; None where it does not matter much.
        cuts: frames of the timeline that must be keyframes.
    """
    spans, start = segment.spans, segment.start
    codes = [FrameType.BETWEEN] * segment.frames
    for before, span, after in zip((None, *spans), spans, (*spans[1:], None), strict=False):
        first, end = span.start - start, span.end - start
        if span.is_still:
            codes[first:end] = [FrameType.REPEAT] * span.frames
        elif after is None or not _leads_to(span, after):
            codes[end - 1] = FrameType.REFERENCE
        step = 1 if moves(span) else span.frames
        codes[first:end:step] = [FrameType.REFERENCE] * len(range(first, end, step))
        if before is None or not set(before.clips) & set(span.clips):
            codes[first] = FrameType.KEY
        elif span.kind is SpanKind.BLEND and before.is_still and _leads_to(before, span):
            codes[first] = FrameType.ANCHOR
    for corner in segment.keypoints:
        if codes[corner - start : corner - start + 1] == [FrameType.BETWEEN]:
            codes[corner - start] = FrameType.REFERENCE
    _limit_runs(codes, segment.longest_run)
    for frame in range(segment.frames):
        if start + frame in cuts:
            _make_key(codes, frame)
    _limit_distance(codes, keyframe_frames)
    return codes


def _leads_to(span: Span, after: Span) -> bool:
    """Tell whether the first frame of the next span is what this one has been turning into."""
    return span.clips[-1] == after.clips[0] and (span.overlays, span.captions) == (after.overlays, after.captions)


def _limit_runs(codes: list[FrameType], longest: int) -> None:
    since = 0
    for frame, code in enumerate(codes):
        since += 1
        if code is FrameType.BETWEEN and since > longest:
            codes[frame] = FrameType.REFERENCE
        elif code is FrameType.REPEAT and since > LONGEST_REPEAT:
            codes[frame] = FrameType.ANCHOR
        if codes[frame] not in (FrameType.BETWEEN, FrameType.REPEAT):
            since = 0


def _limit_distance(codes: list[FrameType], keyframe_frames: int | None) -> None:
    limit = keyframe_frames or _KEYFRAME_FRAMES
    last = 0
    for frame, code in enumerate(codes):
        if code is FrameType.KEY:
            last = frame
        elif frame - last == limit:
            key = frame
            while keyframe_frames is None and codes[key] is FrameType.BETWEEN:  # before a transition, it costs less
                key -= 1
            _make_key(codes, key)
            last = key


def _make_key(codes: list[FrameType], frame: int) -> None:
    codes[frame] = FrameType.KEY
    if frame and codes[frame - 1] is FrameType.BETWEEN:
        codes[frame - 1] = FrameType.REFERENCE
