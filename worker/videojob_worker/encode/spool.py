"""Encoded packets of a segment, parked in a scratch file until all segments are there to be joined.

The payloads are on disk and the index is a few bytes a frame, so memory does not grow with the length of a
video.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from av import Packet

if TYPE_CHECKING:
    from av.stream import Stream
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class Spool:
    """A segment's packets; `pts` and `dts` count frames of the whole timeline."""

    path: Path
    parameter_sets: bytes
    pts: "array[int]"
    dts: "array[int]"
    sizes: "array[int]"
    keyframes: bytearray

    def packets(self, time_base: Fraction) -> Iterator["Packet[Stream]"]:
        """Read the packets back, one at a time, and delete the file behind them."""
        with self.path.open("rb") as file:
            for pts, dts, size, keyframe in zip(self.pts, self.dts, self.sizes, self.keyframes, strict=True):
                packet = Packet(file.read(size))
                packet.time_base = time_base
                packet.pts, packet.dts, packet.duration = pts, dts, 1
                packet.is_keyframe = bool(keyframe)
                yield packet
        self.path.unlink()


def spool_packets(
    path: Path, packets: Iterable["Packet[VideoStream]"], first_frame: int, parameter_sets: bytes
) -> Spool:
    """Write packets, whose times count frames of their segment, to a file."""
    pts, dts, sizes = array("q"), array("q"), array("q")
    keyframes = bytearray()
    with path.open("wb") as file:
        for packet in packets:
            if packet.pts is None or packet.dts is None:
                raise AssertionError("the encoder gave a packet without its time")
            file.write(bytes(packet))
            pts.append(packet.pts + first_frame)
            dts.append(packet.dts + first_frame)
            sizes.append(packet.size)
            keyframes.append(packet.is_keyframe)
    return Spool(path, parameter_sets, pts, dts, sizes, keyframes)
