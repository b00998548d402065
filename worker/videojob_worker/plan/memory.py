"""What a render will take of memory at its peak: encoders side by side, and the pictures that each of them is given.

It depends on what is on screen at a time, not on the length or the number of clips.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from videojob_contract.resources.timeline import Clip, Overlay
    from videojob_worker.media.probe import Facts
    from videojob_worker.plan.spans import Span
    from videojob_worker.project import Project

# What an encoder holds, mostly its lookahead: measured at 1080p. Side by side they may take this much together.
_ENCODER_BYTES_A_PIXEL: Final = 200
_ENCODERS_BYTES: Final = 1 << 30

_PROCESS_BYTES: Final = 130 * 1024**2
"""The renderer with its libraries, before it opens anything: measured."""
_PICTURE_BYTES_A_PIXEL: Final = 1.5
_RGBA_BYTES: Final = 4
_DECODED_FRAMES: Final = 24
"""Frames that a decoder of a video holds: what later ones are predicted from, one for each thread, one shown."""
_EFFECT_PICTURES: Final = 4
"""Pictures of 24 bits that an effect holds at a time."""
_RGB_BYTES: Final = 3
_SOUND_BYTES: Final = 16 * 1024**2
"""Blocks of each track, and the encoder."""


def encoders_side_by_side(threads: int, segments: int, pixels: int) -> int:
    """Return how many segments of a picture of so many pixels are encoded at a time."""
    affordable = max(1, _ENCODERS_BYTES // (_ENCODER_BYTES_A_PIXEL * pixels))
    return max(1, min(threads, segments, affordable))


def span_bytes(project: Project, span: Span) -> int:
    """Predict what the pictures of a span take, in bytes: its clips, its overlays, and the picture made of them."""
    overlays = (project.overlays[place].overlay for place in span.overlays)
    return (
        _picture_bytes(project)
        + sum(_clip_bytes(project, project.clips[clip]) for clip in span.clips)
        + sum(_overlay_bytes(project, overlay) for overlay in overlays)
    )


def peak_bytes(project: Project) -> int:
    """Predict the most that the renderer process takes, in bytes."""
    pixels = project.look.width * project.look.height
    encoders = encoders_side_by_side(project.threads, len(project.segments), pixels)
    pictures = (max(span_bytes(project, span) for span in segment.spans) for segment in project.segments)
    return (
        _PROCESS_BYTES + _SOUND_BYTES + encoders * _ENCODER_BYTES_A_PIXEL * pixels + sum(nlargest(encoders, pictures))
    )


def _picture_bytes(project: Project) -> int:
    return int(project.look.width * project.look.height * _PICTURE_BYTES_A_PIXEL)


def _clip_bytes(project: Project, clip: Clip) -> int:
    """A clip's picture, and what it is made from frame by frame."""
    held = _picture_bytes(project)
    if clip.video is not None:
        held += _decoder_bytes(project.facts[clip.video.uri])
    elif clip.motion is not None and clip.image is not None:
        held += _pixels(project.facts[clip.image.uri]) * _RGB_BYTES
    if clip.effects:
        held += _EFFECT_PICTURES * project.look.width * project.look.height * _RGB_BYTES
    return held


def _overlay_bytes(project: Project, overlay: Overlay) -> int:
    drawn = project.look.width * project.look.height * _RGBA_BYTES if overlay.scale is None else 0
    if overlay.scale is not None:
        width = project.look.width * min(overlay.scale, 1.0)
        drawn = int(width * width * _RGBA_BYTES)
    return drawn + (_decoder_bytes(project.facts[overlay.video.uri]) if overlay.video is not None else 0)


def _decoder_bytes(facts: Facts) -> int:
    return int(_DECODED_FRAMES * _pixels(facts) * _PICTURE_BYTES_A_PIXEL)


def _pixels(facts: Facts) -> int:
    return (facts.width or 0) * (facts.height or 0)
