"""How long things last, as far as a spec alone can tell."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.base import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.timeline import Clip, Transition, Video
    from videojob_contract.resources.videojob import VideoJobSpec

DEFAULT_TRANSITION = Fraction(1, 2)


def speed_of(video: Video) -> Fraction:
    """Return how many seconds of the source pass in one of the timeline, as the decimal that the spec says."""
    return Fraction(str(video.speed))


def stretch_length(video: Video) -> Fraction | None:
    """Return how long what is wanted of a video lasts on the timeline.

    None if it goes on to the source's end, or ends before it begins, which is a problem of its own.
    """
    start = video.from_ or Fraction(0)
    return None if video.to is None or video.to <= start else (video.to - start) / speed_of(video)


def clip_length(clip: Clip) -> Fraction | None:
    """Return a clip's length in seconds; None for what lasts as long as its video or narration."""
    if isinstance(clip.duration, Fraction):
        return clip.duration
    return None if clip.video is None else stretch_length(clip.video)


def overlap(transition: Transition | None) -> Fraction:
    """Return for how many seconds a transition shows both of its clips."""
    if transition is None or transition.type == "cut":
        return Fraction(0)
    return DEFAULT_TRANSITION if transition.duration is None else transition.duration


def timeline_length(spec: VideoJobSpec) -> Fraction | None:
    """Return the length of the whole in seconds; None when it is known only once the videos in it are."""
    total = Fraction(0)
    for clip in spec.clips:
        length = clip_length(clip)
        if length is None:
            return None
        total += length - overlap(clip.transition)
    return total


def check_range(path: str, start: Fraction | None, end: Fraction | None) -> Iterator[Problem]:
    """Check the fields `from` and `to` of what stands at the path."""
    if end is not None and end <= (start or 0):
        yield Problem(f"{path}.to", f"must be after from, which is {format_duration(start or Fraction(0))}")


def check_starts(path: str, start: Fraction | None, length_s: Fraction | None) -> Iterator[Problem]:
    """Check that what starts at a moment does so on the timeline, where its length is known."""
    if start and length_s is not None and start >= length_s:
        yield Problem(path, f"is after the end of the timeline, which lasts {format_duration(length_s)}")


def check_fades(
    path: str, fade_in: Fraction | None, fade_out: Fraction | None, length_s: Fraction | None
) -> Iterator[Problem]:
    """Check that what fades in or out lasts as long as that, where its length is known."""
    for field, fade in (("fadeIn", fade_in), ("fadeOut", fade_out)):
        if fade and length_s is not None and fade > length_s:
            yield Problem(f"{path}.{field}", f"is longer than what fades, which lasts {format_duration(length_s)}")
