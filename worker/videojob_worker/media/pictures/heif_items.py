"""Reads what a HEIF file is made of (ISO/IEC 23008-12, on ISO/IEC 14496-12): items, their properties, where they lie.

AVIF and HEIC are HEIF with another codec. A picture may be a grid of tiles, each an item of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from videojob_worker.media.files.boxes import box_header, read_box

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_META_BYTES: Final = 16 * 1024**2
"""Largest index of a HEIF file."""
MAX_ITEMS: Final = 16_384
"""Most items of a HEIF file, and most stretches of bytes of them."""

Box = tuple[bytes, bytes]
"""A name and the content."""


class BrokenHeifError(Exception):
    """A HEIF file that is not laid out as it says."""


@dataclass(slots=True)
class Item:
    """A picture, or data, of a HEIF file."""

    kind: bytes = b""
    """Such as `hvc1`, `av01`, `grid`, `Exif`."""
    extents: list[tuple[int, int]] = field(default_factory=list)
    """Where its bytes are: start and length; a length of 0 is up to the end."""
    is_in_index: bool = False
    """Whether they are in the index (`idat`) and not in the file."""
    properties: list[Box] = field(default_factory=list)
    """In the order in which they are to be applied."""
    references: dict[bytes, list[int]] = field(default_factory=dict)
    """The items that it names, by the kind of reference."""

    def property(self, name: bytes) -> bytes | None:
        """Return the content of the first property of a kind."""
        return next((content for kind, content in self.properties if kind == name), None)


@dataclass(frozen=True, slots=True)
class HeifItems:
    """The index of a HEIF file."""

    items: Mapping[int, Item]
    primary: int
    index_data: bytes
    """The content of `idat`."""


def read_heif_items(file: BinaryIO) -> HeifItems | None:
    """Read the index; None where there is none, as in a file that has a sequence alone.

    Raises:
        BrokenHeifError: it cannot be understood, or has too much.
        OSError: it cannot be read.
    """
    try:
        meta = _meta(file)
        return None if meta is None else _items(dict(_boxes(meta[4:])), meta[4:])
    except (IndexError, ValueError) as error:
        raise BrokenHeifError("its index cannot be read") from error


def item_bytes(file: BinaryIO, found: HeifItems, item: Item, most: int) -> bytes:
    """Read the bytes of an item, at most so many.

    Raises:
        BrokenHeifError: it has more, or not all of them are there.
        OSError: the file cannot be read.
    """
    data = bytearray()
    for start, length in item.extents:
        if length + len(data) > most:
            raise BrokenHeifError("a part of it is too large")
        if item.is_in_index:
            part = found.index_data[start : start + length] if length else found.index_data[start:]
        else:
            file.seek(start)
            part = file.read(length or most - len(data))
        if len(part) < length:
            raise BrokenHeifError("it is cut short")
        data += part
    return bytes(data)


def _meta(file: BinaryIO) -> bytes | None:
    size, at = file.seek(0, 2), 0
    while at + 8 <= size:
        name, body, until = read_box(file, at, size)
        if until < body:
            raise BrokenHeifError("its boxes do not fit into each other")
        if name == b"meta":
            if until - at > MAX_META_BYTES:
                raise BrokenHeifError(f"its index has more than {MAX_META_BYTES // 1024**2} MiB")
            file.seek(body)
            content = file.read(until - body)
            if len(content) < until - body:
                raise BrokenHeifError("it is cut short")
            return content
        at = until
    return None


def _boxes(content: bytes) -> Iterator[Box]:
    at = 0
    while at + 8 <= len(content):
        name, start, length = box_header(content[at : at + 16], len(content) - at)
        if length < start or at + length > len(content):
            raise BrokenHeifError("its boxes do not fit into each other")
        yield name, content[at + start : at + length]
        at += length


class _Reader:
    """Reads big-endian numbers, one after the other."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def number(self, size: int) -> int:
        if self.at + size > len(self.content):
            raise BrokenHeifError("its index is cut short")
        self.at += size
        return int.from_bytes(self.content[self.at - size : self.at])


def _items(boxes: Mapping[bytes, bytes], meta: bytes) -> HeifItems:
    pitm = _Reader(boxes.get(b"pitm", b""))
    version = pitm.number(4) >> 24
    primary = pitm.number(4 if version else 2)
    items: dict[int, Item] = {}
    _read_kinds(boxes.get(b"iinf", b""), items)
    _read_places(boxes.get(b"iloc", b""), items)
    for name, content in _boxes(meta):
        if name == b"iref":
            _read_references(content, items)
        elif name == b"iprp":
            _read_properties(content, items)
    if primary not in items:
        raise BrokenHeifError("it names no picture")
    return HeifItems(items, primary, boxes.get(b"idat", b""))


def _read_kinds(iinf: bytes, items: dict[int, Item]) -> None:
    reader = _Reader(iinf)
    reader.number(4 if reader.number(4) >> 24 else 2)
    for name, content in _boxes(iinf[reader.at :]):
        if name == b"infe" and content[0] in {2, 3}:
            entry = _Reader(content[4:])
            number = entry.number(2 if content[0] == 2 else 4)  # noqa: PLR2004 - the version
            entry.number(2)
            items[number] = Item(content[4 + entry.at : 8 + entry.at])
        if len(items) > MAX_ITEMS:
            raise BrokenHeifError(f"it has more than {MAX_ITEMS:,} parts")


def _read_places(iloc: bytes, items: dict[int, Item]) -> None:
    reader = _Reader(iloc)
    version = reader.number(4) >> 24
    sizes = reader.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide, stretches = 4 if version == 2 else 2, 0  # noqa: PLR2004 - the version
    for _ in range(reader.number(wide)):
        number = reader.number(wide)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)
        start = reader.number(base)
        extents = []
        count = reader.number(2)
        stretches += count
        if stretches > MAX_ITEMS:
            raise BrokenHeifError(f"it has more than {MAX_ITEMS:,} parts")
        for _ in range(count):
            if version:
                reader.number(index)
            extents.append((start + reader.number(offset), reader.number(length)))
        if number in items and method <= 1:
            items[number].extents, items[number].is_in_index = extents, method == 1


def _read_references(iref: bytes, items: dict[int, Item]) -> None:
    wide = 4 if iref[0] else 2
    for name, content in _boxes(iref[4:]):
        reader = _Reader(content)
        number = reader.number(wide)
        named = [reader.number(wide) for _ in range(reader.number(2))]
        if number in items:
            items[number].references.setdefault(name, []).extend(named)


def _read_properties(iprp: bytes, items: dict[int, Item]) -> None:
    properties: list[Box] = []
    for name, content in _boxes(iprp):
        if name == b"ipco":
            properties = list(_boxes(content))
    for name, content in _boxes(iprp):
        if name != b"ipma":
            continue
        reader = _Reader(content)
        flags = reader.number(4)
        wide, bits = (4 if flags >> 24 else 2), (15 if flags & 1 else 7)
        for _ in range(reader.number(4)):
            number = reader.number(wide)
            for _ in range(reader.number(1)):
                place = reader.number((bits + 1) // 8) & (1 << bits) - 1
                if number in items and 0 < place <= len(properties):
                    items[number].properties.append(properties[place - 1])
