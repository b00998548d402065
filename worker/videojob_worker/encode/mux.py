"""Joins encoded segments and sound into an mp4."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av import AudioCodecContext, AudioFrame, Packet
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from videojob_contract.errors import PermanentError
from videojob_worker.audio.track import Samples
from videojob_worker.encode.settings import VideoSettings
from videojob_worker.encode.spool import Spool
from videojob_worker.encode.video import configure
from videojob_worker.plan.timeline import SAMPLE_RATE

# Tags that the mp4 muxer writes where players look for them; with any other it writes all of them as QuickTime metadata.
_ITUNES_TAGS = frozenset(
    "title artist album_artist composer album date comment genre copyright grouping lyrics description synopsis show "
    "episode_id network keywords".split()
)


@dataclass(frozen=True, slots=True)
class Container:
    """How the mp4 is laid out: index first or last, and its tags."""

    faststart: bool
    metadata: Mapping[str, str]


def write_mp4(
    path: Path,
    settings: VideoSettings,
    container: Container,
    spools: Sequence[Spool],
    sound: Iterator[Samples] | None,
) -> Iterator[float]:
    """Write the file; yields, now and then, how many seconds of it are written.

    Raises:
        PermanentError: the segments do not fit together.
    """
    flags = "+faststart" if container.faststart else ""
    if not set(container.metadata) <= _ITUNES_TAGS:
        flags += "+use_metadata_tags"
    with av.open(str(path), "w", format="mp4", container_options={"movflags": flags} if flags else {}) as out:
        out.metadata.update(container.metadata)
        video = _add_video(out, settings)
        audio = _add_audio(out, settings) if sound is not None else None
        out.start_encoding()
        if any(spool.parameter_sets != video.codec_context.extradata for spool in spools):
            raise PermanentError("the encoder made segments that do not fit together")
        sounds = (
            _encode_sound(audio.codec_context, sound) if audio is not None and sound is not None else iter(())
        )
        waiting = next(sounds, None)
        for spool in spools:
            for packet in spool.packets(1 / settings.fps):
                while waiting is not None and _seconds(waiting) <= _seconds(packet):
                    waiting.stream = audio
                    out.mux(waiting)
                    waiting = next(sounds, None)
                packet.stream = video
                now = _seconds(packet)
                out.mux(packet)
                yield float(now)
        while waiting is not None:
            waiting.stream = audio
            out.mux(waiting)
            waiting = next(sounds, None)


def _add_video(out: OutputContainer, settings: VideoSettings) -> VideoStream:
    stream = out.add_stream("libx264", rate=settings.fps)
    configure(stream.codec_context, settings, 1)
    return stream


def _add_audio(out: OutputContainer, settings: VideoSettings) -> AudioStream:
    stream = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    stream.codec_context.bit_rate = settings.audio_bits
    return stream


def _encode_sound(context: AudioCodecContext, sound: Iterator[Samples]) -> Iterator[Packet]:
    position = 0
    for block in sound:
        frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = position, Fraction(1, SAMPLE_RATE)
        position += block.shape[1]
        yield from context.encode(frame)
    yield from context.encode(None)


def _seconds(packet: Packet) -> Fraction:
    if packet.dts is None or packet.time_base is None:
        raise AssertionError("the encoder gave a packet without its time")
    return packet.dts * packet.time_base
