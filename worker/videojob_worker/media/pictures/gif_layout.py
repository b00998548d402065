"""Walks a GIF by its blocks (GIF89a, 18 to 26), without decoding: what each frame is, and how long it lasts."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, Final

from videojob_worker.media.pictures.composed_frames import Disposal, FramePart
from videojob_worker.media.pictures.picture_layout import Bounds, PictureLayout

if TYPE_CHECKING:
    from videojob_worker.media.files.source import Source

_HEADER_BYTES: Final = 13
_PALETTE: Final = 0x80
_EXTENSION, _IMAGE, _CONTROL = 0x21, 0x2C, 0xF9
_DISPOSALS: Final = {2: Disposal.CLEARED, 3: Disposal.RESTORED}
_NO_CONTROL: Final = bytes(4)


def read_gif_layout(source: Source, file: BinaryIO) -> PictureLayout:
    """Find the frames.

    Raises:
        PermanentError: more metadata or frames than a picture may have.
        OSError: it cannot be read.
    """
    bounds, size = Bounds(source), file.seek(0, 2)
    file.seek(0)
    header = file.read(_HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
    _skip_palette(file, header[10])
    palette = range(_HEADER_BYTES, min(file.tell(), size))
    times: list[Fraction] = []
    frames: list[FramePart] = []
    control = _NO_CONTROL
    while block := file.read(1):
        if block[0] == _EXTENSION:
            if file.read(1) == bytes((_CONTROL,)):
                control = file.read(6)[1:5].ljust(4, b"\0")
            else:
                bounds.add(metadata=_skip_blocks(file), parts=0)
        elif block[0] == _IMAGE:
            bounds.add(frames=1)
            times.append(Fraction(int.from_bytes(control[1:3], "little"), 100))
            frames.append(_frame(file, header, palette, control))
            control = _NO_CONTROL
        elif block[0]:
            break
    return PictureLayout((range(size),), tuple(times), frames=tuple(frames))


def _frame(file: BinaryIO, header: bytes, palette: range, control: bytes) -> FramePart:
    descriptor = file.read(9).ljust(9, b"\0")
    left, top, width, height, flags = struct.unpack("<4HB", descriptor)
    start = file.tell()
    _skip_palette(file, flags)
    file.seek(1, 1)
    _skip_blocks(file)
    head = b"GIF89a" + struct.pack("<HH", width, height) + header[10:]
    controlled = bytes((_EXTENSION, _CONTROL, 4)) + control + b"\0" + bytes((_IMAGE,))
    parts = (
        head,
        palette,
        controlled + struct.pack("<4HB", 0, 0, width, height, flags),
        range(start, file.tell()),
        b";",
    )
    disposal = _DISPOSALS.get(control[0] >> 2 & 7, Disposal.KEPT)
    return FramePart(parts, left, top, width, height, disposal, is_blended=True)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & _PALETTE:
        file.seek(3 << (flags & 7) + 1, 1)


def _skip_blocks(file: BinaryIO) -> int:
    skipped = 0
    while (size := file.read(1)) and size[0]:
        file.seek(size[0], 1)
        skipped += size[0]
    return skipped
