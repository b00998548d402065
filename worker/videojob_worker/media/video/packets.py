"""Which packets of a video may be taken as they are, to stand in another file for just the frames that are wanted.

A video is coded as groups of frames that need each other. What is taken starts with a frame from which decoding can
start, and behind which no frame looks at one before it (an IDR frame); it ends where no frame that is left out comes
before one that is taken. The packets are read once, in order, and their times compared with those that are wanted.
Names and numbers are those of ITU-T H.264 and H.265, and of ISO/IEC 14496-15.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from av.error import FFmpegError

from videojob_contract.resources.outputs import Codec
from videojob_worker.media.files.codec_parameters import LENGTH_SIZE_AT, CodecParameters, NotCopiableError
from videojob_worker.media.files.source import Source
from videojob_worker.media.video.video_container import open_packets
from videojob_worker.media.video.video_info import VideoInfo

if TYPE_CHECKING:
    from av.packet import Packet

_ASKED_EVERY: Final = 256
"""Packets between two questions whether to go on."""
_MOST_UNITS: Final = 1024
"""NAL units in a packet; a frame of a thousand slices is not worth the time."""


@dataclass(frozen=True, slots=True)
class PacketRun:
    """`frames` packets from an IDR frame on, which show as many frames of the video and need no other packet."""

    source: Source
    pace: Fraction
    """Frames a tick of its time stamps."""
    first_pts: int
    """Time stamp of the first frame, in ticks."""
    frames: int
    reorder: int
    """How many packets later than its place in time a frame comes, at most."""
    ends_with_key: bool
    """Whether its last packet is a keyframe."""

    def place(self, pts: int) -> int:
        """Return which frame of the run has a time stamp."""
        frames, ticks = self.pace.numerator, self.pace.denominator
        return (2 * (pts - self.first_pts) * frames + ticks) // (2 * ticks)


class Packets:
    """An open video, read packet by packet and never decoded; the caller closes it.

    Raises:
        PermanentError: the source is no video that is read here.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._container, self.stream = open_packets(source)
        self._tick_s = self.stream.time_base or Fraction(1)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def find(
        self, footage: VideoInfo, start_s: Fraction, frames: int, fps: Fraction, check_cancelled: Callable[[], None]
    ) -> PacketRun:
        """Find the packets of the `frames` frames that are on screen from `start_s` on.

        Args:
            footage: the video.
            start_s: in seconds of it.
            frames: how many.
            fps: how many a second there have to be.
            check_cancelled: called now and then; may raise.

        Raises:
            NotCopiableError: they need others, or are not as they have to be.
        """
        try:
            return self._find(footage, start_s, frames, fps, check_cancelled)
        except FFmpegError as error:
            raise NotCopiableError(f"cannot be read ({error.strerror})") from error

    def read(self, run: PacketRun) -> Iterator["Packet[Any]"]:
        """Yield the packets of a run.

        Raises:
            FFmpegError: they cannot be read.
        """
        packets = self._from(run.first_pts)
        yield next(packet for packet in packets if packet.pts == run.first_pts)
        yield from islice(packets, run.frames - 1)

    def _find(
        self, footage: VideoInfo, start_s: Fraction, frames: int, fps: Fraction, check_cancelled: Callable[[], None]
    ) -> PacketRun:
        if isinstance(footage.coded, NotCopiableError):
            raise footage.coded
        stamps = _Stamps(footage.first_pts, self._tick_s, fps)
        number = stamps.on_screen(start_s)
        packets = _asking(self._from(stamps.of(number)), check_cancelled)
        packet = _keyframe(packets, stamps, number)
        first_pts, seen, reorder, is_key = packet.pts or 0, bytearray(frames), 0, True
        for count in range(frames):
            _check_packet(packet, footage.coded, is_first=count == 0)
            place = stamps.number(packet.pts) - number
            if place < 0:
                raise NotCopiableError("shows frames before the keyframe that it starts at")
            if place >= frames or seen[place]:
                raise NotCopiableError("ends amid frames that need each other")
            seen[place], reorder, is_key = 1, max(reorder, count - place), packet.is_keyframe
            if count + 1 < frames:
                following = next(packets, None)
                if following is None:
                    raise NotCopiableError("is as long as its source only with its last frame repeated")
                packet = following
        return PacketRun(self._source, self._tick_s * fps, first_pts, frames, reorder, is_key)

    def _from(self, pts: int) -> Iterator["Packet[Any]"]:
        """Yield packets from the keyframe at or before a time stamp on, and to the end of the file."""
        self._container.seek(pts, stream=self.stream)
        return (packet for packet in self._container.demux(self.stream) if packet.size)


