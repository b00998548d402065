"""Encoded packets of a segment, parked in a scratch file until all segments are there to be joined.

The payloads are on disk and the index is a few bytes a frame, so memory does not grow with the length of a
video.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from av import Packet

if TYPE_CHECKING:
    from av.stream import Stream


@dataclass(frozen=True, slots=True)
class PacketFile:
    """A segment's packets; `pts` and `dts` count frames of the whole timeline."""

    path: Path
    parameter_sets: bytes
    pts: "array[int]"
    dts: "array[int]"
    sizes: "array[int]"
    keyframes: bytearray

    def packets(self, time_base: Fraction, *, keep: bool = False) -> Iterator["Packet[Stream]"]:
        """Read the packets back, one at a time, and delete the file behind them, unless it is to be kept."""
        with self.path.open("rb") as file:
            for pts, dts, size, keyframe in zip(self.pts, self.dts, self.sizes, self.keyframes, strict=True):
                packet = Packet(file.read(size))
                packet.time_base = time_base
                packet.pts, packet.dts, packet.duration = pts, dts, 1
                packet.is_keyframe = bool(keyframe)
                yield packet
        if not keep:
            self.path.unlink()


class PacketFileWriter:
    """Parks the packets of a segment in a file at `path`, as they come.

    Args:
        path: where; the file is made at once.
        first_frame: the segment's first frame.
    """

    def __init__(self, path: Path, first_frame: int) -> None:
        self._path, self._first_frame = path, first_frame
        self._pts, self._dts, self._sizes = array("q"), array("q"), array("q")
        self._keyframes = bytearray()
        self._file = path.open("wb")

    def write(self, data: bytes, pts: int, dts: int, *, is_keyframe: bool) -> None:
        """Add a packet, whose times count frames of the segment."""
        self._file.write(data)
        self._pts.append(pts + self._first_frame)
        self._dts.append(dts + self._first_frame)
        self._sizes.append(len(data))
        self._keyframes.append(is_keyframe)

    def finish(self, parameter_sets: bytes) -> PacketFile:
        """End the file, and return what is in it."""
        self.close()
        return PacketFile(self._path, parameter_sets, self._pts, self._dts, self._sizes, self._keyframes)

    def close(self) -> None:
        """End the file; more than once does no harm."""
        self._file.close()
