"""What a container says of the part of its frames that is meant to be seen: read where it is said, and nowhere else."""

from pathlib import Path
from unittest.mock import patch

import pytest

from tests.render import films
from tests.render.containers import SEGMENT, TRACK, TRACKS, VIDEO
from videojob_worker.media.video import clean_aperture
from videojob_worker.media.video.clean_aperture import aperture_of_matroska

SIZE = (320, 180)
TYPE, TOP, CLUSTER = 0x83, 0x54BB, 0x1F43B675
UNKNOWN = b"\xff"


def element(number: int, content: bytes) -> bytes:
    """An element of Matroska whose content has at most 16 KiB."""
    return number.to_bytes((number.bit_length() + 7) // 8) + (1 << 14 | len(content)).to_bytes(2) + content


def pictures(top: int, *more: bytes) -> bytes:
    """A track of pictures of which a number of lines are not meant."""
    return element(TRACK, element(TYPE, b"\1") + element(VIDEO, element(TOP, bytes([top])) + b"".join(more)))


def matroska(path: Path, tracks: bytes, behind: bytes = b"") -> Path:
    """A file of some tracks in a segment of unknown length."""
    path.write_bytes(SEGMENT.to_bytes(4) + UNKNOWN + element(TRACKS, tracks) + behind)
    return path


@pytest.mark.parametrize("number", range(3))
def test_matroska_is_read_up_to_the_wanted_track_of_pictures(tmp_path: Path, number: int) -> None:
    sound = element(TRACK, element(TYPE, b"\2"))
    tracks = sound + b"".join(pictures(10 + count) for count in range(3))
    film = films.source(matroska(tmp_path / "film.mkv", tracks, element(CLUSTER, bytes(8)) * 1000))
    with patch.object(clean_aperture, "element_at", wraps=clean_aperture.element_at) as read:
        assert aperture_of_matroska(film, number, SIZE) == (320, 170 - number, 0, 10 + number)
    assert read.call_count < 50


def test_an_element_that_begins_within_another_and_ends_behind_it_is_none(tmp_path: Path) -> None:
    """Its number is half in the other; as one of a negative length, it would be the rest of the file."""
    film = films.source(matroska(tmp_path / "film.mkv", pictures(10, b"\x54"), b"\xcc\x81" + bytes(64 * 1024)))
    assert aperture_of_matroska(film, 0, SIZE) == (320, 170, 0, 10)
