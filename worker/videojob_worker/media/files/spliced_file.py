"""A file that is read as parts of another, and bytes between them: what a decoder need not see is left out."""

from __future__ import annotations

from bisect import bisect_right
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, RawIOBase
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from _typeshed import WriteableBuffer

Part = range | bytes
"""Bytes of the other file from one place up to another, or bytes by themselves."""


def joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Join parts of the file that follow each other, and leave out empty ones."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else b""
        if isinstance(part, range) and isinstance(last, range) and last.stop == part.start:
            found[-1] = range(last.start, part.stop)
        elif part:
            found.append(part)
    return tuple(found)


def open_spliced(path: Path, parts: Sequence[Part]) -> BufferedReader:
    """Open the parts of a file as one, for one thread.

    Raises:
        OSError: the file cannot be read.
    """
    return BufferedReader(_SplicedFile(path, parts))


class _SplicedFile(RawIOBase):
    """The parts of a file, one behind the other.

    Raises:
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path, parts: Sequence[Part]) -> None:
        self._file = path.open("rb")
        self._parts = joined(parts)
        self._starts = [0, *accumulate(map(len, self._parts))]
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a place, and return it."""
        base = {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what one part has, and return how many bytes that was; 0 at the end."""
        view = memoryview(buffer).cast("B")
        place = bisect_right(self._starts, self._at) - 1
        if place >= len(self._parts):
            return 0
        part, skipped = self._parts[place], self._at - self._starts[place]
        wanted = part[skipped : skipped + len(view)]
        if isinstance(wanted, range):
            self._file.seek(wanted.start)
            wanted = self._file.read(len(wanted))
        view[: len(wanted)] = wanted
        self._at += len(wanted)
        return len(wanted)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
