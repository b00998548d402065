"""What an attempt should take, as far as its spec tells without a source opened: work by its kinds, and memory.

The rates are those that all programs know (`resources/work.py`); what a pool has learnt of its own workers corrects
them (`rates.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

from videojob_contract.resources.outputs import Codec, Format
from videojob_contract.resources.work import BEGIN_S, FIRST_FRAME_S, FRAME_S, FULL_HD, SOUND_S, WorkKind
from videojob_contract.semantics.lengths import clip_length, overlap
from videojob_operator.decide.types import Estimate

if TYPE_CHECKING:
    from videojob_contract.resources.outputs import Output, Rendition
    from videojob_contract.resources.timeline import Canvas, Clip, Overlay
    from videojob_contract.resources.videojob import VideoJobSpec

_CODECS = {None: 0.3, Codec.H264: 1.0, Codec.H265: 2.2, Codec.AV1: 1.0, Codec.VP9: 2.5}
"""How many times that another codec takes; without one are moving pictures, which are made smaller first."""
_UNKNOWN_VIDEO, _UNKNOWN_SPEECH = Fraction(60), Fraction(10)
"""Length of what lasts as long as its source, in seconds."""
_SOUND_ONLY = {Format.MP3, Format.M4A}
_NO_FRAMES = {*_SOUND_ONLY, Format.SPRITE}
_MIB = 1024**2
_PROCESS_BYTES, _SOUND_BYTES, _LOADING_BYTES = 100 * _MIB, 16 * _MIB, 36 * _MIB
"""Of the renderer, of sound, and of a photograph of 12 MP on its way in."""
_ENCODER_BYTES = {None: 8, Codec.H264: 200, Codec.H265: 270, Codec.AV1: 360, Codec.VP9: 200}
"""Of an encoder, for each pixel of its pictures."""
_STILLS_BYTES = 60
"""Of one of H.264 that is given stills alone."""
_PICTURE_BYTES, _PICTURES, _EFFECT_BYTES = 1.5, 3, 12
"""For each pixel of the canvas: pictures that are held at a time, and what effects hold."""


def estimate_of(spec: VideoJobSpec) -> Estimate:
    """Return what an attempt should take by the rates that all programs know.

    Args:
        spec: With every default filled in; see `defaults.resolve`.
    """
    canvas, fps, length = _timeline(spec)
    frames_s: Counter[WorkKind] = Counter()
    for clip in spec.clips:
        frames_s.update(_frames_s(clip, fps))
    for overlay in spec.overlays or ():
        frames_s.update(_overlaid_s(overlay, length, fps))
    outputs = spec.outputs or ()
    pictures = sum(_weight(output, canvas) for output in outputs)
    sounds = any(not output.format.is_still and output.format is not Format.SPRITE for output in outputs)
    work_s = {kind: seconds * pictures for kind, seconds in frames_s.items() if seconds * pictures > 0}
    work_s[WorkKind.OVERHEAD] = BEGIN_S + SOUND_S * float(length) * sounds
    return Estimate(
        work_s=work_s,
        memory_bytes=_memory_bytes(spec, canvas, moves=set(work_s) - {WorkKind.STILL, WorkKind.OVERHEAD} != set()),
        guessed=any(clip_length(clip) is None for clip in spec.clips),
    )


def pixel_frames(spec: VideoJobSpec) -> float:
    """Return how many pixels all frames of all outputs have; what lasts as long as its source counts a guess.

    Args:
        spec: With every default filled in; see `defaults.resolve`.
    """
    canvas, fps, length = _timeline(spec)
    return sum(
        pixels * math.ceil(length * (output.fps or fps))
        for output in spec.outputs or ()
        for pixels in _encoded_pixels(output, canvas)
    )


def _timeline(spec: VideoJobSpec) -> tuple[Canvas, Fraction, Fraction]:
    """Return the canvas, its frames a second, and how long all is, in seconds."""
    canvas = spec.canvas
    if canvas is None or canvas.fps is None:
        raise ValueError("a spec with its defaults has a canvas")
    length = sum((_length(clip) - overlap(clip.transition) for clip in spec.clips), Fraction(0))
    return canvas, canvas.fps, max(length, Fraction(0))


def _length(clip: Clip) -> Fraction:
    known = clip_length(clip)
    return known if known is not None else _UNKNOWN_VIDEO if clip.video else _UNKNOWN_SPEECH


def _frames_s(clip: Clip, fps: Fraction) -> dict[WorkKind, float]:
    """Return what a clip's frames take at 1080p."""
    frames = float(_length(clip) * fps)
    blended_s = FRAME_S[WorkKind.BLEND] * float(overlap(clip.transition) * fps)
    kind = WorkKind.STILL
    if clip.effects:
        kind = WorkKind.EFFECT
    elif clip.video:
        kind = WorkKind.DECODED
    elif clip.motion:
        kind = WorkKind.ANIMATED
    first_s = FIRST_FRAME_S if kind is WorkKind.STILL else 0.0
    return {WorkKind.BLEND: blended_s, kind: first_s + frames * FRAME_S[kind]}


def _overlaid_s(overlay: Overlay, length: Fraction, fps: Fraction) -> dict[WorkKind, float]:
    """Return what an overlay adds: one that moves keeps every frame below it from being a repeat."""
    end = length if overlay.to is None else min(overlay.to, length)
    seen = max(end - (overlay.from_ or 0), Fraction(0))
    kind = WorkKind.DECODED if overlay.video else WorkKind.STILL
    return {kind: float(seen * fps) * FRAME_S[kind]}


def _weight(output: Output, canvas: Canvas) -> float:
    """Return how many times as long as at 1080p in H.264 an output's frames take."""
    rate = float(output.fps / canvas.fps) if output.fps and canvas.fps else 1.0
    return (
        sum(_encoded_pixels(output, canvas))
        / FULL_HD
        * rate
        * _CODECS[output.codec]
        * (1.5 if output.two_pass else 1.0)
    )


def _encoded_pixels(output: Output, canvas: Canvas) -> list[float]:
    """Return how many pixels the pictures of each stream of an output have."""
    if output.format.is_still or output.format in _NO_FRAMES:
        return []
    return [_pixels(each, canvas) for each in output.renditions or (output,)]


def _memory_bytes(spec: VideoJobSpec, canvas: Canvas, *, moves: bool) -> int:
    """Return what the renderer holds with one encoder of each stream at a time."""
    encoders = 0.0
    for output in spec.outputs or ():
        plain = _STILLS_BYTES if output.codec is Codec.H264 and not moves else _ENCODER_BYTES[output.codec]
        encoders += plain * sum(_encoded_pixels(output, canvas))
    effects = _EFFECT_BYTES * any(clip.effects for clip in spec.clips)
    loading = _LOADING_BYTES * any(clip.image for clip in spec.clips)
    pictures = float((canvas.width or 0) * (canvas.height or 0)) * (_PICTURE_BYTES * _PICTURES + effects)
    return int(_PROCESS_BYTES + _SOUND_BYTES + loading + encoders + pictures)


def _pixels(size: Output | Rendition, canvas: Canvas) -> float:
    """Return how many pixels a picture has; one that is not given keeps the shape of the canvas."""
    width, height = canvas.width or 0, canvas.height or 0
    wide = size.width or (size.height * width / height if size.height else width)
    high = size.height or (size.width * height / width if size.width else height)
    return float(wide * high)
