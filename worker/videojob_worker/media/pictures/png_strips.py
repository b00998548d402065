"""Decodes a PNG that is not interlaced a strip of rows at a time, made smaller on the way, so that it may be large.

A row needs the one before it alone (PNG, third edition, 9.2). So each strip is given to Pillow's decoder as a picture
of its own, behind the last row of the strip before; for that it is unpacked here, and packed again as it is.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from PIL import Image

from videojob_worker.media.pictures.decoding_memory import STRIP_BYTES
from videojob_worker.media.pictures.png_layout import packed_pixels
from videojob_worker.pixels.upright import reduced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import ImageFile

# Where the header says so (11.2.1).
_BITS, _COLOR, _INTERLACED = 24, 25, 28
_DEEP: Final = 16
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of a pixel, by colour type."""
_DEEP_MODES: Final = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}
"""Of a picture of 16 bits whose lower 8 are left out."""


@dataclass(frozen=True, slots=True)
class PngStrips:
    """How a PNG is decoded in strips."""

    header: ImageFile.ImageFile
    """Of which Pillow has read what is before the pixels."""
    bits: int
    """Of a sample."""
    color: int
    """Its colour type."""

    @property
    def row_bytes(self) -> int:
        """How long a row is as it is filtered: behind the number of its filter."""
        return 1 + (self.header.width * _SAMPLES[self.color] * self.bits + 7) // 8

    def rows(self, factor: int) -> int:
        """Return how many rows a strip has that is made smaller by a factor."""
        return max(1, STRIP_BYTES // (self.row_bytes * factor)) * factor

    def decode(self, file: BinaryIO, factor: int) -> tuple[Image.Image, int]:
        """Return the picture smaller by a whole factor, in mode RGB, RGBA or L, and how many rows are there."""
        size = -(-self.header.width // factor), -(-self.header.height // factor)
        whole: Image.Image | None = None
        before, top = b"", 0
        for rows in self._unpacked(file, self.rows(factor)):
            strip, before = self._strip(before, rows)
            small = reduced(strip, factor)
            whole = whole or Image.new(small.mode, size)
            whole.paste(small, (0, top // factor))
            top += strip.height
        return whole or Image.new("RGB", size), top

    def _unpacked(self, file: BinaryIO, rows: int) -> Iterator[bytes]:
        """Yield so many rows at a time, down to where it breaks off."""
        left, found = self.row_bytes * self.header.height, bytearray()
        unpacker = zlib.decompressobj()
        for block in packed_pixels(file):
            packed = block
            while packed and left:
                wanted = min(self.row_bytes * rows, left)
                try:
                    found += unpacker.decompress(packed, wanted - len(found))
                except zlib.error:
                    left = 0
                    break
                packed = unpacker.unconsumed_tail
                if len(found) == wanted:
                    yield bytes(found)
                    found.clear()
                    left -= wanted
            if not left:
                break
        if whole := len(found) // self.row_bytes * self.row_bytes:
            yield bytes(found[:whole])

    def _strip(self, before: bytes, rows: bytes) -> tuple[Image.Image, bytes]:
        """Decode rows behind the one before them; return them, and the last as the next strip needs it."""
        values = np.frombuffer(rows, np.uint8).reshape(-1, self.row_bytes)
        if self.bits < 8:  # noqa: PLR2004 - pixels share bytes, and bytes are what is filtered
            pixels, before = _unfiltered("L", before, values)
            unfiltered = np.zeros_like(values)
            unfiltered[:, 1:] = np.asarray(pixels)
            size = self.header.width, len(values)
            strip = _decoded(self.header.mode, size, unfiltered.tobytes(), str(self.header.tile[0].args))
        elif self.bits == _DEEP:  # what a byte is filtered by is in the same place of other pixels
            higher = np.concatenate((values[:, :1], values[:, 1::2]), axis=1)
            strip, before = _unfiltered(_DEEP_MODES[self.color], before, higher)
        else:
            strip, before = _unfiltered(self.header.mode, before, values)
        if self.header.palette is not None:
            strip.palette = self.header.palette.copy()
        if "transparency" in self.header.info:
            strip.info["transparency"] = self.header.info["transparency"]
        return strip, before


def png_strips(file: BinaryIO, header: ImageFile.ImageFile) -> PngStrips | None:
    """Return how a PNG is decoded in strips; None where it cannot be."""
    file.seek(0)
    head = file.read(_INTERLACED + 1)
    # A colour of 16 bits that is not seen needs all of them.
    is_keyed = head[_BITS] == _DEEP and "transparency" in header.info
    return None if head[_INTERLACED] or is_keyed else PngStrips(header, head[_BITS], head[_COLOR])


def _unfiltered(mode: str, before: bytes, rows: np.ndarray) -> tuple[Image.Image, bytes]:
    """Decode rows, `(n, 1 + bytes) uint8`, of 8 bits a sample; return them, and the bytes of the last."""
    width = (rows.shape[1] - 1) // Image.getmodebands(mode)
    above = b"\0" + before if before else b""
    image = _decoded(mode, (width, len(rows) + bool(before)), above + rows.tobytes(), mode)
    bottom = image.crop((0, image.height - 1, width, image.height)).tobytes()
    return image.crop((0, 1, width, image.height)) if before else image, bottom


def _decoded(mode: str, size: tuple[int, int], rows: bytes, raw_mode: str) -> Image.Image:
    return Image.frombytes(mode, size, zlib.compress(rows, 0), "zip", raw_mode)
