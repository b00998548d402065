"""Reads subtitle files into cues. They are recognised by their content, because names mean nothing.

Nobody is helped by subtitles that are half there: what cannot be read is an error that names the line.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from videojob_contract.errors import Reason
from videojob_worker.text import ass, srt, vtt
from videojob_worker.text.cues import Cue, LineError, shortened

if TYPE_CHECKING:
    from videojob_worker.media.source import Source

MAX_BYTES: Final = 10 * 1024**2
MAX_CUES: Final = 50_000
"""Ten times what a long film has; scripts that animate every syllable have many."""

_LETTER: Final = 0xC0  # from here on, Windows-1252 has letters
_MOST_FOREIGN: Final = 0.25


class SubtitleFormat(StrEnum):
    """Formats of subtitles, by their names."""

    SRT = "SRT"
    VTT = "WebVTT"
    ASS = "ASS"


_READERS: Final = {SubtitleFormat.SRT: srt.read, SubtitleFormat.VTT: vtt.read, SubtitleFormat.ASS: ass.read}


def read_cues(source: Source) -> tuple[SubtitleFormat, str, tuple[Cue, ...]]:
    """Return a file's format, its whole text, and its cues in the order of their starts.

    Raises:
        PermanentError: it is too large, or none of the formats, or a line of it cannot be read.
    """
    size = source.path.stat().st_size
    if size > MAX_BYTES:
        raise source.error(
            f"has {size} bytes; subtitles have at most {MAX_BYTES // 1024**2} MiB", Reason.SOURCE_TOO_LARGE
        )
    try:
        text = decode_text(source.path.read_bytes())
        form = _format(text)
        cues = sorted(_READERS[form](text.split("\n")), key=lambda cue: cue.start_ms)
    except LineError as error:
        raise source.error(f"cannot be read as subtitles: {error}") from error
    if len(cues) > MAX_CUES:
        raise source.error(f"has {len(cues)} cues; at most {MAX_CUES} are drawn", Reason.SOURCE_TOO_LARGE)
    return form, text, tuple(cues)


def decode_text(data: bytes) -> str:
    r"""Decode a text file: UTF-8, UTF-16 with its mark, or what Windows wrote in Western Europe; lines end in `\n`.

    Raises:
        LineError: it is in none of these.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"] if _is_western(data) else ["utf-8-sig"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            failed = error
        else:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
            if (nul := text.find("\0")) >= 0:
                raise LineError(text.count("\n", 0, nul) + 1, "is not text")
            return unicodedata.normalize("NFC", text)  # fonts lack parts of letters
    line = data.count(b"\n", 0, failed.start) + 1
    raise LineError(line, "is neither UTF-8 nor UTF-16; save the file as UTF-8")


def _is_western(data: bytes) -> bool:
    """Whether bytes beyond ASCII are so few that they can be accents; Cyrillic or Greek is all of them."""
    foreign = sum(1 for byte in data if byte >= _LETTER)
    letters = sum(1 for byte in data if chr(byte).isalpha() and byte < 128)  # noqa: PLR2004 - ASCII
    return foreign <= _MOST_FOREIGN * (letters + foreign)


def _format(text: str) -> SubtitleFormat:
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped:
            continue
        if re.match(r"WEBVTT(\s|$)", stripped):
            return SubtitleFormat.VTT
        if re.fullmatch(r"\[[^\]]+\]", stripped) or stripped.startswith((";", "!:")):
            return SubtitleFormat.ASS
        if stripped.isdecimal() or "-->" in stripped:
            return SubtitleFormat.SRT
        raise LineError(number, f"{shortened(stripped)} begins neither SRT, WebVTT nor ASS")
    raise LineError(1, "the file is empty")
