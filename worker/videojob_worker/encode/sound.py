"""Encodes the sound, once for all outputs that ask for the same, into a packet file."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from av import AudioCodecContext, AudioFrame, CodecContext, Packet
from av.audio.stream import AudioStream
from av.codec.context import Flags

from videojob_contract.errors import CancelledError
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.encode.settings import AudioSettings
from videojob_worker.media.sound.samples import Samples

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import PacketSideData
    from av.stream import Stream

TIME_BASE = Fraction(1, SAMPLE_RATE)
_FORMATS: Final = {"aac": "fltp", "libopus": "flt", "libmp3lame": "fltp"}
_CODECS: Final = {"aac": "aac", "libopus": "opus", "libmp3lame": "mp3"}
_TRIMMED: Final = "skip_samples"
"""What tells a player how many samples of the last packet are padding."""


@dataclass(frozen=True, slots=True)
class SoundPacketFile:
    """Encoded sound, parked in a file; `pts` and `durations` count samples, and the first may be before 0.

    Each output reads it; whoever made it deletes it.
    """

    path: Path
    settings: AudioSettings
    pts: "array[int]"
    durations: "array[int]"
    sizes: "array[int]"
    trimmed: "dict[int, PacketSideData]"

    @property
    def codec(self) -> str:
        """What it is coded in, by libav's name."""
        return _CODECS[self.settings.encoder]

    def add_to(self, out: "OutputContainer") -> AudioStream:
        """Add the stream that `packets` are of."""
        stream = out.add_stream(self.settings.encoder, rate=SAMPLE_RATE)
        if not isinstance(stream, AudioStream):
            raise TypeError(f"{self.settings.encoder} makes no sound")
        set_up(stream.codec_context, self.settings)
        return stream

    def packets(self) -> Iterator["Packet[Stream]"]:
        """Read the packets back, one at a time."""
        with self.path.open("rb") as file:
            for number, (pts, duration, size) in enumerate(zip(self.pts, self.durations, self.sizes, strict=True)):
                packet = Packet(file.read(size))
                packet.time_base = TIME_BASE
                packet.pts = packet.dts = pts
                packet.duration = duration
                packet.is_keyframe = True
                if number in self.trimmed:
                    packet.set_sidedata(self.trimmed[number])
                yield packet


def set_up(context: AudioCodecContext, settings: AudioSettings) -> None:
    """Set up an encoder that is not open yet: all of the same settings make packets that go together."""
    context.sample_rate = SAMPLE_RATE
    context.layout = "stereo"
    context.format = _FORMATS[settings.encoder]
    context.bit_rate = settings.bit_rate
    context.time_base = TIME_BASE
    context.thread_count = 1
    context.flags |= Flags.global_header


def encode_sound(
    settings: AudioSettings, blocks: Iterable[Samples], path: Path, stopped: Callable[[], bool]
) -> SoundPacketFile:
    """Encode blocks of sound, `(2, n) float32` at 48 kHz, into a packet file at `path`.

    Raises:
        CancelledError: `stopped` said so.
    """
    context = CodecContext.create(settings.encoder, "w")
    if not isinstance(context, AudioCodecContext):
        raise TypeError(f"{settings.encoder} is no encoder of sound")
    set_up(context, settings)
    packet_file = SoundPacketFile(path, settings, array("q"), array("q"), array("q"), {})
    with path.open("wb") as file:
        for frame in chain(_frames(blocks), [None]):
            if stopped():
                raise CancelledError("the render was cancelled")
            for packet in context.encode(frame):
                if packet.pts is None:
                    raise AssertionError("the encoder gave a packet without its time")
                if packet.has_sidedata(_TRIMMED):
                    packet_file.trimmed[len(packet_file.pts)] = packet.get_sidedata(_TRIMMED)
                file.write(bytes(packet))
                packet_file.pts.append(packet.pts)
                packet_file.durations.append(packet.duration or 0)
                packet_file.sizes.append(packet.size)
    return packet_file


def _frames(blocks: Iterable[Samples]) -> Iterator[AudioFrame]:
    position = 0
    for block in blocks:
        frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = position, TIME_BASE
        position += block.shape[1]
        yield frame
