"""Walks the chunks of a PNG (third edition, 5.3): its decoder is given no metadata, which could only stop it."""

import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, Final, NamedTuple

from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.picture_layout import MAX_METADATA_BYTES, Bounds, PictureLayout
from videojob_worker.pixels.coded_colors import CodedColors

_SHOWN: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"))
_COLORS: Final = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf"))
_END: Final = b"\0\0\0\0IEND\xaeB`\x82"
_MOST_OF_COLORS: Final = 4 * 1024**2
_BLOCK: Final = 1 << 16
# Samples of a pixel, by colour type (table 11.1).
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class _Chunk(NamedTuple):
    name: bytes
    start: int
    size: int

    @property
    def stop(self) -> int:
        return self.start + self.size + 12


def read_png_layout(source: Source, file: BinaryIO) -> PictureLayout:
    """Find what is shown, and EXIF, colours, and how long each frame of an animation lasts.

    Raises:
        PermanentError: more metadata or frames than a picture may have.
        OSError: it cannot be read.
    """
    bounds = Bounds(source)
    size = file.seek(0, 2)
    parts: list[range | bytes] = [range(8)]
    times: list[Fraction] = []
    said: dict[bytes, bytes] = {}
    is_ended, is_whole = False, True
    for chunk in _chunks(file, size):
        is_ended |= chunk.name == b"IEND"
        is_whole = chunk.stop <= size
        if chunk.name in _SHOWN:
            bounds.add(frames=chunk.name == b"fcTL", parts=0)
            parts.append(range(chunk.start, min(chunk.stop, size)))
            if chunk.name == b"fcTL":
                delay = _content(file, chunk)[20:24]
                times.append(Fraction(int.from_bytes(delay[:2]), int.from_bytes(delay[2:]) or 100))
            continue
        bounds.add(metadata=chunk.size)
        if chunk.name in _COLORS and chunk.name not in said and chunk.size <= _MOST_OF_COLORS:
            said[chunk.name] = _content(file, chunk)
    if is_whole:
        parts.append(_END)
    return PictureLayout(
        parts=tuple(parts),
        frame_times_s=tuple(times),
        exif=said.get(b"eXIf", b""),
        profile=b"" if b"cICP" in said else _profile(said.get(b"iCCP", b"")),
        colors=_colors(said),
        is_cut_off=not is_ended,
    )


def png_damage(file: BinaryIO) -> tuple[str, float] | None:
    """Return what is wrong with the picture of a still PNG, and which share of it, from 0 to 1, cannot be decoded.

    None when nothing is. A wrong checksum over a picture that unpacks rightly is not.
    """
    size = file.seek(0, 2)
    chunks = [chunk for chunk in _chunks(file, size) if chunk.name in {b"IHDR", b"IDAT"}]
    if all(_is_whole(file, chunk, size) for chunk in chunks):
        return None
    header = _content(file, chunks[0])
    rows_bytes, is_interlaced = _rows_bytes(header), header[12:13] != b"\0"
    found, unpacked = 0, zlib.decompressobj()
    try:
        for packed in (block for chunk in chunks[1:] for block in _blocks(file, chunk, size)):
            before = unpacked.copy()
            found += _unpacked_bytes(unpacked, packed)
            if found > 2 * rows_bytes + _BLOCK:  # a bomb; what is more than the picture is not drawn
                break
    except zlib.error as error:
        if "data check" in str(error):
            return "its checksum is wrong, and some of it may be drawn wrongly", 0.0
        found += _unpacked_until_error(before, packed)
    if unpacked.eof or (found >= rows_bytes and not is_interlaced):
        return None
    missing = 1.0 if is_interlaced or not rows_bytes else 1 - found / rows_bytes
    return f"it breaks off, about {missing:.1%} of the picture are missing", missing


def packed_pixels(file: BinaryIO) -> Iterator[bytes]:
    """Yield what the pixels of a still PNG are packed as, in blocks.

    Raises:
        OSError: it cannot be read.
    """
    size = file.seek(0, 2)
    return (block for chunk in _chunks(file, size) if chunk.name == b"IDAT" for block in _blocks(file, chunk, size))


def _is_whole(file: BinaryIO, chunk: _Chunk, size: int) -> bool:
    """Tell whether all of a chunk is there, and as its checksum says."""
    checksum = zlib.crc32(chunk.name)
    for block in _blocks(file, chunk, size):
        checksum = zlib.crc32(block, checksum)
    file.seek(max(0, chunk.stop - 4))
    return chunk.stop <= size and file.read(4) == checksum.to_bytes(4)


def _rows_bytes(header: bytes) -> int:
    """Return how many bytes the rows of a picture that is not interlaced unpack to."""
    bits = int.from_bytes(header[:4]) * header[8] * _SAMPLES.get(header[9], 4)
    return int.from_bytes(header[4:8]) * (1 + (bits + 7) // 8)


def _unpacked_bytes(unpacked: "zlib._Decompress", packed: bytes) -> int:
    found = 0
    while packed:
        found += len(unpacked.decompress(packed, _BLOCK))
        packed = unpacked.unconsumed_tail
    return found


def _unpacked_until_error(unpacked: "zlib._Decompress", packed: bytes) -> int:
    found = 0
    try:
        for at in range(len(packed)):
            found += len(unpacked.decompress(packed[at : at + 1]))
    except zlib.error:
        return found
    return found


def _chunks(file: BinaryIO, size: int) -> Iterator[_Chunk]:
    """Yield the chunks up to the end that is marked, or up to where there are none; the last may be cut off."""
    at = 8
    while at < size:
        file.seek(at)
        head = file.read(8)
        name = head[4:]
        if len(name) < 4 or not name.isalpha():  # noqa: PLR2004 - length and name
            return
        yield _Chunk(name, at, int.from_bytes(head[:4]))
        if name == b"IEND":
            return
        at += int.from_bytes(head[:4]) + 12


def _content(file: BinaryIO, chunk: _Chunk) -> bytes:
    file.seek(chunk.start + 8)
    return file.read(min(chunk.size, _MOST_OF_COLORS))


def _blocks(file: BinaryIO, chunk: _Chunk, size: int) -> Iterator[bytes]:
    for at in range(chunk.start + 8, min(chunk.stop - 4, size), _BLOCK):
        file.seek(at)
        yield file.read(min(_BLOCK, chunk.stop - 4 - at))


def _profile(chunk: bytes) -> bytes:
    """Unpack `iCCP` (11.3.2.3); what cannot be is no profile."""
    _, _, packed = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], MAX_METADATA_BYTES)
    except zlib.error:
        return b"broken" if chunk else b""


def _colors(said: dict[bytes, bytes]) -> CodedColors | None:
    """Return what is told of colours, where that is no profile and not sRGB (11.3.2: in this order)."""
    if len(cicp := said.get(b"cICP", b"")) == 4:  # noqa: PLR2004 - its four bytes
        return CodedColors.of_code_points(cicp[0], cicp[1])
    if b"iCCP" in said or b"sRGB" in said:
        return None
    gamma, corners = said.get(b"gAMA", b""), said.get(b"cHRM", b"")
    xy = tuple(int.from_bytes(corners[at : at + 4]) / 100_000 for at in range(0, 32, 4)) if len(corners) == 32 else ()  # noqa: PLR2004
    return CodedColors.of_png(int.from_bytes(gamma) / 100_000 if len(gamma) == 4 else None, xy)  # noqa: PLR2004
