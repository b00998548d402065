"""Opens sound: the demuxer is named from an allow list by the file's content, and only local files are opened.

So a playlist in disguise opens nothing. Says what the file claims of its length, to compare with what comes out.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BufferedReader
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition

from videojob_worker.media.files.beginning import begin_s
from videojob_worker.media.files.container_limits import check_container_limits
from videojob_worker.media.files.decoders import FOR_PACKETS, FOR_SOUND
from videojob_worker.media.files.joined_frames import find_joined
from videojob_worker.media.files.matroska_tags import tagged_s
from videojob_worker.media.files.sniff import describe_kind, find_content
from videojob_worker.media.files.sound_frames import FRAMED, ends_within_mpeg_frame
from videojob_worker.media.files.source import Source
from videojob_worker.media.files.spliced_file import open_spliced
from videojob_worker.media.sound.mp3_length import mp3_length_s
from videojob_worker.media.sound.ogg_pages import read_ogg_pages
from videojob_worker.media.sound.sound_choice import choose_sound
from videojob_worker.media.sound.sound_chunks import share_of_sound

_DEMUXERS: Final = {
    "AAC": "aac",
    "AC-3": "ac3",
    "AIFF": "aiff",
    "AMR": "amr",
    "AVI": "avi",
    "CAF": "caf",
    "FLAC": "flac",
    "FLV": "flv",
    "MP3": "mp3",
    "MP4": "mov",
    "MPEG program stream": "mpeg",
    "MPEG transport stream": "mpegts",
    "Matroska": "matroska",
    "Ogg": "ogg",
    "WAV": "wav",
    "Wave64": "w64",
    "Windows Media": "asf",
}
# Of the others, a position is found by guessing from the bitrate, or by counting.
_SEEKABLE: Final = frozenset(("MP4", "WAV", "Wave64", "AIFF", "CAF", "FLAC", "Matroska"))
_GAPLESS: Final = frozenset(("Ogg", "FLAC"))
# These have no time stamps: libav counts whatever it finds, junk as well.
_COUNTED: Final = FRAMED | {"AMR"}
# These may be pieces of a broadcast, which begin and end anywhere; how long they are, libav guesses.
_PIECES: Final = _COUNTED | {"MPEG transport stream", "MPEG program stream"}
_OPUS: Final = frozenset(("opus", "libopus"))
_OPUS_RATE: Final = 48_000
_PRE_SKIP: Final = slice(10, 12)
_OPTIONS: Final = {"protocol_whitelist": "file", "codec_whitelist": FOR_SOUND}
_UNDECODED: Final = {**_OPTIONS, "codec_whitelist": FOR_PACKETS, "probesize": "32"}
_MOST_PACKETS: Final = 100
_KINDS_IN_WORDS: Final = "an MP3, M4A, AAC, WAV, AIFF, CAF, FLAC, Ogg, Matroska, WMA, AC-3 or AMR sound file"


@dataclass(frozen=True, slots=True)
class SoundFile:
    """An open file and the one stream of it that is heard; close it after use."""

    container: InputContainer
    stream: AudioStream
    window: BufferedReader | None
    """What the container reads, where that is not the whole file."""
    kind: str
    """As `sniff` names it."""
    links: tuple[range, ...]
    """Where in the file its parts are, each a file of its own, to be heard one after the other; one of them is open."""
    claimed_s: Fraction | None
    """Seconds of sound that the file says it has."""
    share: Fraction
    """Which share is there of the bytes of sound that it says it has."""
    breaks_off: bool
    """Whether its content ends where it should go on."""
    pictures_from_s: Fraction | None
    """The time stamp at which the film begins that it is the sound of; None without pictures."""

    @property
    def may_be_piece(self) -> bool:
        """Whether it may begin and end anywhere, and does not say how long it is."""
        return self.kind in _PIECES

    @property
    def is_measured(self) -> bool:
        """Whether what it claims is read off its content, so that what does not come out of it is lost."""
        return self.kind == "Ogg"

    @property
    def is_gapless(self) -> bool:
        """Whether sound follows sound in it, so that where time stamps leap something was lost."""
        return self.kind in _GAPLESS

    @property
    def is_seekable(self) -> bool:
        """Whether any moment of it can be found without decoding what is before."""
        return self.kind in _SEEKABLE

    @property
    def is_counted(self) -> bool:
        """Whether it has no time stamps, so that its samples are all that tells time."""
        return self.kind in _COUNTED

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.container.close()
        if self.window is not None:
            self.window.close()


def check_audio(source: Source) -> Fraction | None:
    """Open a sound file and return the length in seconds that it claims, if it does.

    Raises:
        PermanentError: not a kind that is read here, damaged, or without sound.
    """
    with open_sound(source) as file:
        return file.claimed_s if len(file.links) == 1 else None  # each of them has its own


def open_sound(source: Source) -> SoundFile:
    """Open a file to decode the stream of sound that is heard; the others are not even read.

    Raises:
        PermanentError: not a kind that is read here, damaged, or without sound.
    """
    kind, start = find_content(source.path)
    if kind not in _DEMUXERS:
        raise source.error(f"is {describe_kind(kind)}, not {_KINDS_IN_WORDS}")
    is_container_cut = check_container_limits(source, kind)
    links, is_whole = _links(source.path, kind, start)
    share = share_of_sound(source.path, kind) if not start else Fraction(1)
    is_cut_in_frame = kind == "MP3" and ends_within_mpeg_frame(source.path)
    is_cut = is_container_cut or share < 1 or not is_whole or is_cut_in_frame
    container, stream, window = _open(source, kind, links, 0)
    pictures_from_s = _pictures_from_s(source.path, kind, container)
    file = SoundFile(container, stream, window, kind, links, None, share, is_cut, pictures_from_s)
    if not is_whole:
        return file  # that it is cut off is certain, and how long it was is not
    told_s = mp3_length_s(source.path, start) if kind == "MP3" else _claimed_s(file)
    return replace(file, claimed_s=told_s)


def open_link(source: Source, file: SoundFile, number: int) -> SoundFile:
    """Open another of the links of a file, which is closed.

    Raises:
        PermanentError: it is damaged, or without sound.
    """
    file.close()
    container, stream, window = _open(source, file.kind, file.links, number)
    opened = replace(file, container=container, stream=stream, window=window)
    more_s = _claimed_s(opened)
    total_s = None if file.claimed_s is None or more_s is None else file.claimed_s + more_s
    return replace(opened, claimed_s=total_s)


def _open(
    source: Source, kind: str, links: Sequence[range], number: int
) -> tuple[InputContainer, AudioStream, BufferedReader | None]:
    link = links[number]
    with ExitStack() as opened:
        window = None
        if link.start or len(links) > 1:
            window = opened.enter_context(open_spliced(source.path, [link]))
        try:
            file = window or f"file:{source.path}"
            container = av.open(file, "r", format=_DEMUXERS[kind], options=_OPTIONS, metadata_errors="replace")
        except FFmpegError as error:
            raise source.error(f"is a damaged {kind} file: {error.strerror}") from error
        opened.enter_context(container)
        stream = _choose(source, kind, container)
        if stream.codec_context.name == "flac":  # its frames carry a checksum, and damage is loud
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        opened.pop_all()
    return container, stream, window


def _links(path: Path, kind: str, start: int) -> tuple[tuple[range, ...], bool]:
    """Return where the parts of a file are, and whether the last is whole as far as that tells."""
    whole = (range(start, path.stat().st_size),)
    if kind == "Ogg":
        pages = read_ogg_pages(path, start)
        return pages.links or whole, pages.is_whole
    return find_joined(path, kind, start) if kind in FRAMED else whole, True


def _choose(source: Source, kind: str, container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise source.error(f"is {describe_kind(kind)} without sound")
    stream = choose_sound(source, container.streams.audio)
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    return stream


def _claimed_s(file: SoundFile) -> Fraction | None:
    container, stream = file.container, file.stream
    if file.may_be_piece:
        return None
    if stream.duration and stream.time_base:
        return max(Fraction(0), stream.duration * stream.time_base - _pre_skip_s(file))
    if container.streams.video:  # the file lasts as long as its pictures, which the sound may not
        return tagged_s(stream.metadata)
    if not container.duration:
        return None
    return max(Fraction(0), Fraction(container.duration, av.time_base) - _pre_skip_s(file))


def _pre_skip_s(file: SoundFile) -> Fraction:
    """Return how much of the start of Opus is never heard (RFC 7845, 5.1), which Ogg and Matroska count as well."""
    context = file.stream.codec_context
    if context.name not in _OPUS or file.kind == "MP4":
        return Fraction(0)
    return Fraction(int.from_bytes((context.extradata or b"")[_PRE_SKIP], "little"), _OPUS_RATE)


def _pictures_from_s(path: Path, kind: str, container: InputContainer) -> Fraction | None:
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not films:
        return None
    film = next((film for film in films if film.disposition & Disposition.default), films[0])
    start = _first_pts(path, kind, film.index) if kind == "Matroska" else film.start_time or 0
    return begin_s(container, start * (film.time_base or Fraction(0)))


def _first_pts(path: Path, kind: str, index: int) -> int:
    """Return the time stamp of a stream's first packet: of Matroska, libav takes 0 for it where it decodes nothing."""
    try:
        with av.open(
            f"file:{path}", format=_DEMUXERS[kind], options=_UNDECODED, metadata_errors="replace"
        ) as container:
            for other in container.streams:
                if other.index != index:
                    other.discard = Discard.all
            packets = islice(container.demux(container.streams[index]), _MOST_PACKETS)
            return next((packet.pts for packet in packets if packet.pts is not None), 0)
    except (FFmpegError, IndexError):
        return 0  # who decodes the pictures says what is wrong with them
