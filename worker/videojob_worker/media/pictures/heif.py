"""Finds the still picture of a HEIF file, HEIC or AVIF, and puts it together: its tiles, its opacity, and which way up.

Which way up they are is told by their own properties, and not by EXIF (ISO/IEC 23008-12, 6.5.10 and 6.5.12).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, BinaryIO, Final

from PIL import Image, ImageChops

from videojob_worker.media.files.boxes import CLEAN_APERTURE_BYTES, aperture
from videojob_worker.media.pictures.heif_items import BrokenHeifError, HeifItems, Item, item_bytes, read_heif_items
from videojob_worker.media.pictures.heif_tiles import CONFIGURATIONS, TileDecoder, Tiles, item_size

if TYPE_CHECKING:
    from videojob_worker.pixels.coded_colors import CodedColors

MAX_TILES: Final = 4096
"""Most tiles of a picture."""

_OPACITY: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_TURNS: Final = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_STRIP_PIXELS: Final = 500_000
_FLIPS: Final = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)


@dataclass(frozen=True, slots=True)
class Heif:
    """The still picture that a HEIF file names as its own."""

    found: HeifItems
    tiles: Tiles
    opacity: Tiles | None
    is_multiplied: bool
    """Whether its colours are multiplied by its opacity."""
    turns: tuple[Image.Transpose, ...]
    """What makes it upright, in order."""
    crop: tuple[int, int, int, int] | None
    """Left, top, right and bottom edge of what is shown, before it is turned."""
    code_points: tuple[int, int, int, bool] | None
    """Primaries, transfer, matrix (Rec. ITU-T H.273) and whether the range is full; of None, its frames tell."""
    profile: bytes

    @property
    def largest(self) -> tuple[int, int]:
        """Width and height of the largest that is decoded or put together: the picture, a tile, its opacity."""
        sizes = [size for part in (self.tiles, self.opacity) if part for size in (part.size, part.tile)]
        return max(sizes, key=prod)

    @property
    def is_sideways(self) -> bool:
        """Whether width and height change places."""
        return sum(turn in {Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270} for turn in self.turns) % 2 == 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as it is shown."""
        width, height = self.tiles.size
        if self.crop is not None:
            width, height = self.crop[2] - self.crop[0], self.crop[3] - self.crop[1]
        return (height, width) if self.is_sideways else (width, height)

    def decode(self, file: BinaryIO, at_least: tuple[int, int]) -> tuple[Image.Image, CodedColors | None]:
        """Return it upright in RGB or RGBA, no smaller than twice `at_least`, and what its numbers mean.

        Raises:
            BrokenHeifError: it cannot be decoded.
            av.error.FFmpegError: likewise.
        """
        wanted = at_least[::-1] if self.is_sideways else at_least
        factor = self.tiles.factor(wanted)
        decoder = TileDecoder(file, self.found, self.code_points)
        image = decoder.assembled(self.tiles, factor)
        if self.opacity is not None:
            smaller = self.opacity.factor((image.width // 2, image.height // 2))
            opacity = TileDecoder(file, self.found, None).assembled(self.opacity, smaller).getchannel(0)
            if opacity.size != image.size:
                opacity = opacity.resize(image.size, Image.Resampling.BOX)
            image = _with_opacity(image, opacity, is_multiplied=self.is_multiplied)
        if self.crop is not None:
            left, top, right, bottom = (edge // factor for edge in self.crop)
            image = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        for turn in self.turns:
            image = image.transpose(turn)
        return image, decoder.colors


def open_heif(file: BinaryIO) -> Heif | None:
    """Read the index of a HEIF file, and find its picture; None where there is a sequence alone.

    Raises:
        BrokenHeifError: it cannot be understood, or is of a kind that is not read.
        OSError: the file cannot be read.
    """
    found = read_heif_items(file)
    if found is None:
        return None
    primary = found.items[found.primary]
    tiles = _tiles(file, found, primary)
    turns, crop = _shown(primary, tiles.size)
    opacity = next(
        (
            item
            for number, item in found.items.items()
            if found.primary in item.references.get(b"auxl", ()) and _is_opacity(item) and number != found.primary
        ),
        None,
    )
    colors = [content for kind, content in [*primary.properties, *tiles.items[0].properties] if kind == b"colr"]
    return Heif(
        found=found,
        tiles=tiles,
        opacity=None if opacity is None else _tiles(file, found, opacity),
        is_multiplied=b"prem" in primary.references,
        turns=turns,
        crop=crop,
        code_points=next((_code_points(content) for content in colors if content[:4] == b"nclx"), None),
        profile=next((content[4:] for content in colors if content[:4] in {b"prof", b"rICC"}), b""),
    )


def _code_points(nclx: bytes) -> tuple[int, int, int, bool]:
    if len(nclx) < 11:  # noqa: PLR2004 - three numbers and a flag behind its name
        raise BrokenHeifError("its index is cut short")
    primaries, transfer, matrix = (int.from_bytes(nclx[at : at + 2]) for at in (4, 6, 8))
    return primaries, transfer, matrix, bool(nclx[10] & 0x80)


def _is_opacity(item: Item) -> bool:
    return (item.property(b"auxC") or b"")[4:].split(b"\0")[0] in _OPACITY


def _tiles(file: BinaryIO, found: HeifItems, item: Item) -> Tiles:
    named = [found.items[number] for number in item.references.get(b"dimg", ()) if number in found.items]
    if item.kind in CONFIGURATIONS:
        return Tiles([item], 1, item_size(item), *item_size(item))
    if item.kind != b"grid":
        raise BrokenHeifError(f"it is coded as {item.kind.decode('ascii', 'replace')!r}, which is not read")
    grid = item_bytes(file, found, item, 12)
    rows, columns, wide = grid[2] + 1, grid[3] + 1, 4 if grid[1] & 1 else 2
    width, height = int.from_bytes(grid[4 : 4 + wide]), int.from_bytes(grid[4 + wide : 4 + 2 * wide])
    # Each tile is named once (ISO/IEC 14496-12, 8.11.12.1).
    if not rows * columns == len(named) == len(set(map(id, named))) <= MAX_TILES or not width or not height:
        raise BrokenHeifError(f"it is a grid of {rows} by {columns} tiles, and names {len(set(map(id, named)))}")
    if any(tile.kind not in CONFIGURATIONS for tile in named):
        raise BrokenHeifError("a tile of it is coded in a way that is not read")
    across, down = item_size(named[0])
    if any(item_size(tile) != (across, down) for tile in named) or across * columns < width or down * rows < height:
        raise BrokenHeifError("its tiles do not cover it")
    return Tiles(named, columns, (across, down), width, height)


def _shown(item: Item, size: tuple[int, int]) -> tuple[tuple[Image.Transpose, ...], tuple[int, int, int, int] | None]:
    turns: list[Image.Transpose] = []
    crop = None
    for name, content in item.properties:
        if name == b"irot" and content and (turn := _TURNS[content[0] & 3]) is not None:
            turns.append(turn)
        elif name == b"imir" and content:
            turns.append(_FLIPS[content[0] & 1])
        elif name == b"clap" and len(content) == CLEAN_APERTURE_BYTES and not turns:
            crop = _aperture(content, size)
    return tuple(turns), crop


def _aperture(clap: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the edges of a clean aperture; None where it is not within the picture."""
    found = aperture(clap, size)
    if found is None:
        return None
    width, height, left, top = found
    edges = round(left), round(top), round(left + width), round(top + height)
    is_within = 0 <= edges[0] < edges[2] <= size[0] and 0 <= edges[1] < edges[3] <= size[1]
    return edges if is_within and edges != (0, 0, *size) else None


def _with_opacity(image: Image.Image, opacity: Image.Image, *, is_multiplied: bool) -> Image.Image:
    image.putalpha(opacity)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height if is_multiplied else 0, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows)))
        # Colours above their opacity would swing over.
        channels = [ImageChops.darker(channel, strip.getchannel("A")) for channel in strip.split()]
        image.paste(Image.merge("RGBa", channels).convert("RGBA"), (0, top))
    return image
