"""What an output asks of its encoders: presets of quality, and what overrides them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import (
    MAX_CRF,
    PRESETS,
    Codec,
    Output,
    Quality,
    Rendition,
    bits_a_second,
)
from videojob_worker.clock import to_frame
from videojob_worker.encode.codecs import SOFTWARE, Encoder

_ENDLESS_FRAMES = 1 << 30
"""What encoders take for no limit between keyframes; more would not fit into their field."""
_BUFFER_S = 2
"""Seconds at the highest bitrate that a player has to buffer (the VBV's size)."""


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """All that an encoder needs to know, save its number of threads."""

    codec: Codec
    encoder: str
    """libav's name."""
    width: int
    height: int
    fps: Fraction
    options: Mapping[str, str] = field(default_factory=dict)
    """The encoder's own, preset and limits included, but not the crf."""
    crf: float | None = None
    """Constant rate factor, or None where the bitrate is given or nothing is to be lost."""
    bit_rate: int | None = None
    """Mean bits a second."""
    keyframe_frames: int | None = None
    """Most frames from keyframe to keyframe; None for the encoder's own choice."""
    cut_s: Fraction | None = None
    """Seconds from cut to cut: the first frame at or after each is a keyframe."""
    two_pass: bool = False
    pass_number: int = 0
    """1 or 2 of two; 0 of one."""
    stats: str = ""
    """File in which the first of two passes leaves what the second needs."""
    bytes_a_pixel: int = 200
    """What the encoder holds, for each pixel of a picture."""
    cost: float = 1.0
    """Of a frame of this size, against x264 with its medium preset."""

    @property
    def needs_whole(self) -> bool:
        """Whether one encoder must see the whole timeline, because it has bits to share out."""
        return self.bit_rate is not None or "maxrate" in self.options

    @property
    def encoder_bytes(self) -> int:
        """What one open encoder holds in memory."""
        return self.bytes_a_pixel * self.width * self.height

    def cuts(self, start: int, frames: int) -> frozenset[int]:
        """Return which of so many frames of the output from a first one on have to be keyframes."""
        if self.cut_s is None:
            return frozenset()
        step = self.cut_s * self.fps
        numbers = range(max(1, (start - 1) // step + 1), (start + frames - 1) // step + 1)
        return frozenset(ceil(number * step) for number in numbers)


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """How the sound is encoded; outputs that ask for the same share it."""

    encoder: str
    """libav's name."""
    bit_rate: int
    """Bits a second."""


_AUDIO_BITS: dict[str, tuple[int, int, int, int]] = {
    "aac": (128_000, 160_000, 192_000, 256_000),
    "libopus": (96_000, 128_000, 160_000, 192_000),
    "libmp3lame": (128_000, 192_000, 256_000, 320_000),
}
"""Bits a second by libav's name of the encoder, for each quality."""


def audio_settings(encoder: str, quality: Quality | None, bitrate: str | None = None) -> AudioSettings:
    """Resolve the sound of an output, by an encoder that `_AUDIO_BITS` has; a bitrate goes before the quality's."""
    if bitrate is not None:
        return AudioSettings(encoder, bits_a_second(bitrate))
    bits = dict(zip(Quality, _AUDIO_BITS[encoder], strict=True))
    return AudioSettings(encoder, bits[quality or Quality.STANDARD])


def video_settings(
    field: str,
    output: Output,
    size: tuple[int, int],
    fps: Fraction,
    *,
    rendition: Rendition | None = None,
    encoder: Encoder | None = None,
    cut_s: Fraction | None = None,
) -> VideoSettings:
    """Resolve the video of an output.

    Args:
        field: where the output is in the spec.
        output: what is asked for.
        size: width and height of its pictures, in pixels.
        fps: its frames a second.
        rendition: of which its rates come, where it gives them.
        encoder: which to use. Default: the codec's own, on the processor.
        cut_s: seconds from cut to cut.

    Raises:
        PermanentError: a preset or crf that the encoder does not have.
    """
    codec = output.codec or output.format.codecs[0]
    software = SOFTWARE[codec]
    encoder = encoder or software
    preset, crf = encoder.qualities[output.quality or Quality.STANDARD]
    if output.preset is not None and output.preset not in PRESETS[codec]:
        raise PermanentError(
            f"{field}.preset: {output.preset} is none of {', '.join(PRESETS[codec])}", Reason.INVALID_SPEC
        )
    if encoder is software:
        preset = output.preset or preset
    rate: Output | Rendition = output
    if rendition is not None and (rendition.crf, rendition.bitrate, rendition.max_bitrate) != (None, None, None):
        rate = rendition
    crf = crf if rate.crf is None else rate.crf
    if crf > MAX_CRF[codec]:
        raise PermanentError(
            f"{field}.crf: {crf} is more than {MAX_CRF[codec]}, the most for {codec}", Reason.INVALID_SPEC
        )
    options = {encoder.preset_option: preset, **encoder.options}
    if rate.max_bitrate is not None:
        most = bits_a_second(rate.max_bitrate)
        options |= {"maxrate": str(most), "bufsize": str(most * _BUFFER_S)}
    interval = output.keyframe_interval
    return VideoSettings(
        codec=codec,
        encoder=encoder.name,
        width=size[0],
        height=size[1],
        fps=fps,
        options=options,
        crf=None if rate.bitrate is not None else float(crf),
        bit_rate=None if rate.bitrate is None else bits_a_second(rate.bitrate),
        keyframe_frames=None if interval is None else min(max(1, to_frame(interval, fps)), _ENDLESS_FRAMES),
        cut_s=cut_s,
        two_pass=output.two_pass and rate.bitrate is not None,
        bytes_a_pixel=encoder.bytes_a_pixel,
        cost=encoder.cost,
    )


def lossless_settings(width: int, height: int, fps: Fraction) -> VideoSettings:
    """Return settings for pictures that are only parked on the disk: nothing is lost, and it is quick."""
    return VideoSettings(
        codec=Codec.H264,
        encoder="libx264",
        width=width,
        height=height,
        fps=fps,
        options={"preset": "ultrafast", "qp": "0"},
        bytes_a_pixel=40,
        cost=0.3,
    )
