"""Which of the sounds of a file is heard: the one that is asked for, else the one that players begin with."""

from collections.abc import Sequence
from typing import Final

from av.audio.stream import AudioStream
from av.stream import Disposition

from videojob_contract.errors import Reason
from videojob_worker.media.files.decoders import SOUND
from videojob_worker.media.files.source import Source

# ISO 639-2 has two codes for some languages: by their English name, which Matroska has, and by their own.
_TWO_CODES: Final = (
    *(("alb", "sqi"), ("arm", "hye"), ("baq", "eus"), ("bur", "mya"), ("chi", "zho"), ("cze", "ces"), ("dut", "nld")),
    *(("fre", "fra"), ("geo", "kat"), ("ger", "deu"), ("gre", "ell"), ("ice", "isl"), ("mac", "mkd"), ("mao", "mri")),
    *(("may", "msa"), ("per", "fas"), ("rum", "ron"), ("slo", "slk"), ("tib", "bod"), ("wel", "cym")),
)
_OWN_CODE: Final = dict(_TWO_CODES)


def choose_sound(source: Source, streams: Sequence[AudioStream]) -> AudioStream:
    """Choose one of the sounds of a source, of which there is at least one.

    Raises:
        PermanentError: it has none like the one that is asked for, or none that can be decoded.
    """
    fitting = _fitting(source, streams)
    readable = [stream for stream in fitting if _codec(stream) in SOUND]
    if not readable:
        raise source.error(
            f"has its sound as {_codec(fitting[0])}, which is not read: "
            "use AAC, MP3, Opus, Vorbis, FLAC, ALAC, AC-3 or PCM"
        )
    if readable[0] is not fitting[0]:
        number, other = (streams.index(stream) + 1 for stream in (fitting[0], readable[0]))
        source.warn(f"has {_codec(fitting[0])} in its sound {number}, which is not read: its sound {other} is heard")
    return readable[0]


def _fitting(source: Source, streams: Sequence[AudioStream]) -> Sequence[AudioStream]:
    """Return those that may be meant, the likeliest first."""
    by_default = sorted(streams, key=_is_unlikely)
    wanted = source.track
    match wanted:
        case None:
            return by_default
        case int():
            fitting = streams[wanted - 1 : wanted]
        case str():
            fitting = [stream for stream in by_default if _language(stream.language) == _language(wanted)]
    if not fitting:
        there = ", ".join(f"{number} ({stream.language or 'und'})" for number, stream in enumerate(streams, 1))
        raise source.error(f"has no sound {wanted}; it has {there}", Reason.INVALID_SPEC)
    return fitting


def _is_unlikely(stream: AudioStream) -> tuple[bool, bool]:
    """Order what is meant before what is not: first of all, there has to be any sound in it."""
    is_empty = stream.container.format.name.startswith("mov") and not len(stream.index_entries)
    return is_empty, not stream.disposition & Disposition.default


def _language(code: str | None) -> str | None:
    return code if code is None else _OWN_CODE.get(code, code)


def _codec(stream: AudioStream) -> str:
    """Name a codec; of one that is unknown to libav, there is no context."""
    return getattr(stream.codec_context, "name", "something unknown")
