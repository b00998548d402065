"""How long an attempt should render, as far as its spec tells without a source opened.

The rates are of one core at 1080p, measured (`videojob_worker/timeline/cost.py`); a queue's shares need only what they
are to each other.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from videojob_contract.resources.outputs import Codec, Format
from videojob_contract.semantics.lengths import clip_length, overlap

if TYPE_CHECKING:
    from videojob_contract.resources.outputs import Output, Rendition
    from videojob_contract.resources.timeline import Canvas, Clip, Overlay
    from videojob_contract.resources.videojob import VideoJobSpec

_BEGIN_S = 1.0
"""To fetch, plan, check and publish."""
_SOUND_S = 0.1
"""Of a second of sound."""
_FIRST_FRAME_S, _REPEAT_S, _BLENDED_S, _ANIMATED_S, _DECODED_S, _EFFECT_S = 0.1, 0.001, 0.02, 0.1, 0.11, 0.25
"""Of a frame of 1080p in H.264, by how it is made."""
_CODECS = {None: 0.3, Codec.H264: 1.0, Codec.H265: 2.2, Codec.AV1: 1.0, Codec.VP9: 2.5}
"""How many times that another codec takes; without one are moving pictures, which are made smaller first."""
_FULL_HD = 1920 * 1080
_UNKNOWN_VIDEO, _UNKNOWN_SPEECH = Fraction(60), Fraction(10)
"""Length of what lasts as long as its source, in seconds."""
_SOUND_ONLY = {Format.MP3, Format.M4A}


def predicted_s(spec: VideoJobSpec) -> float:
    """Return how long an attempt should take, in seconds of one core.

    Args:
        spec: With every default filled in; see `defaults.resolve`.
    """
    canvas = spec.canvas
    if canvas is None or canvas.fps is None:
        raise ValueError("a spec with its defaults has a canvas")
    length = sum((_length(clip) - overlap(clip.transition) for clip in spec.clips), Fraction(0))
    length = max(length, Fraction(0))
    frames_s = sum(_frames_s(clip, canvas.fps) for clip in spec.clips)
    frames_s += sum(_overlaid_s(overlay, length, canvas.fps) for overlay in spec.overlays or ())
    outputs = spec.outputs or ()
    pictures = sum(_weight(output, canvas) for output in outputs)
    sounds = any(not output.format.is_still and output.format is not Format.SPRITE for output in outputs)
    return _BEGIN_S + frames_s * pictures + _SOUND_S * float(length) * sounds


def _length(clip: Clip) -> Fraction:
    known = clip_length(clip)
    return known if known is not None else _UNKNOWN_VIDEO if clip.video else _UNKNOWN_SPEECH


def _frames_s(clip: Clip, fps: Fraction) -> float:
    """Return what a clip's frames take at 1080p."""
    frames = float(_length(clip) * fps)
    blended_s = _BLENDED_S * float(overlap(clip.transition) * fps)
    if clip.effects:
        return blended_s + frames * _EFFECT_S
    if clip.video:
        return blended_s + frames * _DECODED_S
    if clip.motion:
        return blended_s + frames * _ANIMATED_S
    return blended_s + _FIRST_FRAME_S + frames * _REPEAT_S


def _overlaid_s(overlay: Overlay, length: Fraction, fps: Fraction) -> float:
    """Return what an overlay adds: one that moves keeps every frame below it from being a repeat."""
    end = length if overlay.to is None else min(overlay.to, length)
    seen = max(end - (overlay.from_ or 0), Fraction(0))
    return float(seen * fps) * (_DECODED_S if overlay.video else _REPEAT_S)


def _weight(output: Output, canvas: Canvas) -> float:
    """Return how many times as long as at 1080p in H.264 an output's frames take."""
    if output.format.is_still or output.format is Format.SPRITE or output.format in _SOUND_ONLY:
        return 0.0
    sizes = [_pixels(each, canvas) for each in output.renditions or (output,)]
    rate = float(output.fps / canvas.fps) if output.fps and canvas.fps else 1.0
    return sum(sizes) / _FULL_HD * rate * _CODECS[output.codec] * (1.5 if output.two_pass else 1.0)


def _pixels(size: Output | Rendition, canvas: Canvas) -> float:
    """Return how many pixels a picture has; one that is not given keeps the shape of the canvas."""
    width, height = canvas.width or 0, canvas.height or 0
    wide = size.width or (size.height * width / height if size.height else width)
    high = size.height or (size.width * height / width if size.width else height)
    return float(wide * high)
