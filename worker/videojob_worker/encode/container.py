"""Puts encoded pictures and sound into a container: joined, interleaved, tagged, without re-encoding."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import merge
from itertools import compress
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import av
from av import Packet
from av.video.stream import VideoStream

from videojob_contract.errors import PermanentError
from videojob_contract.resources.outputs import Codec
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.encode.copy import CopiedPictures, CopiedSound
from videojob_worker.encode.encoder import configure_encoder
from videojob_worker.encode.packet_file import PacketFile
from videojob_worker.encode.settings import VideoSettings
from videojob_worker.encode.sound import SoundPacketFile
from videojob_worker.encode.subtitles import SoftSubtitles

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

# Tags that the muxer writes where players look for them; with any other, it writes all as QuickTime metadata.
_ITUNES_TAGS = frozenset(
    (
        "album",
        "album_artist",
        "artist",
        "comment",
        "composer",
        "copyright",
        "date",
        "description",
        "episode_id",
        "genre",
        "grouping",
        "keywords",
        "lyrics",
        "network",
        "show",
        "synopsis",
        "title",
    )
)


_LARGEST_TIMESCALE = 10_000_000
_SOUND_FRAGMENT_US = 500_000
_MP4S = frozenset(("mp4", "ipod"))


class Sink(Protocol):
    """Where a file goes that is not seeked in."""

    def write(self, data: bytes) -> int:
        """Take some bytes, and return how many."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What container, and how it is laid out."""

    format: str
    """libav's name of it."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    faststart: bool = False
    """Of mp4: index first."""
    fragmented: bool = False
    """Of mp4: in fragments, each of a group of pictures or half a second of sound, as CMAF has it."""

    def muxer_options(self, fps: Fraction | None) -> dict[str, str]:
        """Return libav's options; `fps` of the pictures, None where there are none."""
        if self.format not in _MP4S:
            return {"fflags": "bitexact"}  # else the identifiers of a webm are drawn by lot
        # The unit of the tracks' lengths; with the muxer's own, a millisecond, sound would be cut short.
        timescale = lcm(SAMPLE_RATE, fps.numerator if fps is not None else 1)
        options = {
            "movie_timescale": str(timescale if timescale <= _LARGEST_TIMESCALE else SAMPLE_RATE),
            "write_tmcd": "0",  # a tag named timecode is a tag, and no further track
        }
        flags = ["faststart"] if self.faststart else []
        if self.fragmented:
            flags += ["default_base_moof", "delay_moov", "skip_trailer"]
            if fps is not None:
                flags.append("frag_keyframe")
            else:
                options["frag_duration"] = str(_SOUND_FRAGMENT_US)
        if not set(self.metadata) <= _ITUNES_TAGS:
            flags.append("use_metadata_tags")
        if flags:
            options["movflags"] = "+".join(flags)
        return options


@dataclass(frozen=True, slots=True)
class Pictures:
    """Encoded pictures: segments of one stream, in order."""

    settings: VideoSettings
    packet_files: Sequence[PacketFile]

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        return self.settings.fps

    @property
    def joints(self) -> frozenset[int]:
        """The frames that are keyframes; each segment starts with one."""
        return frozenset(
            pts for packet_file in self.packet_files for pts in compress(packet_file.pts, packet_file.keyframes)
        )

    def add_to(self, out: "OutputContainer") -> VideoStream:
        """Add the stream that `packets` are of.

        Raises:
            PermanentError: the segments do not fit together.
        """
        settings, parameter_sets = self.settings, self.packet_files[0].parameter_sets
        if any(packet_file.parameter_sets != parameter_sets for packet_file in self.packet_files):
            raise PermanentError("the encoder made segments that do not fit together")
        # This encoder is never used: it tells the muxer what those of the segments have made.
        stream = out.add_stream(settings.encoder, rate=settings.fps)
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{settings.encoder} makes no video")
        configure_encoder(stream.codec_context, settings, 1)
        if settings.codec is Codec.H265 and out.format.name in _MP4S:
            stream.codec_context.codec_tag = "hvc1"  # what Apple's players take; libav's own choice is hev1
        stream.codec_context.open()
        if parameter_sets:
            # Of a second pass they depend on what the first has found.
            stream.codec_context.extradata = parameter_sets
        return stream

    def packets(self, stream: VideoStream) -> Iterator["Packet[Stream]"]:
        """Yield the packets for a stream, and delete their files behind them."""
        for packet_file in self.packet_files:
            yield from _of(stream, packet_file.packets(1 / self.fps))


def write_container(
    target: Path | Sink,
    layout: Layout,
    pictures: Pictures | CopiedPictures | None,
    sound: SoundPacketFile | CopiedSound | None,
    subtitles: SoftSubtitles | None = None,
    *,
    check_cancelled: Callable[[], None],
) -> None:
    """Write a file of pictures, sound or both; `check_cancelled` is called for each packet, and may raise.

    The files of encoded pictures are deleted behind it, those of the sound are not.

    Raises:
        PermanentError: the segments do not fit together.
    """
    options = layout.muxer_options(pictures.fps if pictures else None)
    file = str(target) if isinstance(target, Path) else target
    with av.open(file, "w", format=layout.format, container_options=options) as out:
        out.metadata.update(layout.metadata)
        video = None if pictures is None else pictures.add_to(out)
        audio = None if sound is None else sound.add_to(out)
        text = None if subtitles is None else subtitles.add_to(out)
        out.start_encoding()
        streams: list[Iterator[Packet[Stream]]] = []
        if pictures is not None and video is not None:
            streams.append(pictures.packets(video))
        if sound is not None and audio is not None:
            streams.append(_of(audio, sound.packets()))
        if subtitles is not None and text is not None:
            streams.append(subtitles.packets(text))
        # By time, so that a player finds picture and sound side by side.
        for packet in merge(*streams, key=_nanoseconds):
            out.mux(packet)
            check_cancelled()


def _of(stream: "Stream", packets: Iterator["Packet[Stream]"]) -> Iterator["Packet[Stream]"]:
    for packet in packets:
        packet.stream = stream
        yield packet


def _nanoseconds(packet: "Packet[Stream]") -> int:
    if packet.dts is None or packet.time_base is None:
        raise AssertionError("a packet has no time")
    return packet.dts * packet.time_base.numerator * 1_000_000_000 // packet.time_base.denominator
