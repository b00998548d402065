"""Walks the segments of a JPEG (ITU-T T.81, B.1.1): its decoder is given no metadata, which could only stop it."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.picture_layout import Bounds, PictureLayout

END: Final = b"\xff\xd9"

_FILLING: Final = 0xFF
_SCAN: Final = 0xDA
_LONE: Final = frozenset((0x00, 0x01, *range(0xD0, 0xDA)))
_METADATA: Final = frozenset((*range(0xE0, 0xF0), 0xFE))
_EXIF: Final = (0xE1, b"Exif\0\0")
_PROFILE: Final = (0xE2, b"ICC_PROFILE\0")
# What tells how colours are coded.
_KEPT: Final = ((0xE0, b"JFIF\0"), (0xEE, b"Adobe"))
_PROGRESSIVE: Final = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_LONGEST_FRAME: Final = 64
_LONGEST_NAME: Final = 12
_BLOCK: Final = 1 << 20


def read_jpeg_layout(source: Source, file: BinaryIO) -> PictureLayout:
    """Find what is shown, and EXIF and a profile; where the end is missing, there is one in the layout.

    Raises:
        PermanentError: more metadata than a picture may have.
        OSError: it cannot be read.
    """
    bounds = Bounds(source)
    size = file.seek(0, 2)
    parts: list[range | bytes] = [range(2)]
    exif, profile, coefficients = b"", dict[int, bytes](), 0.0
    start = size
    for marker, start, stop in _segments(file):
        if marker == _SCAN:
            break
        file.seek(start + 4)
        head = file.read(min(_LONGEST_NAME, stop - start - 4))
        kept = marker not in _METADATA or any(marker == kind and head.startswith(name) for kind, name in _KEPT)
        bounds.add(metadata=0 if kept else stop - start)
        if marker in _PROGRESSIVE:
            coefficients = _samples(head + file.read(_LONGEST_FRAME))
        if kept:
            parts.append(range(start, min(stop, size)))
        elif marker == _EXIF[0] and head.startswith(_EXIF[1]) and not exif:
            exif = (head + file.read(stop - file.tell()))[len(_EXIF[1]) :]
        elif marker == _PROFILE[0] and head.startswith(_PROFILE[1]):
            number = file.read(2)[:1]
            profile[int.from_bytes(number)] = file.read(max(0, stop - file.tell()))
    end = None if start == size else _end(file, start, size)
    parts.append(range(start, size if end is None else end))
    if end is not None:
        parts.append(END)
    return PictureLayout(
        parts=tuple(parts),
        exif=exif,
        profile=b"".join(profile[number] for number in sorted(profile)),
        is_cut_off=end is not None,
        coefficients=coefficients,
    )


def _samples(frame: bytes) -> float:
    """Return how many samples a pixel has in a frame header (B.2.2): 1.5 of 4:2:0."""
    factors = [(factor >> 4) * (factor & 15) for factor in frame[7 : 6 + 3 * frame[5] : 3]]
    return sum(factors) / max(1, *factors) if factors else 3.0


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and stop of each segment up to the first scan; bytes that belong to none are skipped."""
    at = 2
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4:  # noqa: PLR2004 - marker and length
            return
        if head[0] != _FILLING or head[1] in _LONE or head[1] == _FILLING:
            found = head.find(b"\xff", 1)
            at += found if found > 0 else len(head)
            continue
        stop = at + 2 + max(2, int.from_bytes(head[2:]))
        yield head[1], at, stop
        if head[1] == _SCAN:
            return
        at = stop


def _end(file: BinaryIO, scan: int, size: int) -> int | None:
    """Return where the coded picture breaks off; None when its end is marked."""
    file.seek(max(scan, size - _BLOCK))
    tail = file.read().rstrip(b"\0")
    if tail.endswith(END):
        return None
    file.seek(scan)
    last = b""
    while block := file.read(_BLOCK):
        if END in last + block:
            return None
        last = block[-1:]
    # What was allocated and never written reads as zeroes.
    return max(scan, size - _BLOCK) + len(tail) if tail else size
