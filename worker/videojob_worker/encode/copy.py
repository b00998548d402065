"""Pictures that are not encoded: packets of sources, taken as they are and given the times of the timeline."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from av.error import FFmpegError
from av.video.stream import VideoStream

from videojob_contract.resources.outputs import Codec
from videojob_worker.media.packets import Coded, Packets, Run

if TYPE_CHECKING:
    from av import Packet
    from av.container import OutputContainer
    from av.stream import Stream

_TAGS = {Codec.H264: "avc1", Codec.H265: "hvc1"}
"""What says that the parameter sets stand in the header alone; libav's own choice for H.265 is hev1."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Packets that show the timeline from a frame on."""

    start: int
    run: Run


@dataclass(frozen=True, slots=True)
class CopiedPictures:
    """All pictures of a timeline: pieces without a gap, coded alike."""

    coded: Coded
    fps: Fraction
    pieces: tuple[Piece, ...]

    @property
    def joints(self) -> frozenset[int]:
        """The frames that pieces start with."""
        return frozenset(piece.start for piece in self.pieces)

    def add_to(self, out: "OutputContainer") -> VideoStream:
        """Add the stream that `packets` are of, coded as the first source says."""
        with closing(Packets(self.pieces[0].run.source)) as first:
            stream = out.add_stream_from_template(first.stream, opaque=False)
        stream.codec_context.codec_tag = _TAGS[self.coded.codec]
        stream.time_base = 1 / self.fps
        return stream

    def packets(self, stream: VideoStream) -> Iterator["Packet[Stream]"]:
        """Yield the packets for a stream, in the order in which they are decoded.

        Raises:
            PermanentError: a source cannot be read any more.
        """
        # Each is decoded one frame after the one before, and the first as long before it is shown as any has to be.
        delay = max(piece.run.reorder for piece in self.pieces)
        frame_s, number = 1 / self.fps, 0
        for piece in self.pieces:
            with closing(Packets(piece.run.source)) as source:
                try:
                    for packet in source.read(piece.run):
                        packet.pts = piece.start + piece.run.place(packet.pts or 0)
                        packet.dts = number - delay
                        packet.duration, packet.time_base, packet.stream = 1, frame_s, stream
                        yield packet
                        number += 1
                except FFmpegError as error:
                    raise piece.run.source.error(f"cannot be read: {error.strerror}") from error
