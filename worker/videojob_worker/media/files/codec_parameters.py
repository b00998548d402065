"""How a video is coded, as far as its pictures could stand in an output as they are.

Names and numbers are those of ITU-T H.264 and H.265, and of ISO/IEC 14496-15.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from videojob_contract.resources.outputs import Codec

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_CODECS: Final = {"h264": Codec.H264, "hevc": Codec.H265}
_BT709, _UNSPECIFIED, _LIMITED_RANGE, _PROGRESSIVE = 1, 2, 1, 1
"""libav's numbers, which for colours are those of ITU-T H.273."""
LENGTH_SIZE_AT: Final = {Codec.H264: 4, Codec.H265: 21}
"""Byte of the configuration record whose low two bits say how long the length before each NAL unit is."""


class NotCopiableError(Exception):
    """The packets cannot be taken; says why, as what follows the name of a clip."""


@dataclass(frozen=True, slots=True)
class CodecParameters:
    """How a video is coded: packets of videos that agree in all of this can follow each other in one stream."""

    codec: Codec
    width: int
    height: int
    parameter_sets: bytes
    """The configuration record: avcC or hvcC."""
    colors: tuple[int, ...]
    """As the container says: primaries, transfer, matrix and range."""


def coded_as(stream: "VideoStream") -> CodecParameters:
    """Say how a video is coded, of which libav has decoded a frame.

    Raises:
        NotCopiableError: as no output is.
    """
    context = stream.codec_context
    codec = _CODECS.get(context.codec.canonical_name)
    if codec is None:
        raise NotCopiableError(f"is coded in {context.codec.canonical_name}")
    if context.pix_fmt != "yuv420p":
        raise NotCopiableError(f"has pictures in {context.pix_fmt}, not in yuv420p")
    if stream.sample_aspect_ratio not in (None, 0, 1):
        raise NotCopiableError("has pixels that are not square")
    if context.field_order != _PROGRESSIVE:
        raise NotCopiableError("is not said to be progressive")
    colors = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
    if not set(colors[:3]) <= {_BT709, _UNSPECIFIED} or colors[3] > _LIMITED_RANGE:
        raise NotCopiableError("has other colours than BT.709 of limited range")
    sets = context.extradata or b""
    if len(sets) <= LENGTH_SIZE_AT[codec] or sets[0] != 1:
        raise NotCopiableError("does not keep its parameter sets as an mp4 does")
    return CodecParameters(codec, context.width, context.height, sets, tuple(map(int, colors)))
