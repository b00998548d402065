"""Opens sound: the demuxer is named from an allow list by the file's content, and only local files are opened.

So a playlist in disguise opens nothing. Says what the file claims of its length, to compare with what comes out.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition

from videojob_worker.media.container_limits import check_container_limits
from videojob_worker.media.decoders import FOR_SOUND, SOUND
from videojob_worker.media.sniff import describe_kind, file_kind
from videojob_worker.media.source import Source
from videojob_worker.media.truncation import is_cut_off, tells_length

_DEMUXERS: Final = {
    "MP3": "mp3",
    "MP4": "mov",
    "WAV": "wav",
    "FLAC": "flac",
    "Ogg": "ogg",
    "Matroska": "matroska",
}
# Of the others, a position is found by guessing from the bitrate, or by counting.
_SEEKABLE: Final = frozenset(("MP4", "WAV", "FLAC", "Matroska"))
_OPTIONS: Final = {"protocol_whitelist": "file", "codec_whitelist": FOR_SOUND}
_KINDS_IN_WORDS: Final = "an MP3, M4A, WAV, FLAC, Ogg or Matroska sound file"
_TAGGED: Final = re.compile(r"(\d{1,6}):(\d\d):(\d\d(?:\.\d{1,9})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SoundFile:
    """An open file and the one stream of it that is heard; close the container after use."""

    container: InputContainer
    stream: AudioStream
    claimed_s: Fraction | None
    """Seconds of sound that the file says it has."""
    pictures_from_s: Fraction | None
    """The time stamp of its first picture, which the sound is heard relative to; None without pictures."""
    seekable: bool
    """Whether any moment of it can be found without decoding what is before."""


def check_audio(source: Source) -> Fraction | None:
    """Open a sound file and return the length in seconds that it claims, if it does.

    Raises:
        PermanentError: not a kind that is read here, damaged, or without sound.
    """
    file = open_sound(source)
    file.container.close()
    return file.claimed_s


def open_sound(source: Source) -> SoundFile:
    """Open a file to decode its first stream of sound; the others are not even read.

    Raises:
        PermanentError: not a kind that is read here, damaged, or without sound.
    """
    kind = file_kind(source.path)
    demuxer = _DEMUXERS.get(kind)
    if demuxer is None:
        raise source.error(f"is {describe_kind(kind)}, not {_KINDS_IN_WORDS}")
    check_container_limits(source, kind)
    if is_cut_off(source.path, kind):
        raise source.error(f"is cut short: the end of the {kind} file is missing")
    try:
        container = av.open(f"file:{source.path}", format=demuxer, options=_OPTIONS, metadata_errors="replace")
    except FFmpegError as error:
        raise source.error(f"is a damaged {kind} file: {error.strerror}") from error
    try:
        return _choose(source, kind, container)
    except BaseException:
        container.close()
        raise


def _choose(source: Source, kind: str, container: InputContainer) -> SoundFile:
    if not container.streams.audio:
        raise source.error(f"is {describe_kind(kind)} without sound")
    stream = container.streams.audio[0]
    # Of a codec that is unknown to libav, there is no context.
    name = getattr(stream.codec_context, "name", "something unknown")
    if name not in SOUND:
        raise source.error(
            f"has its sound as {name}, which is not read: use AAC, MP3, Opus, Vorbis, FLAC, ALAC, AC-3 or PCM"
        )
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    claimed_s = _claimed_s(container, stream) if tells_length(source.path, kind) else None
    return SoundFile(container, stream, claimed_s, _pictures_from_s(container), kind in _SEEKABLE)


def _claimed_s(container: InputContainer, stream: AudioStream) -> Fraction | None:
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if container.streams.video:  # the file lasts as long as its pictures, which the sound may not
        return _tagged_s(stream.metadata.get("DURATION", ""))
    return Fraction(container.duration, av.time_base) if container.duration else None


def _tagged_s(tag: str) -> Fraction | None:
    """Read `00:01:02.500000000`, as Matroska's writers tag each stream; None for anything else."""
    found = _TAGGED.fullmatch(tag)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def _pictures_from_s(container: InputContainer) -> Fraction | None:
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not films:
        return None
    film = next((film for film in films if film.disposition & Disposition.default), films[0])
    return (film.start_time or 0) * (film.time_base or Fraction(0))
