"""Decodes TIFFs a strip or a row of tiles at a time, and of any depth: 10, 12, 14 or 32 bits, and floating point.

Pillow decodes a whole picture, and knows a few depths. But what a strip is packed by does not depend on what its bytes
mean: so each is given to Pillow's decoders as a picture of its own, of one byte a pixel, and taken apart here.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from videojob_worker.media.pictures import tiff_layout as tiff
from videojob_worker.media.pictures.decoding_memory import STRIP_BYTES
from videojob_worker.media.pictures.tiff_layout import BrokenTiffError, Tags, TiffLayout, written_tiff
from videojob_worker.pixels.upright import reduced

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_STRIP_BYTES: Final = 64 * 1024**2
"""Largest strip or row of tiles, unpacked."""

_NONE: Final = 1
_BYTEWISE: Final = frozenset((_NONE, 5, 8, 32773, 32946))
"""Compressions of bytes, whatever they mean: none, LZW, deflate by two numbers, PackBits."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK = 0, 1, 2, 3, 5
_COLORS: Final = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4}
"""Samples of a pixel that are colours, by `PhotometricInterpretation`."""
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3
_UNSIGNED, _SIGNED, _FLOAT, _UNSAID = 1, 2, 3, 4
_DEPTHS: Final = {_UNSIGNED: (*range(1, 17), 24, 32), _FLOAT: (16, 32, 64), _UNSAID: (*range(1, 17), 24, 32)}
_PILLOWS: Final = frozenset((1, 2, 4, 8, 16))
_MULTIPLIED, _SEPARATE = 1, 2
_MODES: Final = {1: "L", 3: "RGB", 4: "CMYK"}

