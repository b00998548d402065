"""Which part of a video's frames its container wants shown: what PyAV does not tell.

Cameras code whole blocks, and formats have columns that were never meant to be seen. An MP4 says so by a clean aperture
(ISO/IEC 14496-12, 12.1.4.1), Matroska by what is to be cropped of each side (RFC 9559, 5.1.4.1.28.6). What a codec
itself crops is cropped by its decoder.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, Final, TypeVar

from videojob_worker.media.files.boxes import CLEAN_APERTURE_BYTES, aperture, box_at
from videojob_worker.media.files.container_limits import MAX_TRACKS, element_at
from videojob_worker.media.files.source import Source
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


_Name = TypeVar("_Name", bytes, int)
_Place = tuple[int, int]
"""Where in a file something begins and ends."""
_PartAt = Callable[[BinaryIO, int, int], tuple[_Name, int, int] | None]
"""From where a part may begin, and what is around it ends, to its name and where its content begins and ends."""


def aperture_of_mp4(source: Source, track: int, size: tuple[int, int]) -> Crop | None:
    """Return the part of an MP4's frames that is meant to be seen, to the nearest pixel; None for all of it.

    What no frame of that size has is a mistake of the file, and all of the frame is seen.

    Args:
        source: a container that is laid out as it should be.
        track: identity of the track.
        size: width and height of a frame.

    Raises:
        OSError: it cannot be read.
    """
    with source.path.open("rb") as file:
        tracks = _find(box_at, file, _whole(file), b"moov", b"trak")
        claps = (clap for place in tracks if _track_id(file, place) == track for clap in _claps(file, place))
        found = next((aperture(clap, size) for clap in claps), None)
    if found is None:
        return None
    width, height, left, top = map(round, found)
    return _fitting((width, height, left, top), size)


def aperture_of_matroska(source: Source, number: int, size: tuple[int, int]) -> Crop | None:
    """Return the part of a Matroska file's frames that is meant to be seen, as `aperture_of_mp4` does.

    Args:
        source: a container that is laid out as it should be.
        number: which of its tracks of pictures, from 0.
        size: width and height of a frame.

    Raises:
        OSError: it cannot be read.
    """
    with source.path.open("rb") as file:
        tracks = islice(_find(_element_within, file, _whole(file), _SEGMENT, _TRACKS, _TRACK), MAX_TRACKS)
        pictures = (place for place in tracks if _number(file, place, _TYPE) == 1)
        wanted = islice(pictures, number, number + 1)
        for video in (video for place in wanted for video in _find(_element_within, file, place, _VIDEO)):
            left, top, right, bottom = (_number(file, video, crop) for crop in _CROPS)
            return _fitting((size[0] - left - right, size[1] - top - bottom, left, top), size)
    return None


def _fitting(box: Crop, size: tuple[int, int]) -> Crop | None:
    width, height, left, top = box
    fits = width > 0 <= left <= size[0] - width and height > 0 <= top <= size[1] - height
    return box if fits and (width, height) != size else None


def _whole(file: BinaryIO) -> _Place:
    return 0, file.seek(0, 2)


def _claps(file: BinaryIO, track: _Place) -> Iterator[bytes]:
    """Yield the clean apertures of the first sample entry of a track."""
    for table, table_end in _find(box_at, file, track, b"mdia", b"minf", b"stbl", b"stsd"):
        entry = box_at(file, table + _TABLE_HEADER, table_end)
        for body, end in _find(box_at, file, (entry[1] + _ENTRY_HEADER, entry[2]), b"clap") if entry else ():
            if end - body >= CLEAN_APERTURE_BYTES:
                file.seek(body)
                yield file.read(CLEAN_APERTURE_BYTES)


def _track_id(file: BinaryIO, track: _Place) -> int | None:
    for body, _ in _find(box_at, file, track, b"tkhd"):
        file.seek(body)
        version = file.read(1)
        file.seek(body + _TRACK_ID_AT[version == b"\1"])
        return int.from_bytes(file.read(4))
    return None


def _number(file: BinaryIO, place: _Place, number: int) -> int:
    """Read an unsigned integer that is an element of a place; 0 where it is not there."""
    for body, end in _find(_element_within, file, place, number):
        file.seek(body)
        return int.from_bytes(file.read(min(end - body, 8)))
    return 0


def _element_within(file: BinaryIO, start: int, end: int) -> tuple[int, int, int] | None:
    found = element_at(file, start) if start < end else None
    if found is None or found[1] > end:
        return None
    number, body, length = found
    return number, body, end if length is None else min(end, body + length)


def _find(part_at: _PartAt[_Name], file: BinaryIO, place: _Place, *path: _Name) -> Iterator[_Place]:
    """Yield where the content of each part is that a path of names leads to; nothing is read ahead of it."""
    if not path:
        yield place
        return
    start, end = place
    for _ in range(_MOST_PARTS):
        part = part_at(file, start, end)
        if part is None:
            return
        name, body, start = part
        if name == path[0]:
            yield from _find(part_at, file, (body, start), *path[1:])
