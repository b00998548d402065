"""What decoding a picture takes of memory, as measured, and the turn that large ones wait for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from videojob_worker.pixels.upright import reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE_BYTES: Final = 128 * 1024**2
"""What takes more is decoded while no other is."""
MOST_DECODED_PIXELS: Final = 128_000_000
"""Largest picture that is decoded as it is."""
STRIP_BYTES: Final = 4 * 1024**2
"""Of the rows that are decoded at a time, of what is decoded in strips."""
RGBA_BYTES: Final = 4
"""Of a pixel of an image in RGB or RGBA."""

_STRIPS: Final = 7
"""What a strip is held as at a time: packed, unpacked, packed again, decoded, and in RGB."""
_BUFFER_BYTES: Final = 4 * 1024**2
"""Strips on their way, and what is read of the file."""
_DRAFTS: Final = (8, 4, 2, 1)
_turn = Lock()


@dataclass(frozen=True, slots=True)
class DecodingMemory:
    """What a picture's decoder takes."""

    width: int
    """As it is stored."""
    height: int
    decoded_bytes: float
    """Of a pixel that is decoded, with what its decoder holds of it."""
    stored_bytes: float = 0
    """Of a pixel of the file, however few are decoded: the coefficients of a progressive JPEG."""
    is_copied: bool = False
    """Whether it is brought to RGB by a copy."""
    is_sideways: bool = False
    """Whether width and height change places."""
    is_turned: bool = False
    """Whether it is turned or flipped, by a copy."""
    has_drafts: bool = False
    """Whether its decoder makes it smaller."""
    row_bytes: int = 0
    """Of one that is decoded in strips where it is made smaller: how long a row is; 0 of others."""
    strip_bytes: int = STRIP_BYTES
    """How large is what is decoded at a time there, if not a single row is larger."""
    only_strips: bool = False
    """Whether it is decoded in strips also where it stays as large as it is."""
    is_grey: bool = False
    """Of one that is decoded in strips: whether these are put together in grey."""
    tile: tuple[int, int] | None = None
    """Of one that is decoded a tile at a time: the size of these."""
    opacity: DecodingMemory | None = None
    """What decoding its opacity takes, where that is a picture of its own."""

    def draft(self, at_least: tuple[int, int]) -> int:
        """Return the factor by which the decoder makes it smaller."""
        wanted = self._stored(at_least)
        most = min(self.width // (2 * wanted[0]), self.height // (2 * wanted[1]))
        # What is larger than may be decoded is made smaller, whatever is wanted.
        most = max(most, 2 if self.width * self.height > MOST_DECODED_PIXELS else 1)
        return next((by for by in _DRAFTS if by <= most), 1) if self.has_drafts else 1

    def strips(self, at_least: tuple[int, int]) -> int:
        """Return the factor by which it is made smaller in strips; 1 where it is decoded as it is."""
        if not self.row_bytes:
            return 1
        size = self.width, self.height
        least = 2 if self.width * self.height > MOST_DECODED_PIXELS else 1
        return max(least, reduction(size, self._stored(at_least)))

    def bytes_for(self, at_least: tuple[int, int]) -> int:
        """Return the most that is held until `load_image` returns it for a size (width, height), in bytes."""
        if (by := self.strips(at_least)) > 1 or self.only_strips:
            pixels = -(-self.width // by) * -(-self.height // by)
            strips = _STRIPS * max(self.strip_bytes, self.row_bytes * by) + pixels * (1 if self.is_grey else RGBA_BYTES)
            return max(strips, pixels * ((1 + self.is_turned) * RGBA_BYTES + self.is_grey)) + _BUFFER_BYTES
        by = self.draft(at_least)
        size = -(-self.width // by), -(-self.height // by)
        pixels = size[0] * size[1]
        factor = reduction(size, self._stored(at_least), self.tile)
        image = pixels / factor**2 * RGBA_BYTES
        decoded = self.tile[0] * self.tile[1] if self.tile else pixels
        copies = (factor > 1 or self.is_copied) + self.is_turned
        stored = self.width * self.height * self.stored_bytes
        most = int(stored + decoded * self.decoded_bytes + copies * image) + _BUFFER_BYTES
        if self.opacity is None:
            return most
        return max(most, int(image) + self.opacity.bytes_for((size[0] // factor // 2, size[1] // factor // 2)))

    def _stored(self, at_least: tuple[int, int]) -> tuple[int, int]:
        width, height = at_least[::-1] if self.is_sideways else at_least
        return max(1, width), max(1, height)


@contextmanager
def memory_turn(size_bytes: int) -> Iterator[None]:
    """Wait, where something takes much memory for a moment, until nothing else does."""
    if size_bytes <= LARGE_BYTES:
        yield
        return
    with _turn:
        yield
