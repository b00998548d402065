"""Finds transparency that H.265 keeps as a layer beside the pictures: libav decodes the pictures alone.

What is under the transparent parts would be seen, in colours that nobody chose. Numbers are those of ITU-T H.265, and
of ISO/IEC 14496-15.
"""

from collections.abc import Iterator
from typing import Final

from videojob_contract.resources.outputs import Codec
from videojob_worker.media.files.codec_parameters import LENGTH_SIZE_AT

_ARRAYS_AT: Final = 22
_PREFIX_MESSAGE: Final = 39
_ALPHA_CHANNEL: Final = 165
"""Payload type of the message that describes an alpha channel (F.14.2.8)."""
_CANCELS: Final = 0x80
_MOST_UNITS: Final = 64
_START: Final = b"\0\0\1"


def has_alpha_layer(record: bytes, packet: bytes) -> bool:
    """Tell whether an alpha channel is announced, by the configuration record or the first packet of a stream."""
    if record[:1] == b"\1" and len(record) > _ARRAYS_AT:
        length = (record[LENGTH_SIZE_AT[Codec.H265]] & 3) + 1
        units = [*_of_record(record), *_of_packet(packet, length)]
    else:
        units = [part.lstrip(b"\0") for part in (record + _START + packet).split(_START, _MOST_UNITS)]
    return any(_announces(unit) for unit in units)


def _of_record(record: bytes) -> Iterator[bytes]:
    at, arrays = _ARRAYS_AT + 1, record[_ARRAYS_AT]
    for _ in range(min(arrays, _MOST_UNITS)):
        count = int.from_bytes(record[at + 1 : at + 3])
        at += 3
        for _ in range(min(count, _MOST_UNITS)):
            size = int.from_bytes(record[at : at + 2])
            yield record[at + 2 : at + 2 + size]
            at += 2 + size


def _of_packet(packet: bytes, length: int) -> Iterator[bytes]:
    at = 0
    for _ in range(_MOST_UNITS):
        if at >= len(packet):
            return
        size = int.from_bytes(packet[at : at + length])
        yield packet[at + length : at + length + size]
        at += length + size


def _announces(unit: bytes) -> bool:
    """Tell whether a NAL unit is a message that begins with the description of an alpha channel."""
    header, payload = unit[:2], unit[2:]
    if header[:1] == b"" or header[0] >> 1 & 63 != _PREFIX_MESSAGE:
        return False
    return payload[:1] == bytes([_ALPHA_CHANNEL]) and not (payload[2:3] or b"\xff")[0] & _CANCELS
