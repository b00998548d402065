"""Refuses H.264 and H.265 that code larger pictures than are decoded, before libav makes room for them.

libav's limit counts what is left of a picture when it is cropped, and any packet may bring other parameter sets.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from av.video.codeccontext import VideoCodecContext

from videojob_contract.errors import Reason
from videojob_contract.resources.outputs import Codec
from videojob_worker.media.files.source import Source
from videojob_worker.media.video.nal_units import packet_units, record_units
from videojob_worker.media.video.parameter_sets import coded_size

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

MAX_PIXELS: Final = 8192 * 4352
"""Largest frame that is decoded, in pixels: what H.264, H.265 and AV1 allow at their highest common levels."""

_CROPPED: Final = {"h264": Codec.H264, "hevc": Codec.H265}
"""Codecs whose pictures are cropped, by libav's names."""


class CodedSizeLimit:
    """What a decoder is given of one video, looked at before it is decoded.

    Raises:
        PermanentError: pictures are coded larger than `MAX_PIXELS`.
    """

    def __init__(self, source: Source, context: VideoCodecContext) -> None:
        self._source, self._context = source, context
        self._codec = _CROPPED.get(context.codec.canonical_name)
        self._record = b""
        if self._codec is not None:
            self._follow(self._codec, context.extradata or b"")

    def check_packet(self, packet: "Packet[VideoStream]") -> None:
        """Look at the parameter sets that come with a packet.

        Raises:
            PermanentError: pictures are coded larger than `MAX_PIXELS`.
        """
        if self._codec is None:
            return
        if packet.has_sidedata("new_extradata"):
            self._follow(self._codec, bytes(packet.get_sidedata("new_extradata")))
        self._check_units(self._codec, packet_units(self._codec, self._record, bytes(packet)))

    def check_decoder(self) -> None:
        """Look at what a decoder has found by itself.

        Raises:
            PermanentError: pictures are coded larger than `MAX_PIXELS`.
        """
        check_coded_size(self._source, self._context.coded_width, self._context.coded_height)

    def _follow(self, codec: Codec, record: bytes) -> None:
        self._record = record
        self._check_units(codec, record_units(codec, record))

    def _check_units(self, codec: Codec, units: Iterator[bytes]) -> None:
        for size in (coded_size(codec, unit) for unit in units):
            if size is not None:
                check_coded_size(self._source, *size)


def check_coded_size(source: Source, width: int, height: int) -> None:
    """Check how large pictures are coded, in pixels.

    Raises:
        PermanentError: larger than `MAX_PIXELS`.
    """
    if width * height > MAX_PIXELS:
        size, most = f"{width}x{height}", f"{MAX_PIXELS // 1_000_000} megapixels"
        raise source.error(
            f"has pictures that are coded as {size} pixels; at most {most} are allowed", Reason.SOURCE_TOO_LARGE
        )