Numbers = npt.NDArray[Any]
"""Of any type."""
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TiffStrips:
    """How a TIFF is decoded in strips."""

    layout: TiffLayout
    colors: int
    """Samples of a pixel that are colours."""
    opacity: int | None
    """What its further sample is, if that is opacity: `ExtraSamples` of it."""

    @property
    def is_unusual(self) -> bool:
        """Whether its numbers are of a kind that Pillow does not read, or takes for others."""
        depth = self.layout.bits[0]
        is_in_planes = self.layout.one(tiff.PLANAR, 1) == _SEPARATE
        return depth not in _PILLOWS or self.is_float or (is_in_planes and depth not in {1, 8})

    @property
    def is_float(self) -> bool:
        """Whether its numbers are of floating point, of which nothing tells what is white."""
        return self.layout.one(tiff.FORMAT, _UNSIGNED) == _FLOAT

    @property
    def part(self) -> tuple[int, int]:
        """Width and height of a strip or tile."""
        width, height = self.layout.size
        if tiff.TILE_WIDTH in self.layout.tags:
            return self.layout.one(tiff.TILE_WIDTH), self.layout.one(tiff.TILE_HEIGHT)
        rows = min(height, self.layout.one(tiff.ROWS, height))
        if self.layout.one(tiff.COMPRESSION, _NONE) == _NONE:  # where a row begins is known
            rows = min(rows, max(1, STRIP_BYTES // self._row_bytes(width)))
        return width, rows

    @property
    def strip_bytes(self) -> int:
        """How large the numbers of a strip or a row of tiles are."""
        width, rows = self.part
        across = -(-self.layout.size[0] // max(1, width))
        return across * width * rows * self.layout.samples * max(1, self.layout.bits[0] // 8)

    @property
    def row_bytes(self) -> int:
        """How large the numbers of a row are."""
        return self.strip_bytes // self.part[1]

    def header(self) -> bytes:
        """Return a TIFF of the same size, colours and profile, of 8 bits and without pixels."""
        kept = (tiff.WIDTH, tiff.HEIGHT, tiff.PHOTOMETRIC, tiff.PROFILE)
        tags = {tag: self.layout.tags[tag] for tag in kept if self.layout.tags.get(tag)}
        if self.layout.one(tiff.PHOTOMETRIC) == _PALETTE:
            tags[tiff.PHOTOMETRIC] = (_RGB,)
        samples = self.colors + (self.opacity is not None)
        if self.opacity is not None:
            tags[tiff.EXTRA] = (_SEPARATE,)
        return written_tiff(
            {**tags, tiff.SAMPLES: (samples,), tiff.BITS: (8,) * samples, tiff.COMPRESSION: (_NONE,)}, b""
        )

    def decode(self, file: BinaryIO, factor: int) -> tuple[Image.Image, int]:
        """Return the picture smaller by a whole factor, in mode RGB, RGBA, L or CMYK, and how many rows are there."""
        width, height = self.layout.size
        whole: Image.Image | None = None
        left: Image.Image | None = None
        top = 0
        for values in self._bands(file):
            strip = self._shown(values)
            if left is not None:
                strip = _stacked(left, strip)
            rows = strip.height if top + strip.height >= height else strip.height // factor * factor
            left = strip.crop((0, rows, width, strip.height)) if rows < strip.height else None
            if rows:
                small = reduced(strip.crop((0, 0, width, rows)), factor)
                whole = whole or Image.new(small.mode, (-(-width // factor), -(-height // factor)))
                whole.paste(small, (0, top // factor))
                top += rows
        return whole or Image.new("RGB", (-(-width // factor), -(-height // factor))), top

    @property
    def _is_separate(self) -> bool:
        return self.layout.one(tiff.PLANAR, 1) == _SEPARATE and self.layout.samples > 1

    def _row_bytes(self, width: int) -> int:
        samples = 1 if self._is_separate else self.layout.samples
        return (width * samples * self.layout.bits[0] + 7) // 8

    def _bands(self, file: BinaryIO) -> Iterator[Numbers]:
        """Yield `(rows, width, samples)`, whole rows from the top on, down to where one cannot be unpacked."""
        (width, height), (part_width, part_height) = self.layout.size, self.part
        across, down = -(-width // part_width), -(-height // part_height)
        planes = self.layout.samples if self._is_separate else 1
        for row in range(down):
            rows = min(part_height, height - row * part_height)
            try:
                parts = [
                    self._samples(self._unpacked(file, (plane * down + row) * across + column, rows))
                    for plane in range(planes)
                    for column in range(across)
                ]
            except (OSError, ValueError, BrokenTiffError):
                return
            lines = [
                np.concatenate(parts[at : at + across], axis=1)[:rows, :width] for at in range(0, len(parts), across)
            ]
            yield np.concatenate(lines, axis=2)

    def _unpacked(self, file: BinaryIO, number: int, rows: int) -> Bytes:
        """Return the bytes of a strip or tile, `(rows, bytes of a row)`."""
        width, part_rows = self.part
        is_tiled = tiff.TILE_WIDTH in self.layout.tags
        rows, row_bytes = part_rows if is_tiled else rows, self._row_bytes(width)
        compression = self.layout.one(tiff.COMPRESSION, _NONE)
        start, size = self._place(number, rows * row_bytes)
        file.seek(start)
        packed = file.read(size)
        if compression == _NONE:
            return np.frombuffer(packed, np.uint8).reshape(rows, row_bytes)
        tags: Tags = {tiff.WIDTH: (row_bytes,), tiff.HEIGHT: (rows,), tiff.BITS: (8,), tiff.COMPRESSION: (compression,)}
        tags |= {tiff.PHOTOMETRIC: (_BLACK_IS_ZERO,), tiff.SAMPLES: (1,), tiff.ROWS: (rows,)}
        if tiff.FILL_ORDER in self.layout.tags:
            tags[tiff.FILL_ORDER] = self.layout.tags[tiff.FILL_ORDER]
        with Image.open(BytesIO(written_tiff(tags, packed)), formats=["TIFF"]) as strip:
            return np.asarray(strip)

    def _place(self, number: int, size: int) -> tuple[int, int]:
        """Return where a part is in the file, and how many bytes of it are read."""
        tags = self.layout.tags
        offsets = tags.get(tiff.TILE_OFFSETS) or tags.get(tiff.OFFSETS, ())
        if self.layout.one(tiff.COMPRESSION, _NONE) != _NONE:
            sizes = tags.get(tiff.TILE_SIZES) or tags.get(tiff.SIZES, ())
            if number >= min(len(offsets), len(sizes)):
                raise BrokenTiffError("it has fewer strips than it should")
            # Twice is more than any of these makes of what cannot be packed.
            return offsets[number], min(sizes[number], 2 * size + 1024)
        if tiff.TILE_WIDTH in tags:
            return offsets[number], size
        width, rows = self.part
        stored, height = self.layout.one(tiff.ROWS, self.layout.size[1]), self.layout.size[1]
        plane, number = divmod(number, -(-height // rows))
        strip, row = divmod(number * rows, min(stored, height))
        at = plane * -(-height // min(stored, height)) + strip
        if at >= len(offsets):
            raise BrokenTiffError("it has fewer strips than it should")
        return offsets[at] + row * self._row_bytes(width), size

    def _samples(self, rows: Bytes) -> Numbers:
        """Take bytes apart into numbers, `(rows, width, samples)`."""
        samples = 1 if self._is_separate else self.layout.samples
        width, depth = self.part[0], self.layout.bits[0]
        predictor = self.layout.one(tiff.PREDICTOR, 1)
        order = self.layout.order
        if predictor == _FLOAT_DIFFERENCES:
            rows, order = _float_bytes(rows, samples, depth // 8), ">"
        values = _numbers(rows, depth, order)[:, : width * samples].reshape(len(rows), width, samples)
        if predictor == _DIFFERENCES:
            values = np.cumsum(values, axis=1, dtype=values.dtype)
            if depth not in {8, 16, 32}:
                values &= (1 << depth) - 1
        return values.view(f"f{depth // 8}") if self.is_float else values

    def _shown(self, values: Numbers) -> Image.Image:
        """Return rows in mode RGB, RGBA, L or CMYK."""
        depth, photometric = self.layout.bits[0], self.layout.one(tiff.PHOTOMETRIC, _BLACK_IS_ZERO)
        if photometric == _PALETTE:
            palette = np.array(self.layout.tags[tiff.PALETTE], np.uint32).reshape(3, -1).T
            return Image.fromarray((palette[values[..., 0].astype(np.intp)] >> 8).astype(np.uint8))
        shown = values[..., : self.colors + (self.opacity is not None)]
        most = 1.0 if self.is_float else float((1 << depth) - 1)
        eight = _to_8_bits(shown, most)
        colors, opacity = eight[..., : self.colors], eight[..., self.colors :]
        if photometric == _WHITE_IS_ZERO:
            colors = 255 - colors
        image = Image.fromarray(
            np.ascontiguousarray(colors.squeeze(2) if self.colors == 1 else colors), _MODES[self.colors]
        )
        if self.opacity is None or self.colors == 4:  # noqa: PLR2004 - inks
            return image
        image = image.convert("RGB")
        image.putalpha(Image.fromarray(np.ascontiguousarray(opacity[..., 0])))
        if self.opacity == _MULTIPLIED:
            image = Image.frombytes("RGBa", image.size, image.tobytes()).convert("RGBA")
        return image


def tiff_strips(layout: TiffLayout) -> TiffStrips | None:
    """Return how a TIFF is decoded in strips; None where it cannot be."""
    bits, photometric = layout.bits, layout.one(tiff.PHOTOMETRIC, _BLACK_IS_ZERO)
    kind, colors = layout.one(tiff.FORMAT, _UNSIGNED), _COLORS.get(photometric, 0)
    depths = _PILLOWS if photometric == _PALETTE else _DEPTHS.get(kind, ())
    found = TiffStrips(layout, colors, _opacity(layout, colors))
    is_read = (
        all(layout.size)
        and colors
        and colors <= layout.samples <= colors + 4
        and len(set(bits)) == 1
        and len(bits) == layout.samples
        and len(set(layout.tags.get(tiff.FORMAT, (kind,)))) == 1
        and bits[0] in depths
        and layout.one(tiff.COMPRESSION, _NONE) in _BYTEWISE
        and layout.one(tiff.PREDICTOR, 1) in {1, _DIFFERENCES, _FLOAT_DIFFERENCES}
        and layout.one(tiff.FILL_ORDER, 1) == 1
        and (photometric != _PALETTE or len(layout.tags.get(tiff.PALETTE, ())) == 3 << bits[0])
        and min(found.part) > 0
        and found.strip_bytes <= MAX_STRIP_BYTES
    )
    return found if is_read else None


def _opacity(layout: TiffLayout, colors: int) -> int | None:
    """Return what the first further sample is, if it is opacity; where nothing tells, that is what it is."""
    if layout.samples == colors:
        return None
    told = layout.tags.get(tiff.EXTRA)
    kind = _SEPARATE if not told else told[0]
    return kind if kind in {_MULTIPLIED, _SEPARATE} else None


def _numbers(rows: Bytes, depth: int, order: str) -> Numbers:
    """Read numbers of `depth` bits, those of whole bytes in an order."""
    rows = np.ascontiguousarray(rows)
    if depth in {8, 16, 32, 64}:
        return (
            rows[:, : rows.shape[1] // (depth // 8) * (depth // 8)]
            .view(f"{order}u{depth // 8}")
            .astype(f"u{depth // 8}")
        )
    if depth == 1:
        return np.unpackbits(rows, axis=1)
    if depth == 24:  # noqa: PLR2004 - three bytes
        parts = rows[:, : rows.shape[1] // 3 * 3].reshape(len(rows), -1, 3).astype(np.uint32)
        low, middle, high = (parts[..., at] for at in ((0, 1, 2) if order == "<" else (2, 1, 0)))
        return low | middle << 8 | high << 16
    bits = np.unpackbits(rows, axis=1)
    bits = bits[:, : bits.shape[1] // depth * depth].reshape(len(rows), -1, depth)
    return bits @ (1 << np.arange(depth - 1, -1, -1, dtype=np.uint32))


def _float_bytes(rows: Bytes, samples: int, size: int) -> Bytes:
    """Undo the predictor of floating point (Adobe's TIFF Technical Note 3): the bytes of numbers, highest first."""
    values = rows.reshape(len(rows), -1, samples)
    summed = np.cumsum(values, axis=1, dtype=np.uint8).reshape(len(rows), size, -1)
    return np.ascontiguousarray(summed.transpose(0, 2, 1)).reshape(len(rows), -1)


def _to_8_bits(values: Numbers, most: float) -> Bytes:
    if 1 < most < 1 << 16:
        table = (np.arange(int(most) + 1) * 255 / most).round().astype(np.uint8)
        return np.asarray(table[values])
    scaled = values.astype(np.float32)
    scaled *= 255 / most
    np.nan_to_num(scaled, copy=False, nan=0, posinf=255, neginf=0)
    np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled)
    return np.asarray(scaled.astype(np.uint8))


def _stacked(above: Image.Image, below: Image.Image) -> Image.Image:
    both = Image.new(below.mode, (below.width, above.height + below.height))
    both.paste(above, (0, 0))
    both.paste(below, (0, above.height))
    return both
