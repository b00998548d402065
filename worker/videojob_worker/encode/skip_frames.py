"""Puts the frames that repeat a picture between those that x264 made, which never saw them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from videojob_worker.encode.frame_types import LONGEST_REPEAT, FrameType
from videojob_worker.encode.h264 import ParameterSets, head_of, repeat, show_later

if TYPE_CHECKING:
    from av import Packet
    from av.video.stream import VideoStream

_DELAY: Final = 2
"""How many frames x264 with a pyramid of B frames puts off the first: its packets' times of decoding start before 0."""


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """One coded frame; its times count frames of its segment."""

    data: bytes
    pts: int
    dts: int
    is_keyframe: bool

    @classmethod
    def of(cls, packet: "Packet[VideoStream]") -> Self:
        """Take a packet as the encoder made it."""
        if packet.pts is None or packet.dts is None:
            raise AssertionError("the encoder gave a packet without its time")
        return cls(bytes(packet), packet.pts, packet.dts, packet.is_keyframe)


class SkipFrameWriter:
    """Makes the whole stream of a segment from what x264 made of the frames that are no repeats.

    Args:
        codes: how each frame of the segment is coded.
        extradata: the encoder's parameter sets.
    """

    def __init__(self, codes: Sequence[FrameType], extradata: bytes) -> None:
        self._codes = codes
        self._sets = ParameterSets.parse(extradata)
        if 1 << self._sets.poc_bits < 4 * (LONGEST_REPEAT + 1):
            raise AssertionError("the encoder counts frames in too few bits")
        self._places = [frame for frame, code in enumerate(codes) if code is not FrameType.REPEAT]
        self._written = 0
        self._key = self._keys_number = 0
        """The last keyframe, and its number for x264."""
        self._anchor = self._reference = 0
        """frame_num of the last frame that can be repeated, and of the last that can be referred to."""

    def insert(self, packet: "Packet[VideoStream]") -> Iterator[CodedFrame]:
        """Take the next packet of x264, in its order; yield what comes before it, and it."""
        made = CodedFrame.of(packet)
        place = self._places[made.pts]
        if self._codes[place] is not FrameType.BETWEEN:
            yield from self._repeats(place)
        head = head_of(made.data, self._sets)
        if head.is_idr:
            self._key, self._keys_number = place, made.pts
        later = place - self._key - (made.pts - self._keys_number)
        yield self._coded(show_later(made.data, self._sets, later), place, is_keyframe=head.is_idr)
        if head.is_reference:
            self._reference = head.frame_num
        if self._codes[place] is not FrameType.BETWEEN:
            self._anchor = head.frame_num

    def finish(self) -> Iterator[CodedFrame]:
        """Yield what comes after the last packet."""
        yield from self._repeats(len(self._codes))

    def _repeats(self, end: int) -> Iterator[CodedFrame]:
        """Yield the repeats right before a frame."""
        first = end
        while first and self._codes[first - 1] is FrameType.REPEAT:
            first -= 1
        back = (self._reference - self._anchor) % (1 << self._sets.frame_num_bits) + 1
        for frame in range(first, end):
            data = repeat(self._sets, self._reference + 1, back, frame - self._key)
            yield self._coded(data, frame, is_keyframe=False)

    def _coded(self, data: bytes, frame: int, *, is_keyframe: bool) -> CodedFrame:
        coded = CodedFrame(data, frame, self._written - _DELAY, is_keyframe)
        self._written += 1
        return coded
