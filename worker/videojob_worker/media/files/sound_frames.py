"""Frames of sound that stand in a file one after the other, without a container; only their headers are read.

MPEG audio (ISO/IEC 11172-3 and 13818-3), AAC as ADTS (ISO/IEC 14496-3, 1.A.3), AC-3 and E-AC-3 (ETSI TS 102 366). Each
frame tells how long it is, so the next has to follow where it ends: several in a row are no accident.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

SEARCHED_BYTES: Final = 256 * 1024
"""How far into a file the first frame is looked for, and how far from its end the last."""
_IN_A_ROW: Final = 3
_TAGS_BEHIND: Final = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")
_LARGEST_FRAME: Final = 8191
_HEADER_BYTES: Final = 6

_FrameBytes = Callable[[int], int | None]
"""From the first six bytes of a frame, as one number, to how many bytes it has; None when they are no header."""

# MPEG audio, by the two bits of the version and of the layer: kbit/s of the indices from 1 on.
_MPEG_1, _MPEG_2, _MPEG_2_5 = 3, 2, 0
_LAYER_1, _LAYER_2, _LAYER_3 = 3, 2, 1
_LOW_KBITS: Final = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_KBITS: Final[Mapping[tuple[int, int], tuple[int, ...]]] = {
    (_MPEG_1, _LAYER_1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (_MPEG_1, _LAYER_2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (_MPEG_1, _LAYER_3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    **{
        (version, layer): kbits
        for version in (_MPEG_2, _MPEG_2_5)
        for layer, kbits in (
            (_LAYER_1, (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256)),
            (_LAYER_2, _LOW_KBITS),
            (_LAYER_3, _LOW_KBITS),
        )
    },
}
_MPEG_HERTZ: Final = {
    _MPEG_1: (44_100, 48_000, 32_000),
    _MPEG_2: (22_050, 24_000, 16_000),
    _MPEG_2_5: (11_025, 12_000, 8_000),
}
# Samples in a frame, by eight: a bit a second of each is a byte.
_MPEG_SAMPLES: Final = {
    (version, layer): samples
    for version in _MPEG_HERTZ
    for layer, samples in ((_LAYER_1, 48), (_LAYER_2, 144), (_LAYER_3, 144 if version == _MPEG_1 else 72))
}
_MPEG_SYNC: Final = 0x7FF
_ADTS_SYNC: Final = 0xFFF
_ADTS_RATES: Final = range(13)
_AC3_SYNC: Final = 0x0B77
_AC3_KBITS: Final = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_AC3_WORDS: Final[tuple[Callable[[int, int], int], ...]] = (  # two bytes each, at 48, 44.1 and 32 kHz
    lambda kbits, _: kbits * 2,
    lambda kbits, odd: kbits * 320 // 147 + odd,
    lambda kbits, _: kbits * 3,
)
_AC3_VERSIONS: Final = range(11)
"""9 and 10 are at a half and a quarter of the rate, in frames as long."""
_EAC3_VERSIONS: Final = range(11, 17)


def _mpeg_bytes(header: int) -> int | None:
    version, layer = header >> 35 & 3, header >> 33 & 3
    kbits, hertz, padding = header >> 28 & 15, header >> 26 & 3, header >> 25 & 1
    known = _MPEG_KBITS.get((version, layer))
    if header >> 37 != _MPEG_SYNC or known is None or kbits - 1 not in range(14) or hertz not in range(3):
        return None
    size = _MPEG_SAMPLES[version, layer] * known[kbits - 1] * 1000 // _MPEG_HERTZ[version][hertz]
    return size // 4 * 4 + 4 * padding if layer == _LAYER_1 else size + padding


def _adts_bytes(header: int) -> int | None:
    length = header >> 5 & 0x1FFF
    if (
        header >> 36 != _ADTS_SYNC
        or header >> 33 & 3
        or header >> 26 & 15 not in _ADTS_RATES
        or length <= _HEADER_BYTES
    ):
        return None
    return length


def _ac3_bytes(header: int) -> int | None:
    rate, size, version = header >> 14 & 3, header >> 8 & 63, header >> 3 & 31
    if header >> 32 != _AC3_SYNC:
        return None
    if version in _EAC3_VERSIONS:
        return 2 * (header >> 16 & 0x7FF) + 2
    if version not in _AC3_VERSIONS or rate not in range(3) or size // 2 not in range(len(_AC3_KBITS)):
        return None
    return 2 * _AC3_WORDS[rate](_AC3_KBITS[size // 2], size % 2)


_KINDS: Final[Mapping[str, _FrameBytes]] = {"MP3": _mpeg_bytes, "AAC": _adts_bytes, "AC-3": _ac3_bytes}
FRAMED: Final = frozenset(_KINDS)
"""Kinds of files that are nothing but frames."""
_FIRST_BYTES: Final = b"\xff\x0b"


def find_frames(file: BinaryIO, start: int) -> tuple[str, int] | None:
    """Name the kind of the first frames that follow each other, and say where they begin; None when there are none.

    Args:
        file: the file; its position is lost.
        start: where to look from, in bytes.

    Raises:
        OSError: it cannot be read.
    """
    file.seek(start)
    data = file.read(SEARCHED_BYTES + _IN_A_ROW * _LARGEST_FRAME)
    is_whole = not file.read(1)
    for at in range(min(len(data), SEARCHED_BYTES)):
        if data[at] in _FIRST_BYTES:
            for kind, frame_bytes in _KINDS.items():
                if _follow(data, at, frame_bytes, is_whole=is_whole):
                    return kind, start + at
    return None


def mpeg_frame_s(header: bytes) -> Fraction:
    """Return how many seconds a frame of MPEG audio lasts, by its header; 0 when it is none."""
    word = int.from_bytes(header[:_HEADER_BYTES])
    if len(header) < _HEADER_BYTES or _mpeg_bytes(word) is None:
        return Fraction(0)
    version, layer, hertz = word >> 35 & 3, word >> 33 & 3, word >> 26 & 3
    return Fraction(8 * _MPEG_SAMPLES[version, layer], _MPEG_HERTZ[version][hertz])


def ends_within_mpeg_frame(path: Path) -> bool:
    """Tell whether a file of MPEG audio ends in the middle of a frame.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - SEARCHED_BYTES))
        tail = file.read()
    at = next((at for at in range(len(tail)) if _follow(tail, at, _mpeg_bytes, is_whole=True)), len(tail))
    while (length := _mpeg_bytes(_header(tail, at))) is not None:
        at += length
    return at > len(tail)


def _follow(data: bytes, at: int, frame_bytes: _FrameBytes, *, is_whole: bool) -> bool:
    """Tell whether frames follow each other from a byte on: three, or two up to the end or to tags."""
    for count in range(_IN_A_ROW):
        length = frame_bytes(_header(data, at))
        if length is None:
            return count > 1 and (data.startswith(_TAGS_BEHIND, at) or (is_whole and at >= len(data)))
        at += length
    return True


def _header(data: bytes, at: int) -> int:
    header = data[at : at + _HEADER_BYTES]
    return int.from_bytes(header) if len(header) == _HEADER_BYTES else 0
