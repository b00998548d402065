"""What must hold between the fields of a VideoJob, and no schema can say.

Some of it the API server checks too, by rules in the CRD; here is all of it, because files are checked before
there is any server, and a server may have an older CRD.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING
from urllib.parse import unquote

from videojob_contract.problems import Problem
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.uris import VOLUME, iter_uris, shown, split_uri
from videojob_contract.semantics_outputs import check_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from videojob_contract.resources.timeline import Clip, Transition
    from videojob_contract.resources.videojob import VideoJobSpec

DEFAULT_TRANSITION = Fraction(1, 2)


def check(spec: VideoJobSpec) -> list[Problem]:
    """Return every problem of meaning, in the order of the fields."""
    return [
        *_scheduling(spec),
        *_clips(spec.clips),
        *_overlays(spec),
        *_audio(spec),
        *check_outputs(spec, timeline_length(spec)),
        *_uris(spec),
    ]


def clip_length(clip: Clip) -> Fraction | None:
    """Return a clip's length in seconds; None for a video that lasts as long as it lasts."""
    return clip.duration if isinstance(clip.duration, Fraction) else None


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


def _scheduling(spec: VideoJobSpec) -> Iterator[Problem]:
    if spec.deadline is not None and spec.deadline == 0:
        yield Problem("spec.deadline", "must be longer than 0s")
    if spec.deadline and spec.soft_deadline and spec.soft_deadline > spec.deadline:
        message = f"must not be after the deadline, which is {format_duration(spec.deadline)}"
        yield Problem("spec.softDeadline", message)


def _clips(clips: Sequence[Clip]) -> Iterator[Problem]:
    for index, clip in enumerate(clips):
        path = f"spec.clips[{index}]"
        if clip.video is None and clip_length(clip) is None:
            yield Problem(f"{path}.duration", "is required: only a video has a length of its own")
        if clip.duration == 0:
            yield Problem(f"{path}.duration", "must be longer than 0s")
        if clip.video is not None:
            yield from _range(f"{path}.video", clip.video.from_, clip.video.to)
        if clip.transition is not None:
            yield from _transition(f"{path}.transition", clip.transition, is_first=index == 0)
        following = overlap(clips[index + 1].transition) if index + 1 < len(clips) else Fraction(0)
        yield from _transitions_fit(path, clip, overlap(clip.transition), following)


def _transition(path: str, transition: Transition, *, is_first: bool) -> Iterator[Problem]:
    if is_first:
        yield Problem(path, "the first clip has no transition, because none is before it to come from")
    if transition.type == "cut" and transition.duration:
        yield Problem(f"{path}.duration", "a cut takes no time; leave it out, or choose another type")
    if transition.type in {"cut", "crossfade"} and transition.color is not None:
        yield Problem(f"{path}.color", "only a fade goes through a colour")


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


def _range(path: str, start: Fraction | None, end: Fraction | None) -> Iterator[Problem]:
    if end is not None and end <= (start or 0):
        yield Problem(f"{path}.to", f"must be after from, which is {format_duration(start or Fraction(0))}")


def _overlays(spec: VideoJobSpec) -> Iterator[Problem]:
    for index, overlay in enumerate(spec.overlays or []):
        yield from _range(f"spec.overlays[{index}]", overlay.from_, overlay.to)


def _audio(spec: VideoJobSpec) -> Iterator[Problem]:
    for index, track in enumerate(spec.audio.tracks if spec.audio else []):
        path = f"spec.audio.tracks[{index}]"
        yield from _range(path, track.from_, track.to)
        length = timeline_length(spec)
        if track.offset and length is not None and track.offset >= length:
            message = f"is after the end of the timeline, which lasts {format_duration(length)}"
            yield Problem(f"{path}.offset", message)


def _uris(spec: VideoJobSpec) -> Iterator[Problem]:
    for path, uri, _ in iter_uris(spec):
        scheme, place, rest = split_uri(uri)
        names = [unquote(part) for part in rest.split("/")]
        said = shown(uri)
        if not place:
            yield Problem(path, f"{said} names no {'volume' if scheme == VOLUME else 'host or bucket'}")
        elif scheme != VOLUME:
            continue
        elif not names[-1]:
            yield Problem(path, f"{said} names no file; write volume://{split_uri(said)[1]}/path/to/file")
        elif set("?#") & set(rest):
            yield Problem(path, f"{said} must not go on with ? or #; write them as %3F and %23")
        elif any(name in {"", ".", ".."} or "/" in name for name in names):
            yield Problem(path, f"{said} must not have empty, . or .. parts in its path")