class _Stamps:
    """The time stamps that the frames of a video of `fps` frames a second have; `origin` is that of the first."""

    def __init__(self, origin: int, tick_s: Fraction, fps: Fraction) -> None:
        self._origin = origin
        self.fps = fps
        # In whole numbers, because it is asked for every packet.
        self._frames, self._ticks = (tick_s * fps).as_integer_ratio()
        # A stamp is later than its frame only where stamps are rounded.
        self._slack = Fraction(0) if self._frames == 1 else min(Fraction(self._frames, 2 * self._ticks), Fraction(1, 4))
        self._late = int(self._slack * self._ticks)
        self._early = self._ticks // 4

    def of(self, number: int) -> int:
        """Return the stamp of a frame, to a tick."""
        return self._origin + round(Fraction(number * self._ticks, self._frames))

    def on_screen(self, time_s: Fraction) -> int:
        """Return which frame is on screen at a time."""
        return int((time_s * self.fps + self._slack) // 1)

    def number(self, pts: int | None) -> int:
        """Return which frame a stamp is of.

        Raises:
            NotCopiableError: of none.
        """
        if pts is None:
            raise NotCopiableError("does not say when its frames are shown")
        position = (pts - self._origin) * self._frames
        number = (2 * position + self._ticks) // (2 * self._ticks)
        if not -self._early <= position - number * self._ticks <= self._late:
            raise NotCopiableError(f"does not have {float(self.fps):.5g} frames in each second")
        return number


def _asking(packets: Iterator["Packet[Any]"], check_cancelled: Callable[[], None]) -> Iterator["Packet[Any]"]:
    for count, packet in enumerate(packets):
        if count % _ASKED_EVERY == 0:
            check_cancelled()
        yield packet


def _keyframe(packets: Iterator["Packet[Any]"], stamps: _Stamps, number: int) -> "Packet[Any]":
    """Read on to the packet of a frame, which has to be a keyframe."""
    before: int | None = None
    for packet in packets:
        if not packet.is_keyframe:
            continue
        found = stamps.number(packet.pts)
        if found == number:
            return packet
        if found > number:
            break
        before = found
    nearest = "" if before is None else f"; the last one before it is at {float(before / stamps.fps):.6g}s"
    raise NotCopiableError(f"starts at {float(number / stamps.fps):.6g}s of its source, where no keyframe is{nearest}")


_IDR: Final = {Codec.H264: (5,), Codec.H265: (19, 20)}
_SLICES: Final = {Codec.H264: range(1, 6), Codec.H265: range(32)}
_PARAMETER_SETS: Final = {Codec.H264: (7, 8, 13, 15), Codec.H265: (32, 33, 34)}


def _check_packet(packet: "Packet[Any]", coded: CodecParameters, *, is_first: bool) -> None:
    if packet.is_corrupt:
        raise NotCopiableError("is damaged")
    if packet.is_discard:
        raise NotCopiableError("has frames that are not shown")
    if packet.has_sidedata("new_extradata"):
        raise NotCopiableError("changes how it is coded on the way")
    slices = []
    for kind, unit in _units(packet, coded):
        if kind in _PARAMETER_SETS[coded.codec] and bytes(unit) not in coded.parameter_sets:
            raise NotCopiableError("changes how it is coded on the way")
        if kind in _SLICES[coded.codec]:
            slices.append(kind)
    if not slices:
        raise NotCopiableError("has packets without a picture")
    if is_first and slices[0] not in _IDR[coded.codec]:
        raise NotCopiableError("starts at a keyframe that frames behind it look past (an open group of pictures)")


def _units(packet: "Packet[Any]", coded: CodecParameters) -> Iterator[tuple[int, memoryview]]:
    """Yield the kind and the bytes of each NAL unit."""
    data = memoryview(packet)
    size = (coded.parameter_sets[LENGTH_SIZE_AT[coded.codec]] & 3) + 1
    position = 0
    for _ in range(_MOST_UNITS):
        start = position + size
        position = start + int.from_bytes(data[position:start])
        if start >= position or position > len(data):
            raise NotCopiableError("is damaged")
        head = data[start]
        yield (head & 31 if coded.codec is Codec.H264 else head >> 1 & 63), data[start:position]
        if position == len(data):
            return
    raise NotCopiableError("has frames of too many parts")
