"""What a render will take of memory at its peak: encoders side by side, and the pictures that each of them is given.

It depends on what is on screen at a time, not on the length or the number of clips.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, Final

from videojob_contract.resources.timeline import Overlay
from videojob_worker.compose.clips import clip_kind
from videojob_worker.compose.clips.image import overlay_size
from videojob_worker.encode.x264_tuning import encoder_bytes
from videojob_worker.media.pictures.decoding_memory import LARGE_BYTES
from videojob_worker.plan.copies import is_copied
from videojob_worker.text.title import overlay_room
from videojob_worker.timeline.spans import SpanKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videojob_contract.resources.timeline import Clip
    from videojob_worker.canvas import Canvas
    from videojob_worker.media.probe import ProbedSource
    from videojob_worker.plan.outputs import VideoTrack
    from videojob_worker.plan.render_plan import RenderPlan
    from videojob_worker.timeline.segments import Segment
    from videojob_worker.timeline.spans import Span

ENCODERS_BYTES: Final = 1 << 30
"""What encoders may take together, as far as fewer side by side can help."""

_PROCESS_BYTES: Final = 100 * 1024**2
"""The renderer with its libraries, before it opens anything: measured."""
_PICTURE_BYTES_A_PIXEL: Final = 1.5
_SPRITE_BYTES: Final = 6
"""Of a pixel of an overlay: two numbers of 16 bits for each sample of a picture."""
_MOVING_SPRITE_BYTES: Final = 24
"""Where it moves, so that a sprite is made of each of its pictures."""
_EFFECT_PICTURES: Final = 4
"""Pictures of 24 bits that an effect holds at a time."""
_RGB_BYTES: Final = 3
_CAPTIONS_BYTES: Final = 40 * 1024**2
"""What draws subtitles holds, once for each segment that is encoded at a time."""
_COPIED_BYTES: Final = 8 * 1024**2
"""Packets on their way from file to file, and their index."""
_TITLES_BYTES: Final = 24 * 1024**2
"""What draws titles, with its fonts."""
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
    return encoders_side_by_side(
        plan.settings.threads, len(plan.segments), segment_bytes(_segmented(plan), plan.segments)
    )


def span_bytes(plan: RenderPlan, span: Span) -> int:
    """Predict what the pictures of a span take, in bytes: its clips, its overlays, and the picture made of them."""
    layers = _layers(plan, span)
    return _picture_bytes(plan.canvas) + sum(_held_bytes(layer, plan.canvas, plan.sources.probed) for layer in layers)


def peak_bytes(plan: RenderPlan) -> int:
    """Predict the most that the renderer process takes, in bytes."""
    sound = _SOUND_BYTES if plan.sounds else 0
    if is_copied(plan) and all(output.tracks for output in plan.outputs):  # no picture is made, not even a poster
        return _PROCESS_BYTES + sound + _COPIED_BYTES
    tracks = _segmented(plan)
    # Where nothing is encoded in segments, no more than single pictures are composed.
    encoders = encoders_of(plan) if tracks else 1
    segments = [_segment_peaks(plan, tracks, segment) for segment in plan.segments]
    # One of those side by side may have its turn to load what is large.
    side_by_side = sum(nlargest(encoders, (usual for usual, _ in segments)))
    side_by_side += max(0, *(highest - usual for usual, highest in segments))
    captions = encoders * _CAPTIONS_BYTES if any(span.captions for span in plan.spans) else 0
    titled = any(layer.title is not None for span in plan.spans for layer in _layers(plan, span))
    titles = _TITLES_BYTES if titled else 0
    return _PROCESS_BYTES + sound + captions + titles + max(side_by_side, _whole_bytes(plan))


def _segment_peaks(plan: RenderPlan, tracks: Sequence[VideoTrack], segment: Segment) -> tuple[int, int]:
    """Return the most that a segment takes in bytes, and the most while it has its turn to load what is large.

    What is seen at its start is loaded before its encoders hold anything.
    """
    layers = {id(layer): layer for span in segment.spans for layer in _layers(plan, span)}
    loading = {number: _loading_bytes(layer, plan.canvas, plan.sources.probed) for number, layer in layers.items()}
    full = segment_bytes(tracks, [segment]) + max(span_bytes(plan, span) for span in segment.spans)
    at_start = [loading.pop(id(layer)) for layer in _layers(plan, segment.spans[0]) if id(layer) in loading]
    on_the_way = list(loading.values())
    usual, highest = (
        max(full + max(filter(allowed, on_the_way), default=0), max(filter(allowed, at_start), default=0))
        for allowed in (_is_small, lambda _: True)
    )
    return usual, highest


def _is_small(loading_bytes: int) -> bool:
    """Tell whether something is loaded without waiting for a turn."""
    return loading_bytes <= LARGE_BYTES


def _layers(plan: RenderPlan, span: Span) -> list[Clip | Overlay]:
    return [*(plan.clips[clip] for clip in span.clips), *(plan.overlays[place].overlay for place in span.overlays)]


def _segmented(plan: RenderPlan) -> list[VideoTrack]:
    """Return what is encoded in segments."""
    tracks = (track for output in plan.outputs for track in output.tracks if track.copied is None)
    return [track for track in tracks if not track.settings.needs_whole]


def _whole_bytes(plan: RenderPlan) -> int:
    """What a pass takes whose encoders each see the whole timeline; 0 where there is none."""
    tracks = (track for output in plan.outputs for track in output.tracks if track.settings.needs_whole)
    each = [track.settings.encoder_bytes for track in tracks]
    if not each:
        return 0
    loading = (
        _loading_bytes(layer, plan.canvas, plan.sources.probed) for span in plan.spans for layer in _layers(plan, span)
    )
    pictures = max(span_bytes(plan, span) for span in plan.spans)
    return max(min(sum(each), ENCODERS_BYTES), *each) + pictures + max(loading, default=0)


def _picture_bytes(canvas: Canvas) -> int:
    return int(canvas.width * canvas.height * _PICTURE_BYTES_A_PIXEL)


def _held_bytes(layer: Clip | Overlay, canvas: Canvas, probed: Mapping[str, ProbedSource]) -> int:
    """What a layer holds while it is seen: its picture, and what that is made from frame by frame."""
    held = clip_kind(layer, probed).held_bytes(layer, canvas)
    if isinstance(layer, Overlay):
        width, height = _drawn_size(layer, canvas, probed)
        is_still = clip_kind(layer, probed).span_kind is SpanKind.STILL
        return held + width * height * (_SPRITE_BYTES if is_still else _MOVING_SPRITE_BYTES)
    if layer.effects:
        held += _EFFECT_PICTURES * canvas.width * canvas.height * _RGB_BYTES
    return held + _picture_bytes(canvas)


def _drawn_size(overlay: Overlay, canvas: Canvas, probed: Mapping[str, ProbedSource]) -> tuple[int, int]:
    """Return how wide and high an overlay is at most on the canvas, in pixels; a title takes less than its room."""
    media = overlay.image or overlay.video
    if media is None:
        width, height = overlay_room(overlay, *canvas.size)
    else:
        source = probed[media.uri]
        width, height = overlay_size((source.width or 1, source.height or 1), canvas.size, overlay)
    return max(0, min(width, canvas.width)), max(0, min(height, canvas.height))


def _loading_bytes(layer: Clip | Overlay, canvas: Canvas, probed: Mapping[str, ProbedSource]) -> int:
    """What a layer takes for a moment, while it is made ready."""
    return clip_kind(layer, probed).loading_bytes(layer, canvas)
