"""Opens containers of video: a demuxer and decoders from allow lists, one local file, and bounds on what it claims.

The demuxer is named by the file's content. libav would guess, and what it guesses may open other files: a
playlist, a list of files to join, a manifest. The bounds are looked at before the demuxer reads, where it
would believe the file.
"""

from collections.abc import Mapping
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from videojob_contract.errors import Reason
from videojob_worker.media.files.container_limits import MAX_TRACKS, check_container_limits
from videojob_worker.media.files.decoders import FOR_PACKETS, FOR_PICTURES, PICTURES
from videojob_worker.media.files.sniff import describe_kind, file_kind
from videojob_worker.media.files.source import Source
from videojob_worker.media.video.coded_size import MAX_PIXELS, check_coded_size

DEMUXERS: Final[Mapping[str, str]] = {
    "AVI": "avi",
    "FLV": "flv",
    "MP4": "mov",
    "MPEG program stream": "mpeg",
    "MPEG transport stream": "mpegts",
    "Matroska": "matroska",
    "Ogg": "ogg",
    "Windows Media": "asf",
}
"""libav's demuxer for each kind of container that is read: of MP4 also QuickTime, of Matroska also WebM."""

WITHOUT_HEADER: Final = frozenset(("flv", "mpeg", "mpegts"))
"""Demuxers that find streams on the way, to which no options go: what libav decodes of them would have no bounds."""
_KINDS_IN_WORDS: Final = "an MP4, MOV, WebM, MKV, AVI, MPEG, FLV, WMV or Ogg video"
_OPTIONS: Final = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg",
    "max_streams": str(MAX_TRACKS),
    "codec_whitelist": FOR_PICTURES,
    "max_pixels": str(MAX_PIXELS),
    # What is cropped counts for no limit of libav's: at first the size is seen that is coded.
    "flags2": "ignorecrop",
}

_UNDECODED: Final = {**_OPTIONS, "codec_whitelist": FOR_PACKETS, "probesize": "32"}


def open_video(source: Source) -> tuple[InputContainer, VideoStream]:
    """Open a container and pick the stream of pictures that players show; the others are not even read.

    The caller closes the container. What only a decoded frame tells is not told of those `WITHOUT_HEADER`.

    Raises:
        PermanentError: not a kind that is read here, damaged, cut short, without pictures, or beyond a limit.
    """
    return _open(source, _OPTIONS)


def open_packets(source: Source) -> tuple[InputContainer, VideoStream]:
    """Open what `open_video` has opened before, to read packets alone: in a hundredth of the time.

    What only a decoded frame tells is not told: pixels, and colours of which the container says nothing.

    Raises:
        PermanentError: not a kind that is read here, damaged, cut short, without pictures, or beyond a limit.
    """
    return _open(source, _UNDECODED)


def _open(source: Source, options: Mapping[str, str]) -> tuple[InputContainer, VideoStream]:
    kind = file_kind(source.path)
    demuxer = DEMUXERS.get(kind)
    if demuxer is None:
        raise source.error(f"is {describe_kind(kind)}, not {_KINDS_IN_WORDS}")
    check_container_limits(source, kind)
    if demuxer in WITHOUT_HEADER:
        options = {**options, "codec_whitelist": FOR_PACKETS}
    try:
        container = av.open(f"file:{source.path}", format=demuxer, options=dict(options), metadata_errors="replace")
    except FFmpegError as error:
        raise source.error(f"is a damaged {kind} file: {error.strerror}") from error
    try:
        return container, _choose(source, kind, container)
    except BaseException:
        container.close()
        raise


def _choose(source: Source, kind: str, container: InputContainer) -> VideoStream:
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not films:
        raise source.error(f"is {describe_kind(kind)} without pictures")
    stream = next((film for film in films if film.disposition & Disposition.default), films[0])
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    name = _codec_of(stream.codec_context)
    if name not in PICTURES:
        raise source.error(f"has pictures in {name}, which is not read here")
    check_coded_size(source, stream.codec_context.width, stream.codec_context.height)
    if container.format.name not in WITHOUT_HEADER:
        check_size_known(source, stream.codec_context)
    return stream


def check_size_known(source: Source, context: VideoCodecContext) -> None:
    """Check that a decoder knows the size of pictures: most forget it when it is beyond `max_pixels`.

    Raises:
        PermanentError: it does not.
    """
    if not context.width * context.height:
        raise source.error(
            f"has pictures of more than {MAX_PIXELS // 1_000_000} megapixels, or does not say how large they are",
            Reason.SOURCE_TOO_LARGE,
        )


def _codec_of(context: VideoCodecContext | None) -> str:
    """Name a codec; where libav has no decoder at all, there is no context."""
    return "an unknown codec" if context is None else context.codec.canonical_name
