"""What must hold between the fields of a VideoJob, and no schema can say: all that shows before any media is opened.

Some of it the API server checks too, by rules in the CRD; here is all of it, because files are checked before
there is any server, and a server may have an older CRD. One module a part of the spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.base import format_duration
from videojob_contract.semantics.audio import check_tracks
from videojob_contract.semantics.clips import check_clips
from videojob_contract.semantics.layers import check_overlays, check_subtitles
from videojob_contract.semantics.lengths import DEFAULT_TRANSITION, clip_length, overlap, timeline_length
from videojob_contract.semantics.outputs import check_outputs
from videojob_contract.semantics.uris import check_uris

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.videojob import VideoJobSpec

__all__ = ["DEFAULT_TRANSITION", "check", "clip_length", "overlap", "timeline_length"]


def check(spec: VideoJobSpec) -> list[Problem]:
    """Return every problem of meaning, in the order of the fields."""
    length_s = timeline_length(spec)
    return [
        *_scheduling(spec),
        *check_clips(spec.clips),
        *check_overlays(spec.overlays or (), length_s),
        *check_subtitles(spec),
        *check_tracks(spec.audio, length_s),
        *check_outputs(spec, length_s),
        *check_uris(spec),
    ]


def _scheduling(spec: VideoJobSpec) -> Iterator[Problem]:
    if spec.deadline is not None and spec.deadline == 0:
        yield Problem("spec.deadline", "must be longer than 0s")
    if spec.deadline and spec.soft_deadline and spec.soft_deadline > spec.deadline:
        message = f"must not be after the deadline, which is {format_duration(spec.deadline)}"
        yield Problem("spec.softDeadline", message)
