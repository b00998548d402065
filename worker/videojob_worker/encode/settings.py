"""What an output asks of the encoder: quality presets and what overrides them."""

from dataclasses import dataclass
from fractions import Fraction

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import X264_MAX_CRF, X264_PRESETS, Output, Quality
from videojob_worker.plan.timeline import to_frame

_ENDLESS_FRAMES = 1 << 30
"""What x264 takes for no limit between keyframes; more would not fit into its field."""


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """One row of the table of quality presets: x264's preset and crf, and the bits a second of AAC."""

    preset: str
    crf: int
    audio_bits: int


QUALITIES: dict[Quality, QualitySettings] = {
    Quality.DRAFT: QualitySettings("veryfast", 28, 128_000),
    Quality.STANDARD: QualitySettings("medium", 23, 160_000),
    Quality.HIGH: QualitySettings("medium", 19, 192_000),
    Quality.VISUALLY_LOSSLESS: QualitySettings("slow", 15, 256_000),
}


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """All that an encoder needs to know; `keyframe_frames` is None for the encoder's own choice."""

    width: int
    height: int
    fps: Fraction
    preset: str
    crf: int
    keyframe_frames: int | None
    audio_bits: int


def video_settings(field: str, output: Output, width: int, height: int, fps: Fraction) -> VideoSettings:
    """Resolve an mp4 output, found at `field` of the spec.

    Raises:
        PermanentError: a preset or crf that x264 does not have.
    """
    quality = QUALITIES[output.quality or Quality.STANDARD]
    preset = output.preset or quality.preset
    if preset not in X264_PRESETS:
        raise PermanentError(f"{field}.preset: {preset} is none of {', '.join(X264_PRESETS)}", Reason.INVALID_SPEC)
    crf = quality.crf if output.crf is None else output.crf
    if crf > X264_MAX_CRF:
        raise PermanentError(f"{field}.crf: {crf} is more than {X264_MAX_CRF}, the most for h264", Reason.INVALID_SPEC)
    interval = output.keyframe_interval
    return VideoSettings(
        width=width,
        height=height,
        fps=fps,
        preset=preset,
        crf=crf,
        keyframe_frames=None if interval is None else min(max(1, to_frame(interval, fps)), _ENDLESS_FRAMES),
        audio_bits=quality.audio_bits,
    )
