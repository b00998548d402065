"""Walks the chunks of a PNG (third edition, 5.3): its decoder is given no metadata, which could only stop it."""

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, Final, NamedTuple

from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.composed_frames import Disposal, FramePart
from videojob_worker.media.pictures.picture_layout import MAX_METADATA_BYTES, Bounds, PictureLayout
from videojob_worker.pixels.coded_colors import CodedColors

_SHOWN: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"))
_STILL: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT"))
_COLORS: Final = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf"))
_END: Final = b"\0\0\0\0IEND\xaeB`\x82"
_MOST_OF_COLORS: Final = 4 * 1024**2
_BLOCK: Final = 1 << 16
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_NUMBER: Final = 4
"""Bytes of the number of a part of a frame, in front of its data."""
_DISPOSALS: Final = {1: Disposal.CLEARED, 2: Disposal.RESTORED}
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
    frames = _Frames()
    said: dict[bytes, bytes] = {}
    is_ended, is_whole = False, True
    for chunk in _chunks(file, size):
        is_ended |= chunk.name == b"IEND"
        is_whole = chunk.stop <= size
        if chunk.name in _SHOWN:
            bounds.add(frames=chunk.name == b"fcTL", parts=0)
            if chunk.name in _STILL:
                parts.append(range(chunk.start, min(chunk.stop, size)))
            frames.add(file, chunk, size)
            continue
        bounds.add(metadata=chunk.size)
        if chunk.name in _COLORS and chunk.name not in said and chunk.size <= _MOST_OF_COLORS:
            said[chunk.name] = _content(file, chunk)
    if is_whole:
        parts.append(_END)
    return PictureLayout(
        parts=tuple(parts),
        frame_times_s=frames.times_s,
        frames=frames.parts,
        exif=said.get(b"eXIf", b""),
        profile=b"" if b"cICP" in said else _profile(said.get(b"iCCP", b"")),
        colors=_colors(said),
        is_cut_off=not is_ended,
    )


class _Frames:
    """Collects the frames of an animation, each as a PNG of its own."""

    def __init__(self) -> None:
        self._header = b""
        self._palette: list[range] = []
        self._controls: list[bytes] = []
        self._data: list[list[range | bytes]] = []

    def add(self, file: BinaryIO, chunk: "_Chunk", size: int) -> None:
        """Take note of a chunk of what is shown."""
        match chunk.name:
            case b"IHDR":
                self._header = _content(file, chunk)[:13].ljust(13, b"\0")
            case b"PLTE" | b"tRNS":
                self._palette.append(range(chunk.start, min(chunk.stop, size)))
            case b"fcTL":
                control = _content(file, chunk)[:26].ljust(26, b"\0")
                self._controls.append(control)
                self._data.append([])
            case b"IDAT" if self._data:
                self._data[-1].append(range(chunk.start, min(chunk.stop, size)))
            case b"fdAT" if self._data and chunk.size > _NUMBER:
                content = range(chunk.start + 8 + _NUMBER, min(chunk.stop - 4, size))
                self._data[-1] += [(chunk.size - _NUMBER).to_bytes(4) + b"IDAT", content, bytes(4)]

    @property
    def times_s(self) -> tuple[Fraction, ...]:
        """How long each lasts that there is anything of."""
        controls = (control for control, data in zip(self._controls, self._data, strict=True) if data)
        return tuple(Fraction(int.from_bytes(each[20:22]), int.from_bytes(each[22:24]) or 100) for each in controls)

    @property
    def parts(self) -> tuple[FramePart, ...]:
        """Those that there is anything of."""
        found = zip(self._controls, self._data, strict=True)
        return tuple(self._part(control, data) for control, data in found if data)

    def _part(self, control: bytes, data: list[range | bytes]) -> FramePart:
        width, height, left, top = struct.unpack_from(">4I", control, 4)
        header = b"IHDR" + control[4:12] + self._header[8:]
        head = _SIGNATURE + (13).to_bytes(4) + header + zlib.crc32(header).to_bytes(4)
        disposal = _DISPOSALS.get(control[24], Disposal.KEPT)
        parts = (head, *self._palette, *data, _END)
        return FramePart(parts, left, top, width, height, disposal, is_blended=control[25] == 1)


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
