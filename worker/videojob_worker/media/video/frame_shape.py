"""How the frames of a video are shown: which part of them, how wide their pixels are, which way up.

All is told once, by the container and the first frame. Where the size changes on the way, as in a call when the network
does, or how wide pixels are, as in a broadcast, each frame is shown whole in the shape that it has.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from av.video.frame import VideoFrame

from videojob_worker.media.video.clean_aperture import aperture_of_matroska, aperture_of_mp4
from videojob_worker.media.video.decoder import Decoder
from videojob_worker.media.video.pixel_aspect import aspect_of
from videojob_worker.media.video.side_data import display_matrix
from videojob_worker.pixels.frames import Crop

_UPRIGHT: Final = (1, 0, 0, 1)
# libavfilter's names for each way that pixels can be turned: where a step right (a, b) and a step down
# (c, d) in what is stored lead in what is shown.
_TURNS: Final[Mapping[tuple[int, int, int, int], tuple[str, ...]]] = {
    _UPRIGHT: (),
    (0, 1, -1, 0): ("transpose=clock",),
    (-1, 0, 0, -1): ("vflip", "hflip"),
    (0, -1, 1, 0): ("transpose=cclock",),
    (-1, 0, 0, 1): ("hflip",),
    # It only says that lines are to be read from the last to the first: a copy is made that way.
    (1, 0, 0, -1): ("vflip", "copy"),
    (0, 1, 1, 0): ("transpose=cclock_flip",),
    (0, -1, -1, 0): ("transpose=clock_flip",),
}


class Stored(NamedTuple):
    """A frame as it is stored."""

    width: int
    height: int
    aspect: Fraction
    """Width of a pixel for a height of 1."""


@dataclass(frozen=True, slots=True)
class FrameShape:
    """How frames as they are stored are shown."""

    stored: Stored
    """The first frame."""
    crop: Crop | None
    """What is seen of frames of that size, if not all."""
    turn: tuple[str, ...]
    """The filters that turn frames upright."""

    def stored_as(self, frame: VideoFrame) -> Stored:
        """Return how a frame is stored."""
        return Stored(frame.width, frame.height, aspect_of(frame, self.stored.aspect))

    def crop_of(self, stored: Stored) -> Crop | None:
        """Return what is seen of a frame; None for all of it."""
        return self.crop if stored[:2] == self.stored[:2] else None

    def size_of(self, stored: Stored) -> tuple[int, int]:
        """Return the size in which a frame is seen, upright, in square pixels."""
        width, height, *_ = self.crop_of(stored) or stored
        # As players do: the lines stay, and the pixels of a line are stretched or squeezed.
        size = max(1, round(width * stored.aspect)), height
        return size[::-1] if any(step.startswith("transpose") for step in self.turn) else size


def shape_of(decoder: Decoder, frame: VideoFrame) -> FrameShape:
    """Find how a video is shown, by its container and its first frame."""
    stored = Stored(frame.width, frame.height, aspect_of(frame, decoder.stream.sample_aspect_ratio))
    return FrameShape(stored, _aperture(decoder, stored[:2]), _TURNS[_matrix(frame)])


def _aperture(decoder: Decoder, stored: tuple[int, int]) -> Crop | None:
    stream, films = decoder.stream, decoder.container.streams.video
    if decoder.container.format.name.startswith("mov"):
        return aperture_of_mp4(decoder.source, stream.id, stored)
    if decoder.container.format.name.startswith("matroska"):
        return aperture_of_matroska(decoder.source, [film.index for film in films].index(stream.index), stored)
    return None


def _matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return the nearest of `_TURNS` to the display matrix (ISO/IEC 14496-12, 8.2.2; 16.16 fixed point)."""
    matrix = display_matrix(frame)
    if matrix is None:
        return _UPRIGHT
    a, b, _, c, d, *_ = struct.unpack("<9i", matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (1 if a >= 0 else -1), 0, 0, (1 if d >= 0 else -1)
    return 0, (1 if b >= 0 else -1), (1 if c >= 0 else -1), 0
