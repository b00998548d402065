"""Refuses H.264 and H.265 that code larger pictures than are decoded, before libav makes room for them.

libav's limit counts what is left of a picture when it is cropped, and any packet may bring other parameter sets. Names
are those of ISO/IEC 14496-15. NAL units are looked for wherever libav finds some.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from av.video.codeccontext import VideoCodecContext

from videojob_contract.errors import Reason
from videojob_contract.resources.outputs import Codec
from videojob_worker.media.files.codec_parameters import LENGTH_SIZE_AT
from videojob_worker.media.files.source import Source
from videojob_worker.media.video.parameter_sets import coded_size

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

MAX_PIXELS: Final = 8192 * 4352
"""Largest frame that is decoded, in pixels: what H.264, H.265 and AV1 allow at their highest common levels."""

_CROPPED: Final = {"h264": Codec.H264, "hevc": Codec.H265}
"""Codecs whose pictures are cropped, by libav's names."""
_START: Final = b"\0\0\1"
_LONG_START: Final = b"\0" + _START
_ARRAYS_AT: Final = {Codec.H264: 5, Codec.H265: 22}
"""Byte of a configuration record where the lists of its parameter sets begin."""


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
        self._check_units(self._codec, _of_packet(self._codec, self._record, bytes(packet)))

    def check_decoder(self) -> None:
        """Look at what a decoder has found by itself.

        Raises:
            PermanentError: pictures are coded larger than `MAX_PIXELS`.
        """
        check_coded_size(self._source, self._context.coded_width, self._context.coded_height)

    def _follow(self, codec: Codec, record: bytes) -> None:
        self._record = record
        self._check_units(codec, _of_record(codec, record) if _is_record(codec, record) else iter((record,)))

    def _check_units(self, codec: Codec, parts: Iterator[bytes]) -> None:
        # Whatever length a unit has, it ends at a start code.
        for size in (coded_size(codec, unit) for part in parts for unit in part.split(_START)):
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


def _is_record(codec: Codec, record: bytes) -> bool:
    return len(record) > LENGTH_SIZE_AT[codec] and not record.startswith((_START, _LONG_START))


def _of_record(codec: Codec, record: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a configuration record, whichever list they are in."""
    at = _ARRAYS_AT[codec]
    masks: tuple[int, ...] = (0x1F, 0xFF)
    if codec is Codec.H265:
        masks, at = (0xFFFF,) * int.from_bytes(record[at : at + 1]), at + 1
    for mask in masks:
        # The number of an H.265 list's units stands behind their kind.
        at, count_at = (at + 1, at) if codec is Codec.H264 else (at + 3, at + 1)
        for _ in range(int.from_bytes(record[count_at:at]) & mask):
            if at >= len(record):
                return
            start, at = at + 2, at + 2 + int.from_bytes(record[at : at + 2])
            yield record[start:at]


def _of_packet(codec: Codec, record: bytes, packet: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a packet, or what they are in with start codes between them."""
    # libav takes start codes where there should be lengths, and for H.264 another record as a packet.
    if not _is_record(codec, record) or packet.startswith(_LONG_START):
        yield packet
        return
    if codec is Codec.H264 and packet.startswith(b"\1"):
        yield from _of_record(codec, packet)
    at, size = 0, (record[LENGTH_SIZE_AT[codec]] & 3) + 1
    while at < len(packet):
        start, end = at + size, at + size + int.from_bytes(packet[at : at + size])
        if end > len(packet):
            yield packet[at:]
            return
        yield packet[start:end]
        at = end
