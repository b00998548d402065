"""What is not encoded: packets of sources, taken as they are and given the times of the timeline."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from videojob_contract.resources.outputs import Codec
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.files.codec_parameters import CodecParameters
from videojob_worker.media.sound.sound_container import open_sound
from videojob_worker.media.sound.sound_packets import FRAME, SoundRun, read_sound
from videojob_worker.media.video.packets import PacketRun, Packets

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

_TAGS = {Codec.H264: "avc1", Codec.H265: "hvc1"}
"""What says that the parameter sets stand in the header alone; libav's own choice for H.265 is hev1."""


@dataclass(frozen=True, slots=True)
class CopiedRun:
    """Packets that show the timeline from a frame on."""

    start: int
    run: PacketRun


@dataclass(frozen=True, slots=True)
class CopiedPictures:
    """All pictures of a timeline: pieces without a gap, coded alike."""

    coded: CodecParameters
    fps: Fraction
    pieces: tuple[CopiedRun, ...]

    @property
    def joints(self) -> frozenset[int]:
        """The frames that pieces start with."""
        return frozenset(piece.start for piece in self.pieces)

    def add_to(self, out: "OutputContainer") -> VideoStream:
        """Add the stream that `packets` are of, coded as the first source says."""
        with closing(Packets(self.pieces[0].run.source)) as first:
            stream = out.add_stream_from_template(first.stream, opaque=False)
        # What only a decoded frame has told.
        context = stream.codec_context
        context.pix_fmt = "yuv420p"
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = self.coded.colors
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


@dataclass(frozen=True, slots=True)
class CopiedSound:
    """All sound of a timeline: that of one source."""

    run: SoundRun
    codec: str = "aac"
    """libav's name of what it is coded in."""

    def add_to(self, out: "OutputContainer") -> AudioStream:
        """Add the stream that `packets` are of, coded as the source says."""
        file = open_sound(self.run.source)
        with file:
            stream = out.add_stream_from_template(file.stream, opaque=False)
        stream.time_base = Fraction(1, SAMPLE_RATE)
        return stream

    def packets(self) -> Iterator["Packet[Stream]"]:
        """Yield the packets; what is before 0 is not heard, and of the last only as much as its length says.

        Raises:
            PermanentError: the source cannot be read any more.
        """
        run = self.run
        file = open_sound(run.source)
        with file:
            try:
                for number, packet in enumerate(read_sound(file, run)):
                    at = number * FRAME - run.skipped
                    # A packet of its own, without what the source's file says of the samples to skip.
                    taken: Packet[Stream] = Packet(bytes(packet))
                    taken.pts = taken.dts = at
                    taken.duration, taken.time_base = min(FRAME, run.samples - at), Fraction(1, SAMPLE_RATE)
                    taken.is_keyframe = True
                    yield taken
            except FFmpegError as error:
                raise run.source.error(f"cannot be read: {error.strerror}") from error
