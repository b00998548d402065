"""Joins encoded segments and sound into an mp4."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from itertools import chain
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av import AudioFrame, Packet
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from videojob_contract.errors import PermanentError
from videojob_worker.audio.track import Samples
from videojob_worker.encode.encoder import configure
from videojob_worker.encode.settings import AudioSettings, VideoSettings
from videojob_worker.encode.spool import Spool
from videojob_worker.plan.timeline import SAMPLE_RATE

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Layout:
    """How an mp4 is laid out: index first or last, and its tags."""

    faststart: bool
    metadata: Mapping[str, str]

    def muxer_options(self, fps: Fraction) -> dict[str, str]:
        """Return libav's options."""
        # The unit of the tracks' lengths; with the muxer's own, a millisecond, sound would be cut short.
        timescale = lcm(SAMPLE_RATE, fps.numerator)
        options = {
            "movie_timescale": str(timescale if timescale <= _LARGEST_TIMESCALE else SAMPLE_RATE),
            "write_tmcd": "0",  # a tag named timecode is a tag, and no further track
        }
        flags = ["faststart"] if self.faststart else []
        if not set(self.metadata) <= _ITUNES_TAGS:
            flags.append("use_metadata_tags")
        if flags:
            options["movflags"] = "+".join(flags)
        return options


def write_mp4(
    path: Path,
    settings: VideoSettings,
    layout: Layout,
    spools: Sequence[Spool],
    sound: tuple[AudioSettings, Iterator[Samples]] | None,
) -> Iterator[Fraction]:
    """Write the file; yields, packet by packet, how many seconds of it are written.

    Raises:
        PermanentError: the segments do not fit together.
    """
    options = layout.muxer_options(settings.fps)
    with av.open(str(path), "w", format="mp4", container_options=options) as out:
        out.metadata.update(layout.metadata)
        # This encoder is never used: it tells the muxer what those of the segments have made.
        video = out.add_stream(settings.encoder, rate=settings.fps)
        if not isinstance(video, VideoStream):
            raise TypeError(f"{settings.encoder} makes no video")
        configure(video.codec_context, settings, 1)
        sounds: Iterator[Packet[Stream]] = iter(())
        if sound is not None:
            audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
            audio.codec_context.bit_rate = sound[0].bit_rate
            sounds = _encode_sound(audio, sound[1])
        out.start_encoding()
        if any(spool.parameter_sets != video.codec_context.extradata for spool in spools):
            raise PermanentError("the encoder made segments that do not fit together")
        # By time, so that a player finds picture and sound side by side.
        for packet in merge(_join(video, spools, 1 / settings.fps), sounds, key=_seconds):
            out.mux(packet)
            yield _seconds(packet)


def _join(stream: VideoStream, spools: Sequence[Spool], time_base: Fraction) -> Iterator["Packet[Stream]"]:
    for spool in spools:
        for packet in spool.packets(time_base):
            packet.stream = stream
            yield packet


def _encode_sound(stream: AudioStream, sound: Iterator[Samples]) -> Iterator["Packet[Stream]"]:
    position = 0
    for block in chain(sound, [None]):
        frame = None
        if block is not None:
            frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate = SAMPLE_RATE
            frame.pts, frame.time_base = position, Fraction(1, SAMPLE_RATE)
            position += block.shape[1]
        yield from stream.encode(frame)


def _seconds(packet: "Packet[Stream]") -> Fraction:
    if packet.dts is None or packet.time_base is None:
        raise AssertionError("a packet has no time")
    return packet.dts * packet.time_base
