"""What is drawn over the clips: overlays and subtitles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_contract.semantics.lengths import check_fades, check_range, check_starts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from videojob_contract.resources.timeline import Overlay
    from videojob_contract.resources.videojob import VideoJobSpec


def check_overlays(overlays: Sequence[Overlay], length_s: Fraction | None) -> Iterator[Problem]:
    """Yield every problem of the overlays; `length_s` is the timeline's, where it is known."""
    for index, overlay in enumerate(overlays):
        path = f"spec.overlays[{index}]"
        bad_range = [
            *check_range(path, overlay.from_, overlay.to),
            *check_starts(f"{path}.from", overlay.from_, length_s),
        ]
        yield from bad_range
        if not bad_range:
            yield from check_fades(path, overlay.fade_in, overlay.fade_out, _seen_s(overlay, length_s))
        if overlay.video is not None:
            yield from check_range(f"{path}.video", overlay.video.from_, overlay.video.to)
        if overlay.title is not None:
            if overlay.title.background is not None:
                yield Problem(f"{path}.title.background", "an overlay has no canvas of its own; use box")
            if overlay.title.margin is not None:
                yield Problem(f"{path}.title.margin", "give it as the overlay's own margin")


def _seen_s(overlay: Overlay, length_s: Fraction | None) -> Fraction | None:
    ends = [end for end in (overlay.to, length_s) if end is not None]
    # Without the timeline's length it is seen until `to` at the longest.
    return min(ends) - (overlay.from_ or 0) if ends else None


def check_subtitles(spec: VideoJobSpec) -> Iterator[Problem]:
    """Yield every problem of the subtitles."""
    if (subtitles := spec.subtitles) is None:
        return
    if subtitles.soft and spec.outputs and not any(output.format.codecs for output in spec.outputs):
        yield Problem("spec.subtitles.soft", "no output has tracks to choose from: make an mp4, webm or hls too")
    if subtitles.soft and subtitles.style is not None:
        yield Problem("spec.subtitles.style", "is for drawn subtitles: how soft ones look, players choose")
    if subtitles.language is not None and not subtitles.soft:
        yield Problem("spec.subtitles.language", "is for a soft track: set soft, or leave it out")
