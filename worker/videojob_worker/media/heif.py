"""Decodes still pictures of HEIF files, HEIC and AVIF, by libav's decoders: a tile at a time, made smaller on the way.

Which way up they are is told by their own properties, and not by EXIF (ISO/IEC 23008-12, 6.5.10 and 6.5.12).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from av.codec import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from PIL import Image, ImageChops

from videojob_worker.media.boxes import CLEAN_APERTURE_BYTES, aperture
from videojob_worker.media.decoders import FOR_STILLS
from videojob_worker.media.heif_items import BrokenHeifError, HeifItems, Item, item_bytes, read_heif_items
from videojob_worker.pixels.coded_colors import CodedColors
from videojob_worker.pixels.still_frames import StillConverter, is_known_matrix
from videojob_worker.pixels.upright import reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.video.frame import VideoFrame

MAX_TILES: Final = 4096
"""Most tiles of a picture."""
MAX_CODED_BYTES: Final = 256 * 1024**2
"""Largest coded picture or tile."""

_CONFIGURATIONS: Final = {b"hvc1": b"hvcC", b"av01": b"av1C"}
_OPACITY: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_FULL: Final = 2
_TURNS: Final = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_FLIPS: Final = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)
# A large picture is made smaller by one of these, as far as its tiles can be divided by it.
_FACTORS: Final = (32, 16, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The coded items of a picture, row by row, and its size."""

    items: list[Item]
    columns: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Heif:
    """The still picture that a HEIF file names as its own."""

    found: HeifItems
    tiles: _Tiles
    opacity: _Tiles | None
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
    def stored(self) -> tuple[int, int]:
        """Width and height of all that is coded, before it is turned."""
        return self.tiles.width, self.tiles.height

    @property
    def is_sideways(self) -> bool:
        """Whether width and height change places."""
        return sum(turn in {Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270} for turn in self.turns) % 2 == 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as it is shown."""
        width, height = self.stored
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
        factor = self._factor(reduction(self.stored, wanted))
        decoder = _TileDecoder(file, self.found, self.code_points)
        image = decoder.assembled(self.tiles, factor)
        if self.opacity is not None:
            opacity = _TileDecoder(file, self.found, None).assembled(self.opacity, 1).getchannel(0)
            if opacity.size != image.size:
                opacity = opacity.resize(image.size, Image.Resampling.BOX)
            image = _with_opacity(image, opacity, is_multiplied=self.is_multiplied)
        if self.crop is not None:
            left, top, right, bottom = (edge // factor for edge in self.crop)
            image = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        for turn in self.turns:
            image = image.transpose(turn)
        return image, decoder.colors

    def _factor(self, most: int) -> int:
        if len(self.tiles.items) == 1:
            return most
        width, height = _size(self.tiles.items[0])
        return next((by for by in _FACTORS if by <= most and width % by == height % by == 0), 1)


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
    turns, crop = _shown(primary, (tiles.width, tiles.height))
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


def _size(item: Item) -> tuple[int, int]:
    told = item.property(b"ispe") or b""
    width, height = int.from_bytes(told[4:8]), int.from_bytes(told[8:12])
    if not width or not height:
        raise BrokenHeifError("it does not tell its size")
    return width, height


def _tiles(file: BinaryIO, found: HeifItems, item: Item) -> _Tiles:
    named = [found.items[number] for number in item.references.get(b"dimg", ()) if number in found.items]
    if item.kind in _CONFIGURATIONS:
        return _Tiles([item], 1, *_size(item))
    if item.kind != b"grid":
        raise BrokenHeifError(f"it is coded as {item.kind.decode('ascii', 'replace')!r}, which is not read")
    grid = item_bytes(file, found, item, 12)
    rows, columns, wide = grid[2] + 1, grid[3] + 1, 4 if grid[1] & 1 else 2
    width, height = int.from_bytes(grid[4 : 4 + wide]), int.from_bytes(grid[4 + wide : 4 + 2 * wide])
    # Each tile is named once (ISO/IEC 14496-12, 8.11.12.1).
    if not rows * columns == len(named) == len(set(map(id, named))) <= MAX_TILES or not width or not height:
        raise BrokenHeifError(f"it is a grid of {rows} by {columns} tiles, and names {len(set(map(id, named)))}")
    if any(tile.kind not in _CONFIGURATIONS for tile in named):
        raise BrokenHeifError("a tile of it is coded in a way that is not read")
    across, down = _size(named[0])
    if any(_size(tile) != (across, down) for tile in named) or across * columns < width or down * rows < height:
        raise BrokenHeifError("its tiles do not cover it")
    return _Tiles(named, columns, width, height)


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
    if is_multiplied:
        multiplied = Image.merge("RGBa", (*image.split(), opacity))
        # Colours above their opacity would swing over.
        channels = [ImageChops.darker(channel, opacity) for channel in multiplied.split()[:3]]
        return Image.merge("RGBa", (*channels, opacity)).convert("RGBA")
    image.putalpha(opacity)
    return image


class _TileDecoder:
    """Decodes the tiles of one picture."""

    def __init__(self, file: BinaryIO, found: HeifItems, code_points: tuple[int, int, int, bool] | None) -> None:
        self._file, self._found, self._code_points = file, found, code_points
        self._context: VideoCodecContext | None = None
        self._configuration = b""
        self._converter: StillConverter | None = None
        self.colors: CodedColors | None = None

    def assembled(self, tiles: _Tiles, factor: int) -> Image.Image:
        """Decode all tiles into one picture, smaller by a factor, RGB."""
        if len(tiles.items) == 1:
            return self._tile(tiles.items[0], factor)
        size = (-(-tiles.width // factor), -(-tiles.height // factor))
        whole = Image.new("RGB", size)
        for place, tile in enumerate(tiles.items):
            image = self._tile(tile, factor)
            row, column = divmod(place, tiles.columns)
            whole.paste(image, (column * image.width, row * image.height))
        return whole

    def _tile(self, item: Item, factor: int) -> Image.Image:
        frame = next(self._frames(item), None)
        if frame is None or frame.is_corrupt:
            raise BrokenHeifError("a part of it cannot be decoded")
        if (frame.width, frame.height) != _size(item):
            raise BrokenHeifError(f"it is {frame.width}x{frame.height} pixels large, and says otherwise")
        if self._converter is None:
            self._converter = self._converter_for(frame)
        image = self._converter.to_rgb(frame)
        return image.reduce(factor) if factor > 1 else image

    def _frames(self, item: Item) -> Iterator[VideoFrame]:
        configuration = item.property(_CONFIGURATIONS[item.kind]) or b""
        if self._context is None or configuration != self._configuration:
            self._context, self._configuration = _context(item, configuration), configuration
        yield from self._context.decode(Packet(item_bytes(self._file, self._found, item, MAX_CODED_BYTES)))
        yield from self._context.decode(None)
        self._context.flush_buffers()

    def _converter_for(self, frame: VideoFrame) -> StillConverter:
        told = (
            int(frame.color_primaries),
            int(frame.color_trc),
            int(frame.colorspace),
            int(frame.color_range) == _FULL,
        )
        primaries, transfer, matrix, is_full = self._code_points or told
        if not is_known_matrix(matrix) or (matrix == 0 and not frame.format.is_rgb and frame.format.name[:4] != "gray"):
            raise BrokenHeifError(f"its colours are coded by matrix {matrix} of H.273, which is not read")
        self.colors = CodedColors.of_code_points(primaries, transfer)
        return StillConverter(matrix, is_full=is_full or frame.format.name.startswith("yuvj"))


def _context(item: Item, configuration: bytes) -> VideoCodecContext:
    context = CodecContext.create(FOR_STILLS[item.kind], "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101 - as its name says
    width, height = _size(item)
    context.options = {"max_pixels": str(max(width, 64) * max(height, 64) * 2)}
    context.thread_count = 1
    if configuration:
        context.extradata = configuration
    return context
