"""Finds the NAL units of H.264 and H.265 wherever libav finds some, whatever is said of their lengths.

Names are those of ISO/IEC 14496-15.
"""

from collections.abc import Iterator
from typing import Final

from videojob_contract.resources.outputs import Codec
from videojob_worker.media.files.codec_parameters import LENGTH_SIZE_AT

_START: Final = b"\0\0\1"
_LONG_START: Final = b"\0" + _START
_ARRAYS_AT: Final = {Codec.H264: 5, Codec.H265: 22}
"""Byte of a configuration record where the lists of its parameter sets begin."""


def record_units(codec: Codec, record: bytes) -> Iterator[bytes]:
    """Yield the NAL units, from their headers on, that a decoder is given before any packet.

    Args:
        codec: H.264 or H.265.
        record: a configuration record, or units with start codes before them.
    """
    return _split(_of_record(codec, record) if _is_record(codec, record) else iter((record,)))


def packet_units(codec: Codec, record: bytes, packet: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a packet, from their headers on; also of one that breaks off.

    Args:
        codec: H.264 or H.265.
        record: what its decoder was given before.
        packet: its bytes.
    """
    return _split(_of_packet(codec, record, packet))


def _split(parts: Iterator[bytes]) -> Iterator[bytes]:
    # Whatever length a unit has, it ends at a start code.
    return (unit for part in parts for unit in part.split(_START))


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
        if end > len(packet):  # it breaks off, or what stands there is no length
            yield packet[start:]
            yield packet[at:]
            return
        yield packet[start:end]
        at = end
