"""What a render will take of memory at its peak: encoders side by side, and the pictures that each of them is given.

It depends on what is on screen at a time, not on the length or the number of clips.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, Final

from videojob_worker.compose.clips import clip_kind
from videojob_worker.encode.x264_tuning import encoder_bytes
from videojob_worker.media.decoding_memory import LARGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videojob_contract.resources.timeline import Clip, Overlay
    from videojob_worker.plan.outputs import VideoTrack
    from videojob_worker.plan.render_plan import RenderPlan
    from videojob_worker.timeline.segments import Segment
    from videojob_worker.timeline.spans import Span

ENCODERS_BYTES: Final = 1 << 30
"""What encoders may take together, as far as fewer side by side can help."""

_PROCESS_BYTES: Final = 130 * 1024**2
"""The renderer with its libraries, before it opens anything: measured."""
_PICTURE_BYTES_A_PIXEL: Final = 1.5
_RGBA_BYTES: Final = 4
_EFFECT_PICTURES: Final = 4
"""Pictures of 24 bits that an effect holds at a time."""
_RGB_BYTES: Final = 3
_CAPTIONS_BYTES: Final = 40 * 1024**2
"""What draws subtitles holds, once for each segment that is encoded at a time."""
_SOUND_BYTES: Final = 16 * 1024**2
"""Blocks of each track, and the encoder."""


def segment_bytes(tracks: Sequence[VideoTrack], segments: Sequence[Segment]) -> int:
    """Return what the encoders of one segment take at most, in bytes: one for each stream that is encoded."""
    return max(sum(encoder_bytes(track.settings, segment) for track in tracks) for segment in segments)


def encoders_side_by_side(threads: int, segments: int, bytes_each: int) -> int:
    """Return how many segments are encoded at a time, when the encoders of each take so many bytes."""
    affordable = ENCODERS_BYTES // max(1, bytes_each)
    return max(1, min(threads, segments, affordable))


def encoders_of(plan: RenderPlan) -> int:
    """Return how many segments of a plan are encoded at a time."""
    return encoders_side_by_side(plan.settings.threads, len(plan.segments), _encoders_bytes(plan))


def span_bytes(plan: RenderPlan, span: Span) -> int:
    """Predict what the pictures of a span take, in bytes: its clips, its overlays, and the picture made of them."""
    overlays = (plan.overlays[place].overlay for place in span.overlays)
    return (
        _picture_bytes(plan)
        + sum(_clip_bytes(plan, plan.clips[clip]) for clip in span.clips)
        + sum(_overlay_bytes(plan, overlay) for overlay in overlays)
    )


def peak_bytes(plan: RenderPlan) -> int:
    """Predict the most that the renderer process takes, in bytes."""
    each = _encoders_bytes(plan)
    # Where nothing is encoded in segments, no more than single pictures are composed.
    encoders = encoders_side_by_side(plan.settings.threads, len(plan.segments), each) if each else 1
    pictures = (max(span_bytes(plan, span) for span in segment.spans) for segment in plan.segments)
    side_by_side = encoders * each + sum(nlargest(encoders, pictures))
    captions = encoders * _CAPTIONS_BYTES if any(span.captions for span in plan.spans) else 0
    loading = _loading_bytes(plan, encoders)
    return _PROCESS_BYTES + _SOUND_BYTES + captions + loading + max(side_by_side, _whole_bytes(plan))


def _loading_bytes(plan: RenderPlan, encoders: int) -> int:
    """What is taken while pictures are made ready: one in each encoder, but of large ones one at a time."""
    layers: list[Clip | Overlay] = [*plan.clips, *(placed.overlay for placed in plan.overlays)]
    loading = [clip_kind(layer, plan.sources.probed).loading_bytes(layer, plan.canvas) for layer in layers]
    small = max((size for size in loading if size <= LARGE_BYTES), default=0)
    return max(*loading, small) + (encoders - 1) * small


def _encoders_bytes(plan: RenderPlan) -> int:
    """What the encoders of one segment take; 0 where nothing is encoded in segments."""
    tracks = [track for output in plan.outputs for track in output.tracks if track.copied is None]
    return segment_bytes([track for track in tracks if not track.settings.needs_whole], plan.segments)


def _whole_bytes(plan: RenderPlan) -> int:
    """What a pass takes whose encoders each see the whole timeline; 0 where there is none."""
    tracks = (track for output in plan.outputs for track in output.tracks if track.settings.needs_whole)
    each = [track.settings.encoder_bytes for track in tracks]
    if not each:
        return 0
    return max(min(sum(each), ENCODERS_BYTES), *each) + max(span_bytes(plan, span) for span in plan.spans)


def _picture_bytes(plan: RenderPlan) -> int:
    return int(plan.canvas.width * plan.canvas.height * _PICTURE_BYTES_A_PIXEL)


def _clip_bytes(plan: RenderPlan, clip: Clip) -> int:
    """A clip's picture, and what it is made from frame by frame."""
    kind = clip_kind(clip, plan.sources.probed)
    held = _picture_bytes(plan) + kind.held_bytes(clip, plan.canvas)
    if clip.effects:
        held += _EFFECT_PICTURES * plan.canvas.width * plan.canvas.height * _RGB_BYTES
    return held


def _overlay_bytes(plan: RenderPlan, overlay: Overlay) -> int:
    drawn = plan.canvas.width * plan.canvas.height * _RGBA_BYTES if overlay.scale is None else 0
    if overlay.scale is not None:
        width = plan.canvas.width * min(overlay.scale, 1.0)
        drawn = int(width * width * _RGBA_BYTES)
    return drawn + clip_kind(overlay, plan.sources.probed).held_bytes(overlay, plan.canvas)
