"""Tells how long an MP3 says that it lasts, which a demuxer does not.

That is no proof: who joins, cuts or streams files leaves lengths in them that were never right.
"""

from fractions import Fraction
from pathlib import Path
from typing import Final

from videojob_worker.media.files.sound_frames import mpeg_frame_s

# The first frame of an MP3 may hold a header with the number of frames, this far behind the name of the header; that
# of Xing (LAME, libav) has it only where the last bit of what stands between is set.
_MP3_HEADERS: Final = ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14))
_XING_FLAGS: Final = slice(4, 8)
_MP3_FIRST_FRAME: Final = 1024


def mp3_length_s(path: Path, start: int) -> Fraction | None:
    """Return how many seconds an MP3 says that it lasts, if it does.

    libav guesses it from the bitrate of the first frames, and is far off when the rest have another.

    Args:
        path: the file.
        start: where its first frame begins, in bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(start)
        first = file.read(_MP3_FIRST_FRAME)
    for name, behind in _MP3_HEADERS:
        header = first[at:] if (at := first.find(name)) >= 0 else b""
        if header and (name == b"VBRI" or int.from_bytes(header[_XING_FLAGS]) & 1):
            return int.from_bytes(header[behind : behind + 4]) * mpeg_frame_s(first) or None
    return None
