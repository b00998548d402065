"""Finds bytes in a file of any size, of which little is held."""

from collections.abc import Iterator
from typing import BinaryIO, Final

_BLOCK: Final = 64 * 1024


def find_bytes(file: BinaryIO, sought: bytes, start: int) -> Iterator[int]:
    """Yield where in a file some bytes are, from a position on; it may be moved about in between.

    Raises:
        OSError: it cannot be read.
    """
    at, before = start, b""
    while True:
        file.seek(at)
        block = file.read(_BLOCK)
        if not block:
            return
        data, origin = before + block, at - len(before)
        found = data.find(sought)
        while found >= 0:
            yield origin + found
            found = data.find(sought, found + 1)
        before = data[max(0, len(data) - len(sought) + 1) :]
        at += len(block)
