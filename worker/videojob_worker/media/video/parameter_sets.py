"""Reads of sequence parameter sets how large pictures are coded, before any of them is cropped.

Names and numbers are those of ITU-T H.264 and H.265.
"""

from functools import lru_cache
from typing import Final

from videojob_contract.resources.outputs import Codec

_MOST_BYTES: Final = 8192
"""Of a set that are read: the size stands before what may be longer."""
_FIRST: Final = b"\1"
_BEYOND: Final = bytes(16)
"""What libav reads behind the end."""
_KINDS: Final = {Codec.H264: (0x9F, 7), Codec.H265: (0xFE, 33 << 1)}
"""Which bits of the first byte of a NAL unit tell its kind, and what they are for a sequence parameter set."""
_WITH_CHROMA: Final = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 138, 144, 244))
"""Profiles of H.264 whose sets tell the chroma format."""
_FULL_CHROMA: Final = 3
_PROFILE_BITS: Final = 88
_LEVEL_BITS: Final = 8
_MOST_LAYERS: Final = 8
_MOST_BYTES_OF_PICTURE: Final = 2**31 - 1
"""At eight a pixel, with 128 pixels more each way: libav leaves out sets that code more, as damage does."""


def coded_size(codec: Codec, unit: bytes) -> tuple[int, int] | None:
    """Return the coded width and height, in pixels, that a NAL unit tells, if it is a parameter set that is used.

    Args:
        codec: H.264 or H.265.
        unit: its bytes, from its header on.
    """
    mask, kind = _KINDS[codec]
    size = _read(codec, unit[:_MOST_BYTES]) if unit and unit[0] & mask == kind else None
    return size if size is not None and 8 * (size[0] + 128) * (size[1] + 128) < _MOST_BYTES_OF_PICTURE else None


@lru_cache(maxsize=64)
def _read(codec: Codec, unit: bytes) -> tuple[int, int] | None:
    """Read a set, which most streams repeat."""
    bits = _Bits(unit.replace(b"\0\0\3", b"\0\0"))
    try:
        return _h264_size(bits) if codec is Codec.H264 else _h265_size(bits)
    except ValueError:
        return None


class _Bits:
    """The bits of a NAL unit, one after the other; behind the end there is a ValueError."""

    def __init__(self, unit: bytes) -> None:
        self._bits = f"{int.from_bytes(_FIRST + unit + _BEYOND):b}"[1:]
        self._at = 0

    def number(self, bits: int) -> int:
        """Read u(n)."""
        self._at += bits
        return int(self._bits[self._at - bits : self._at], 2)

    def golomb(self) -> int:
        """Read ue(v)."""
        zeros = self._bits.index("1", self._at) - self._at
        self._at += zeros
        return self.number(zeros + 1) - 1

    def signed_golomb(self) -> int:
        """Read se(v)."""
        coded = self.golomb()
        return (coded + 1) // 2 if coded % 2 else -(coded // 2)


def _h264_size(bits: _Bits) -> tuple[int, int]:
    """Read as far as `frame_mbs_only_flag` (7.3.2.1.1)."""
    bits.number(8)
    profile = bits.number(8)
    bits.number(16)
    bits.golomb()
    if profile in _WITH_CHROMA:
        _skip_high_profile(bits)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.number(1)
        bits.signed_golomb()
        bits.signed_golomb()
        for _ in range(bits.golomb()):
            bits.signed_golomb()
    bits.golomb()
    bits.number(1)
    width, height = bits.golomb() + 1, bits.golomb() + 1
    return 16 * width, 16 * height * (2 - bits.number(1))


def _skip_high_profile(bits: _Bits) -> None:
    """Read from `chroma_format_idc` to the scaling lists (7.3.2.1.1.1)."""
    chroma = bits.golomb()
    if chroma == _FULL_CHROMA:
        bits.number(1)
    bits.golomb()
    bits.golomb()
    bits.number(1)
    if not bits.number(1):
        return
    for size in (16,) * 6 + (64,) * (6 if chroma == _FULL_CHROMA else 2):
        last = following = 8 * bits.number(1)
        for _ in range(size):
            if following:
                following = (last + bits.signed_golomb()) % 256
            last = following or last


def _h265_size(bits: _Bits) -> tuple[int, int]:
    """Read as far as `pic_height_in_luma_samples` (7.3.2.2.1)."""
    bits.number(16 + 4)
    layers = bits.number(3)
    bits.number(1 + _PROFILE_BITS + _LEVEL_BITS)
    told = [(bits.number(1), bits.number(1)) for _ in range(layers)]
    if layers:
        bits.number(2 * (_MOST_LAYERS - layers))
    for has_profile, has_level in told:
        if skipped := _PROFILE_BITS * has_profile + _LEVEL_BITS * has_level:
            bits.number(skipped)
    bits.golomb()
    if bits.golomb() == _FULL_CHROMA:
        bits.number(1)
    return bits.golomb(), bits.golomb()
