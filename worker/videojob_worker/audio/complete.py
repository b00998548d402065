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
