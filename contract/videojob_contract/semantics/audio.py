"""The sound under the timeline."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.resources.base import format_duration
from videojob_contract.semantics.lengths import check_fades, check_range, check_starts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from videojob_contract.resources.audio import Audio, Track


def check_tracks(audio: Audio | None, length_s: Fraction | None) -> Iterator[Problem]:
    """Yield every problem of the sound; `length_s` is the timeline's, where it is known."""
    for index, track in enumerate(audio.tracks if audio else ()):
        path = f"spec.audio.tracks[{index}]"
        bad_range = [
            *check_range(path, track.from_, track.to),
            *check_starts(f"{path}.offset", track.offset, length_s),
        ]
        yield from bad_range
        if not bad_range:
            yield from check_fades(path, track.fade_in, track.fade_out, _heard_s(track, length_s))
        for number, (before, after) in enumerate(pairwise(track.envelope or ()), 1):
            if after.at <= before.at:
                message = f"must be after the point before it, which is at {format_duration(before.at)}"
                yield Problem(f"{path}.envelope[{number}].at", message)


def _heard_s(track: Track, length_s: Fraction | None) -> Fraction | None:
    """Return how long a track is heard at the longest, where that is known."""
    left = None if length_s is None else length_s - (track.offset or 0)
    own = None if track.to is None or track.loop else track.to - (track.from_ or 0)
    known = [each for each in (left, own) if each is not None]
    return min(known) if known else None
