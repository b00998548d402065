"""Reads of a TIFF where its pixels are, and how they are laid out: the first directory, within bounds (TIFF 6.0, 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from videojob_worker.media.pictures.picture_layout import MAX_METADATA_BYTES, MAX_PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, OFFSETS, ORIENTATION, SAMPLES, ROWS, SIZES, PLANAR = 266, 273, 274, 277, 278, 279, 284
PREDICTOR, PALETTE, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES = 317, 320, 322, 323, 324, 325
EXTRA, FORMAT, PROFILE = 338, 339, 34675
SUBFILE, PARTS, DNG = 254, 330, 50706

_MOST_TAGS: Final = 4096
_BIG: Final = 43
# By the number of a type: how one value is packed.
_TYPES: Final = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_LONG, _SHORT = 4, 3
_KNOWN: Final = frozenset((*range(254, 326), PARTS, EXTRA, FORMAT, PROFILE, DNG))

Tags = dict[int, tuple[int, ...]]
"""Values by the number of their tag."""


class BrokenTiffError(Exception):
    """A TIFF that cannot be understood."""


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """The first picture of a TIFF."""

    tags: Tags
    order: str
    """`<` or `>`, as in `struct`."""
    has_further_pages: bool
    """Whether there is a picture behind it."""

    def one(self, tag: int, default: int = 0) -> int:
        """Return the first value of a tag."""
        return (self.tags.get(tag) or (default,))[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.one(WIDTH), self.one(HEIGHT)

    @property
    def samples(self) -> int:
        """Of a pixel."""
        return self.one(SAMPLES, 1)

    @property
    def bits(self) -> tuple[int, ...]:
        """Of each sample."""
        told = self.tags.get(BITS, (1,))
        return told * self.samples if len(told) == 1 else told


def read_tiff_layout(file: BinaryIO) -> TiffLayout:
    """Read the first directory; of its tags, those that tell how a picture is laid out.

    Raises:
        BrokenTiffError: it cannot be understood, or is larger than it may be.
        OSError: it cannot be read.
    """
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    try:
        is_big = struct.unpack_from(f"{order}H", head, 2)[0] == _BIG
        place = struct.unpack_from(f"{order}Q", head, 8)[0] if is_big else struct.unpack_from(f"{order}I", head, 4)[0]
        file.seek(place)
        count, entry = ("Q", "HHQ8s") if is_big else ("H", "HHI4s")
        number = struct.unpack(f"{order}{count}", file.read(struct.calcsize(f"<{count}")))[0]
        if number > _MOST_TAGS:
            raise BrokenTiffError(f"it has {number} tags")
        packed = file.read(number * struct.calcsize(f"<{entry}"))
        whole = len(packed) // struct.calcsize(f"<{entry}") * struct.calcsize(f"<{entry}")
        entries = list(struct.iter_unpack(f"{order}{entry}", packed[:whole]))
        following = file.read(8 if is_big else 4)
        tags = {tag: _values(file, order, *told) for tag, *told in entries if tag in _KNOWN}
        return TiffLayout(tags, order, has_further_pages=any(following))
    except (struct.error, OverflowError, ValueError) as error:  # also of places that no file has
        raise BrokenTiffError("its directory cannot be read") from error


def _values(file: BinaryIO, order: str, kind: int, count: int, inline: bytes) -> tuple[int, ...]:
    code = _TYPES.get(kind)
    if code is None:
        return ()
    size = count * struct.calcsize(f"<{code}")
    if size > (MAX_METADATA_BYTES if code == "B" else 8 * MAX_PARTS):
        raise BrokenTiffError("its directory is too large")
    if size > len(inline):
        file.seek(struct.unpack(f"{order}{'Q' if len(inline) > 4 else 'I'}", inline)[0])  # noqa: PLR2004 - as long as a place
        inline = file.read(size)
    return struct.unpack(f"{order}{count}{code}", inline[:size])


def written_tiff(tags: Tags, pixels: bytes) -> bytes:
    """Write a TIFF of one strip, which is last."""
    tags = {**tags, OFFSETS: (0,), SIZES: (len(pixels),)}
    directory, values = b"", b""
    behind = 8 + 2 + 12 * len(tags) + 4
    sizes = {tag: len(_packed(tag, told)[1]) for tag, told in tags.items()}
    start = behind + sum(size + size % 2 for size in sizes.values() if size > 4)  # noqa: PLR2004 - those that stand apart
    for tag, told in sorted(tags.items()):
        kind, packed = _packed(tag, (start,) if tag == OFFSETS else told)
        place = packed.ljust(4, b"\0")
        if len(packed) > 4:  # noqa: PLR2004
            place = struct.pack("<I", behind + len(values))
            values += packed + b"\0" * (len(packed) % 2)
        directory += struct.pack("<HHI", tag, kind, len(told)) + place
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory + bytes(4) + values + pixels


def _packed(tag: int, values: Sequence[int]) -> tuple[int, bytes]:
    if tag == PROFILE:
        return 7, bytes(values)
    kind = _LONG if tag in {WIDTH, HEIGHT, OFFSETS, ROWS, SIZES} else _SHORT
    return kind, struct.pack(f"<{len(values)}{_TYPES[kind]}", *values)
