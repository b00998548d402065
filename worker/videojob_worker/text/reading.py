"""Reads subtitle files into cues. They are recognised by their content, because names mean nothing.

Every format is read as its players read it, which refuse nothing; what is odd is told by its line. Refused is only
what has no cue at all, or would take unbounded memory to draw.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from videojob_contract.errors import Reason
from videojob_worker.text import ass, srt, vtt
from videojob_worker.text.cues import Cue, LineError, shortened
from videojob_worker.text.decoding import decode_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_contract.resources.text import TextEncoding
    from videojob_worker.media.files.source import Source

MAX_BYTES: Final = 10 * 1024**2
MAX_CUES: Final = 50_000
"""Ten times what a long film has; scripts that animate every syllable have many."""
_SHOWN_LINES: Final = 5


class SubtitleFormat(StrEnum):
    """Formats of subtitles, by their names."""

    SRT = "SRT"
    VTT = "WebVTT"
    ASS = "ASS"


_READERS: Final = {SubtitleFormat.SRT: srt.read, SubtitleFormat.VTT: vtt.read, SubtitleFormat.ASS: ass.read}


def read_cues(source: Source, encoding: TextEncoding | None) -> tuple[SubtitleFormat, str, tuple[Cue, ...]]:
    """Return a file's format, its whole text, and its cues in the order of their starts.

    Raises:
        PermanentError: it is too large, is no text, has no cue, or asks for too much memory.
    """
    size = source.path.stat().st_size
    if size > MAX_BYTES:
        raise source.error(
            f"has {size} bytes; subtitles have at most {MAX_BYTES // 1024**2} MiB", Reason.SOURCE_TOO_LARGE
        )
    text = decode_text(source, encoding)
    try:
        form, cues, odd = _read(source, text.split("\n"))
    except LineError as error:
        raise source.error(f"cannot be read as subtitles: {error}") from error
    if len(cues) > MAX_CUES:
        raise source.error(f"has {len(cues)} cues; at most {MAX_CUES} are drawn", Reason.SOURCE_TOO_LARGE)
    for what, where in odd.items():
        source.warn(f"{_told(where)}: {what}")
    return form, text, tuple(cues)


def _read(source: Source, lines: list[str]) -> tuple[SubtitleFormat, list[Cue], Mapping[str, list[int]]]:
    """Return the format, the cues, and what is odd, with the lines where it is."""
    form = _format(lines)
    cues, odd = _cues(form, lines)
    if not cues and form is SubtitleFormat.VTT and any(map(srt.is_time, lines)):
        source.warn("begins like WebVTT, and is read as SRT: none of its times is WebVTT's")
        form = SubtitleFormat.SRT
        cues, odd = _cues(form, lines)
    if not cues:
        raise LineError(len(lines), f"the file ends, and has no cue of {form}")
    return form, cues, odd


def _cues(form: SubtitleFormat, lines: list[str]) -> tuple[list[Cue], Mapping[str, list[int]]]:
    odd: dict[str, list[int]] = defaultdict(list)
    cues = sorted(_READERS[form](lines, lambda line, what: odd[what].append(line)), key=lambda cue: cue.start_ms)
    return cues, odd


def _told(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:_SHOWN_LINES]))
    more = f" and {len(lines) - _SHOWN_LINES} more" if len(lines) > _SHOWN_LINES else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}"


def _format(lines: list[str]) -> SubtitleFormat:
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise LineError(1, "the file is empty")
    if vtt.is_signature(first):
        return SubtitleFormat.VTT
    for line in lines:
        if ass.heading(line):
            return SubtitleFormat.ASS
        if srt.is_time(line):
            return SubtitleFormat.SRT
    raise LineError(1, f"{shortened(first.strip())} begins neither SRT, WebVTT nor ASS, and no line has a time")
