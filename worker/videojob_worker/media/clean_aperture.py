"""Which part of a video's frames its container wants shown: what PyAV does not tell.

Cameras code whole blocks, and formats have columns that were never meant to be seen. An MP4 says so by a clean aperture
(ISO/IEC 14496-12, 12.1.4.1), Matroska by what is to be cropped of each side (RFC 9559, 5.1.4.1.28.6). What a codec
itself crops is cropped by its decoder.
"""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

from videojob_worker.media.boxes import CLEAN_APERTURE_BYTES, aperture, box_at
from videojob_worker.media.container_limits import MAX_TRACKS, element_at
from videojob_worker.media.source import Source
from videojob_worker.pixels.frames import Crop

# What stands before the boxes inside of a table of sample entries, and of an entry of pictures (8.5.2, 12.1.3).
_TABLE_HEADER: Final = 8
_ENTRY_HEADER: Final = 78
# Identity of a track (8.3.2), in either version of its header.
_TRACK_ID_AT: Final = (12, 20)

_SEGMENT, _TRACKS, _TRACK, _TYPE, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0x83, 0xE0
_CROPS: Final = (0x54CC, 0x54BB, 0x54DD, 0x54AA)
"""Of the left, top, right and bottom."""
_MOST_PARTS: Final = 10_000


def clean_aperture(source: Source, kind: str, track: int, size: tuple[int, int]) -> Crop | None:
    """Return the part of a frame that is meant to be seen, to the nearest pixel; None for all of it.

    What no frame of that size has is a mistake of the file, and all of the frame is seen.

    Args:
        source: a container that is laid out as it should be.
        kind: of what kind it is, by `sniff`.
        track: the number of an MP4's track, or of a track of pictures among those of a Matroska file, from 0.
        size: width and height of a frame.

    Raises:
        OSError: it cannot be read.
    """
    with source.path.open("rb") as file:
        end = file.seek(0, 2)
        match kind:
            case "MP4":
                box = _of_mp4(file, end, track, size)
            case "Matroska":
                box = _of_matroska(file, end, track, size)
            case _:
                box = None
    if box is None:
        return None
    width, height, left, top = box
    fits = width > 0 <= left <= size[0] - width and height > 0 <= top <= size[1] - height
    return box if fits and (width, height) != size else None


def _of_mp4(file: BinaryIO, end: int, track: int, size: tuple[int, int]) -> Crop | None:
    for start, until in _inside(file, [(0, end)], b"moov", b"trak"):
        if _track_id(file, start, until) != track:
            continue
        for table, table_end in _inside(file, [(start, until)], b"mdia", b"minf", b"stbl", b"stsd"):
            entry = box_at(file, table + _TABLE_HEADER, table_end)
            for body, body_end in _inside(file, [(entry[1] + _ENTRY_HEADER, entry[2])] if entry else [], b"clap"):
                if body_end - body >= CLEAN_APERTURE_BYTES:
                    file.seek(body)
                    return _aperture(file.read(CLEAN_APERTURE_BYTES), size)
    return None


def _aperture(clap: bytes, size: tuple[int, int]) -> Crop | None:
    found = aperture(clap, size)
    if found is None:
        return None
    width, height, left, top = map(round, found)
    return width, height, left, top


def _track_id(file: BinaryIO, start: int, until: int) -> int | None:
    for body, _ in _inside(file, [(start, until)], b"tkhd"):
        file.seek(body)
        version = file.read(1)
        file.seek(body + _TRACK_ID_AT[version == b"\1"])
        return int.from_bytes(file.read(4))
    return None


def _inside(file: BinaryIO, places: list[tuple[int, int]], *path: bytes) -> list[tuple[int, int]]:
    """Return where the content of each box is that has a path of names below some places."""
    for name in path:
        places = [(body, until) for place in places for found, body, until in _boxes(file, *place) if found == name]
    return places


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for _ in range(_MOST_PARTS):
        box = box_at(file, start, end)
        if box is None:
            return
        yield box
        start = box[2]


def _of_matroska(file: BinaryIO, end: int, track: int, size: tuple[int, int]) -> Crop | None:
    tracks = _below(file, [(0, end)], _SEGMENT, _TRACKS, _TRACK)
    pictures = [place for place in tracks[:MAX_TRACKS] if _number(file, place, _TYPE) == 1]
    for place in islice(pictures, track, track + 1):
        for video in _below(file, [place], _VIDEO):
            left, top, right, bottom = (_number(file, video, number) for number in _CROPS)
            return size[0] - left - right, size[1] - top - bottom, left, top
    return None


def _number(file: BinaryIO, place: tuple[int, int], number: int) -> int:
    """Read an unsigned integer that is an element of a place; 0 where it is not there."""
    for body, until in _below(file, [place], number):
        file.seek(body)
        return int.from_bytes(file.read(min(until - body, 8)))
    return 0


def _below(file: BinaryIO, places: list[tuple[int, int]], *path: int) -> list[tuple[int, int]]:
    for number in path:
        places = [(body, end) for place in places for found, body, end in _elements(file, *place) if found == number]
    return places


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    for _ in range(_MOST_PARTS):
        found = element_at(file, start) if start < end else None
        if found is None:
            return
        number, body, length = found
        start = end if length is None else min(end, body + length)
        yield number, body, start
