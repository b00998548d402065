"""Finds files that were cut off where the demuxer does not: it takes what is there as all there is.

Other kinds tell their length in their header, and decoding is compared with it. An MP3 without a Xing or Info
header tells nothing, and a cut goes unnoticed.
"""

from pathlib import Path
from typing import Final

_RIFF_HEADER: Final = 8
_STREAMED_SIZES: Final = (0, 0xFFFFFFFF)
# RFC 3533, 6: a page is at most 65,307 bytes, and the last one of a stream has this bit in its sixth byte.
_OGG_PAGE_BYTES: Final = 65_307
_OGG_LAST: Final = 0x04
_OGG_FLAGS: Final = 5
# ID3v2.4, 3.1: the size of the tag is in four bytes of seven bits. Behind it, the first frame may hold a header.
_ID3_HEADER: Final = 10
_ID3_SIZE_BITS: Final = 7
_MP3_HEADERS: Final = (b"Xing", b"Info", b"VBRI")
_MP3_FIRST_FRAME: Final = 1024


def is_cut_off(path: Path, kind: str) -> bool:
    """Tell whether a WAV or Ogg file lacks its end; False for all other kinds.

    Raises:
        OSError: it cannot be read.
    """
    match kind:
        case "WAV":
            return _wav_is_cut_off(path)
        case "Ogg":
            return _ogg_is_cut_off(path)
        case _:
            return False


def _wav_is_cut_off(path: Path) -> bool:
    with path.open("rb") as file:
        promised = int.from_bytes(file.read(_RIFF_HEADER)[4:], "little")
        size = file.seek(0, 2)
    return promised not in _STREAMED_SIZES and size < promised + _RIFF_HEADER


def _ogg_is_cut_off(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _OGG_PAGE_BYTES))
        tail = file.read()
    page = tail.rfind(b"OggS")
    return page < 0 or len(tail) <= page + _OGG_FLAGS or not tail[page + _OGG_FLAGS] & _OGG_LAST


def tells_length(path: Path, kind: str) -> bool:
    """Tell whether a file itself says how long it is.

    Of an MP3 without a header that does, libav guesses it from the bitrate of the first frames, and is far off when
    the rest has another.

    Raises:
        OSError: it cannot be read.
    """
    if kind != "MP3":
        return True
    with path.open("rb") as file:
        head = file.read(_ID3_HEADER)
        size = 0
        if head.startswith(b"ID3"):
            for byte in head[-4:]:
                size = size << _ID3_SIZE_BITS | byte
            size += _ID3_HEADER
        file.seek(size)
        first = file.read(_MP3_FIRST_FRAME)
    return any(header in first for header in _MP3_HEADERS)
