"""Finds transparency that H.265 keeps as a layer beside the pictures: libav decodes the pictures alone.

What is under the transparent parts would be seen, in colours that nobody chose. Numbers are those of ITU-T H.265.
"""

from itertools import chain
from typing import Final

from videojob_contract.resources.outputs import Codec
from videojob_worker.media.video.nal_units import packet_units, record_units

_PREFIX_MESSAGE: Final = 39
_ALPHA_CHANNEL: Final = 165
"""Payload type of the message that describes an alpha channel (F.14.2.8)."""
_CANCELS: Final = 0x80


def has_alpha_layer(record: bytes, packet: bytes) -> bool:
    """Tell whether an alpha channel is announced, by the configuration record or the first packet of a stream."""
    return any(map(_announces, chain(record_units(Codec.H265, record), packet_units(Codec.H265, record, packet))))


def _announces(unit: bytes) -> bool:
    """Tell whether a NAL unit is a message that begins with the description of an alpha channel."""
    header, payload = unit[:2], unit[2:]
    if header[:1] == b"" or header[0] >> 1 & 63 != _PREFIX_MESSAGE:
        return False
    return payload[:1] == bytes([_ALPHA_CHANNEL]) and not (payload[2:3] or b"\xff")[0] & _CANCELS
