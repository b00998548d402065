"""Finds when a video is over, and how fast it is, by its last packets: what headers say of it is often wrong.

Every writer gets some header wrong: a duration that forgets how long the last picture is shown, counts from another
beginning, or was never written; a rate that is only the unit of time. Packets are read and not decoded: from the last
keyframe on, behind which no picture is shown later than the last, or the whole of a file without an index.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av
from av.error import FFmpegError
from av.stream import Discard

from videojob_worker.media.files.matroska_tags import tagged_s

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_FAR_S: Final = 10**9
"""Later than anything: seeking there goes to the last keyframe."""
_BACK_S: Final = 10
_REORDERED: Final = 32
"""More frames than can be decoded in another order than they are shown in; where fewer are read, or reading starts amid
frames that need others, it starts `_BACK_S` seconds earlier."""
JOINED: Final = frozenset(("mpeg", "mpegts"))
"""Demuxers of what is made to be laid behind each other."""
# As of sound: what goes back, or leaps, by so much was set anew.
_BACK_BY_S: Final = 1
_AHEAD_BY_S: Final = 10
_MEASURED: Final = 3
"""Least frames that tell a rate."""


@dataclass(frozen=True, slots=True)
class VideoEnd:
    """What the last packets say; times in ticks of the stream."""

    end: int
    """When the last picture is over: a time stamp."""
    period: Fraction | None
    """Mean time between the last pictures, if there are enough of them."""
    is_joined: bool
    """Whether time starts over on the way; it then goes on where it was, here and in `end`."""
    sound_end_s: Fraction
    """When the last sound is over; 0 without any."""


def find_end(container: "InputContainer", stream: "VideoStream", period: int) -> VideoEnd | None:
    """Read the last packets of a stream; None where there are none with a time.

    Args:
        container: what it is in; its position is lost.
        stream: the pictures.
        period: time between two of them in ticks, as far as the header tells; 0 where it does not.
    """
    tick_s = stream.time_base or Fraction(1)
    known_s = Fraction(container.duration or 0, av.time_base)
    # Recordings of these are joined by laying them behind each other, and only reading tells where time starts over.
    places = () if container.format.name in JOINED else (Fraction(_FAR_S), known_s - _BACK_S)
    for from_s in (*places, Fraction(0)):
        tail = _read(container, stream, round(from_s / tick_s))
        if tail is None:
            continue
        if from_s and (not tail.has_key or tail.frames < _REORDERED):  # an index may call any frame a keyframe
            tail = _read(container, stream, tail.first - round(_BACK_S / tick_s)) or tail
        return VideoEnd(_end(container, stream, tail, period), tail.period, tail.restarts > 0, tail.sound_end_s)
    return None


class Restart:
    """Lets time go on where it was, when the stamps of joined recordings start over."""

    def __init__(self, container: "InputContainer", tick_s: Fraction) -> None:
        self._is_joined = container.format.name in JOINED
        self._steps = range(-round(_BACK_BY_S / tick_s), round(_AHEAD_BY_S / tick_s))
        self._offset = 0
        self.count = 0

    def follow(self, stamp: int, expected: int, decoded: int | None = None, before: int | None = None) -> int:
        """Return the time of a stamp, where one like `expected` would be the next.

        Args:
            stamp: when it is shown.
            expected: when what is shown last is over.
            decoded: when it is decoded, if the stamps are in that order.
            before: when what was before it is decoded.
        """
        stamp, at = stamp + self._offset, (stamp if decoded is None else decoded) + self._offset
        step = at - expected if decoded is None or before is None else decoded - before
        if not self._is_joined or step in self._steps:
            return stamp
        self._offset += expected - at
        self.count += 1
        return stamp + expected - at


@dataclass(slots=True)
class _Tail:
    """The packets from a place on."""

    first: int
    last: int
    """Largest time stamp."""
    durations: tuple[int, int]
    """Of that packet, and of the one that is decoded last; 0 where it is not told."""
    frames: int
    has_key: bool
    """Whether it starts with a keyframe."""
    restarts: int = 0
    sound_end_s: Fraction = Fraction(0)

    @property
    def period(self) -> Fraction | None:
        return Fraction(self.last - self.first, self.frames - 1) if self.frames >= _MEASURED else None


def _read(container: "InputContainer", stream: "VideoStream", pts: int) -> _Tail | None:
    """Read from the keyframe before a time stamp to the end, or to where it cannot be read on."""
    tail: _Tail | None = None
    decoded: int | None = None
    restart = Restart(container, stream.time_base or Fraction(1))
    try:
        container.seek(pts, stream=stream)
        for packet in _shown(container, stream):
            if packet.stream.index != stream.index:
                if tail is not None and packet.pts is not None:
                    end_s = (packet.pts + (packet.duration or 0)) * packet.time_base
                    tail.sound_end_s = max(tail.sound_end_s, end_s)
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None:
                continue
            if tail is None:
                tail = _Tail(stamp, stamp, (0, 0), 0, packet.is_keyframe)
            stamp = restart.follow(stamp, tail.last + (packet.duration or 1), packet.dts, decoded)
            decoded = packet.dts
            tail.frames, tail.restarts = tail.frames + 1, restart.count
            tail.first, shown_last = min(tail.first, stamp), stamp >= tail.last
            tail.last = max(tail.last, stamp)
            tail.durations = (packet.duration or 0) if shown_last else tail.durations[0], packet.duration or 0
    except FFmpegError:
        return tail
    return tail


def _shown(container: "InputContainer", stream: "VideoStream") -> Iterator["Packet[Any]"]:
    """Yield the packets of the pictures, and of all sound beside them."""
    for sound in container.streams.audio:
        sound.discard = Discard.default
    packets = container.demux(stream, *container.streams.audio)
    return (packet for packet in packets if packet.size and not packet.is_discard and not packet.is_corrupt)


def _end(container: "InputContainer", stream: "VideoStream", tail: _Tail, period: int) -> int:
    # An MP4 tells the time to the packet that is decoded next, which may be shown long before.
    lasts = min(filter(None, tail.durations), default=0) or period or round(tail.period or 0)
    if not container.format.name.startswith("matroska"):
        return tail.last + lasts
    # Matroska seldom says how long a picture is shown; libav then says how long they are in the mean.
    tick_s = stream.time_base or Fraction(1)
    claims = (round(claim_s / tick_s) for claim_s in _claims_s(container, stream))
    return min((claim for claim in claims if tail.last < claim < tail.last + lasts), default=tail.last + lasts)


def _claims_s(container: "InputContainer", stream: "VideoStream") -> Iterator[Fraction]:
    """Yield when the file says that the stream ends, and that it ends itself."""
    told_s = tagged_s(stream.metadata)
    if told_s is not None:
        yield told_s
    if container.duration:
        yield Fraction(container.duration, av.time_base)
