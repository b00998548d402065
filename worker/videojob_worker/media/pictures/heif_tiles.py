"""Decodes the tiles of a picture in a HEIF file by libav's decoders, one at a time, made smaller on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from av.codec import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from videojob_worker.media.files.decoders import FOR_STILLS
from videojob_worker.media.pictures.heif_items import BrokenHeifError, HeifItems, Item, item_bytes
from videojob_worker.pixels.coded_colors import CodedColors
from videojob_worker.pixels.still_frames import StillConverter, is_known_matrix
from videojob_worker.pixels.upright import reduction

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

MAX_CODED_BYTES: Final = 256 * 1024**2
"""Largest coded picture or tile."""
CONFIGURATIONS: Final = {b"hvc1": b"hvcC", b"av01": b"av1C"}
"""The kinds of items that are decoded, and in which property their decoder's settings stand."""

_FULL: Final = 2
_SAMPLES: Final = (1, 1.5, 2, 3)
"""Of a pixel, by `chroma_format_idc` (Rec. ITU-T H.265, table 6-1)."""
_UNSAID: Final = b"\x43"
"""Where settings are cut short: chroma of full size and more than 8 bits, in either kind."""
_FILLED_UP: Final = 128
"""Pixels by which a tile is coded larger than it says at most, either way: whole blocks, and the least of encoders."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """The coded items of a picture, row by row, all of one size, and the size of the picture."""

    items: list[Item]
    columns: int
    tile: tuple[int, int]
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.width, self.height

    def factor(self, at_least: tuple[int, int]) -> int:
        """Return by what it is made smaller, never below twice `at_least`."""
        return reduction(self.size, at_least, self.tile)


def frame_bytes(item: Item) -> float:
    """Return what a pixel of the decoded item takes, as the settings of its decoder say."""
    told = (item.property(CONFIGURATIONS[item.kind]) or b"").ljust(18, _UNSAID)
    if item.kind == b"hvc1":
        return _SAMPLES[told[16] & 3] * (2 if told[17] & 7 else 1)
    is_grey, halves = told[2] >> 4 & 1, (told[2] >> 3 & 1) + (told[2] >> 2 & 1)
    return _SAMPLES[0 if is_grey else 3 - halves] * (2 if told[2] & 0x40 else 1)


def item_size(item: Item) -> tuple[int, int]:
    """Return the width and height that an item says it has.

    Raises:
        BrokenHeifError: it says none.
    """
    told = item.property(b"ispe") or b""
    width, height = int.from_bytes(told[4:8]), int.from_bytes(told[8:12])
    if not width or not height:
        raise BrokenHeifError("it does not tell its size")
    return width, height


class TileDecoder:
    """Decodes the tiles of one picture.

    Args:
        file: the HEIF file.
        found: what is in it.
        code_points: as in `Heif`.
    """

    def __init__(self, file: BinaryIO, found: HeifItems, code_points: tuple[int, int, int, bool] | None) -> None:
        self._file, self._found, self._code_points = file, found, code_points
        self._converter: StillConverter | None = None
        self.colors: CodedColors | None = None
        """What its numbers mean, when a tile is decoded."""

    def assembled(self, tiles: Tiles, factor: int) -> Image.Image:
        """Decode all tiles into one picture, smaller by a factor, RGB.

        Raises:
            BrokenHeifError: it cannot be decoded.
            av.error.FFmpegError: likewise.
        """
        if tiles.tile == tiles.size:
            return self._tile(tiles.items[0], factor)
        whole = Image.new("RGB", (-(-tiles.width // factor), -(-tiles.height // factor)))
        for place, tile in enumerate(tiles.items):
            row, column = divmod(place, tiles.columns)
            left, top = column * tiles.tile[0], row * tiles.tile[1]
            if left < tiles.width and top < tiles.height:
                whole.paste(self._tile(tile, factor), (left // factor, top // factor))
        return whole

    def _tile(self, item: Item, factor: int) -> Image.Image:
        # What H.265 crops counts for no limit of libav's: at first all that is coded is seen.
        frame = self._frame(item, is_cropped=False)
        if (frame.width, frame.height) != item_size(item):
            frame = self._frame(item, is_cropped=True)
        if (frame.width, frame.height) != item_size(item):
            raise BrokenHeifError(f"it is {frame.width}x{frame.height} pixels large, and says otherwise")
        if self._converter is None:
            self._converter = self._converter_for(frame)
        image = self._converter.to_rgb(frame)
        return image.reduce(factor) if factor > 1 else image

    def _frame(self, item: Item, *, is_cropped: bool) -> VideoFrame:
        # By a decoder of its own, which no other item has told anything.
        context = _context(item, is_cropped=is_cropped)
        packet = Packet(item_bytes(self._file, self._found, item, MAX_CODED_BYTES))
        try:
            frames = [*context.decode(packet), *context.decode(None)]
        except MemoryError as error:
            if context.coded_width * context.coded_height <= _most_pixels(item):
                raise
            size = f"{context.coded_width}x{context.coded_height}"
            raise BrokenHeifError(f"it is coded as {size} pixels, and says otherwise") from error
        if not frames or frames[0].is_corrupt:
            raise BrokenHeifError("a part of it cannot be decoded")
        return frames[0]

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
        return StillConverter(matrix, primaries, is_full=is_full or frame.format.name.startswith("yuvj"))


def _most_pixels(item: Item) -> int:
    width, height = item_size(item)
    return (width + _FILLED_UP) * (height + _FILLED_UP)


def _context(item: Item, *, is_cropped: bool) -> VideoCodecContext:
    context = CodecContext.create(FOR_STILLS[item.kind], "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101 - as its name says
    context.options = {"max_pixels": str(_most_pixels(item)), "flags2": "0" if is_cropped else "ignorecrop"}
    context.thread_count = 1
    if configuration := item.property(CONFIGURATIONS[item.kind]):
        context.extradata = configuration
    return context
