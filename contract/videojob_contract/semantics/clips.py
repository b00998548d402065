"""Clips, their videos, motions and transitions."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from videojob_contract.problems import Problem, did_you_mean
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.transitions import RENAMED, TRANSITIONS
from videojob_contract.semantics.effects import check_effects
from videojob_contract.semantics.lengths import check_range, clip_length, overlap, speed_of, stretch_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from videojob_contract.resources.motion import Motion, Rectangle
    from videojob_contract.resources.timeline import Clip, Transition, Video

_EDGE = 1 + 1e-9  # decimals such as 0.7 + 0.3 need not make 1 exactly
_A_FRAME = Fraction(1, 10)  # of the slowest sources: what a duration may be rounded by


def check_clips(clips: Sequence[Clip]) -> Iterator[Problem]:
    """Yield every problem of the clips."""
    for index, clip in enumerate(clips):
        path = f"spec.clips[{index}]"
        if clip.video is None and clip.narration is None and clip_length(clip) is None:
            yield Problem(f"{path}.duration", "is required: only a video has a length of its own")
        if clip.duration == 0:
            yield Problem(f"{path}.duration", "must be longer than 0s")
        if clip.video is not None:
            yield from _video(path, clip, clip.video)
        if clip.motion is not None:
            yield from _motion(f"{path}.motion", clip, clip.motion)
        yield from check_effects(path, clip)
        if clip.transition is not None:
            yield from _transition(f"{path}.transition", clip.transition, is_first=index == 0)
        following = overlap(clips[index + 1].transition) if index + 1 < len(clips) else Fraction(0)
        yield from _transitions_fit(path, clip, overlap(clip.transition), following)


def _video(path: str, clip: Clip, video: Video) -> Iterator[Problem]:
    bad_range = list(check_range(f"{path}.video", video.from_, video.to))
    yield from bad_range
    if video.loop:
        if not isinstance(clip.duration, Fraction):
            yield Problem(f"{path}.duration", "is required for a video that loops: how long should it?")
        return
    there_is = stretch_length(video)
    if bad_range or there_is is None or not isinstance(clip.duration, Fraction):
        return
    if clip.duration > there_is + _A_FRAME / speed_of(video):
        speed = "" if video.speed == 1 else f" at speed {video.speed:g}"
        message = f"is longer than from video.from to video.to, {format_duration(there_is)}{speed}"
        yield Problem(f"{path}.duration", f"{message}; shorten it or let the video loop")


def _motion(path: str, clip: Clip, motion: Motion) -> Iterator[Problem]:
    if clip.color is not None:
        yield Problem(path, "nothing of a colour is seen to move")
    if motion.zoom is None and motion.pan is None:
        yield Problem(path, "needs zoom, pan or both")
    if motion.pan is not None:
        yield from _inside(f"{path}.pan.from", motion.pan.from_)
        yield from _inside(f"{path}.pan.to", motion.pan.to)


def _inside(path: str, part: Rectangle) -> Iterator[Problem]:
    for size, start, edge, length in (
        ("width", "left", part.left, part.width),
        ("height", "top", part.top, part.height),
    ):
        if edge + length > _EDGE:
            yield Problem(
                f"{path}.{size}", f"reaches out of the picture: {start} and {size} are {edge + length:g} together"
            )


def _transition(path: str, transition: Transition, *, is_first: bool) -> Iterator[Problem]:
    if is_first:
        yield Problem(path, "the first clip has no transition, because none is before it to come from")
    if transition.type not in TRANSITIONS:
        yield Problem(f"{path}.type", _unknown(transition.type))
    if transition.type == "cut" and transition.duration:
        yield Problem(f"{path}.duration", "a cut takes no time; leave it out, or choose another type")
    if transition.type != "fade" and transition.color is not None:
        yield Problem(f"{path}.color", "only a fade goes through a colour")


def _unknown(name: str) -> str:
    if name in RENAMED:
        return f"{name} is ffmpeg's name; here it is {RENAMED[name]}"
    return f'"{name}" is no transition; there are {", ".join(TRANSITIONS)}{did_you_mean(name, TRANSITIONS)}'


def _transitions_fit(path: str, clip: Clip, into: Fraction, out_of: Fraction) -> Iterator[Problem]:
    length = clip_length(clip)
    if length is None or into + out_of <= length:
        return
    if out_of == 0:
        text = f"the transition into it takes {format_duration(into)}"
    elif into == 0:
        text = f"the transition out of it takes {format_duration(out_of)}"
    else:
        text = f"the transitions into and out of it take {format_duration(into)} and {format_duration(out_of)}"
    yield Problem(f"{path}.duration", f"{format_duration(length)} is too short: {text}")
