"""Reads WebVTT by the rules for parsers of the W3C (WebVTT, section 6), which never refuse.

Of the settings, `line` and `align` are followed as far as nine places go; players choose the rest themselves too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from videojob_worker.text.cues import Cue, checked, shortened
from videojob_worker.text.direction import is_right_to_left
from videojob_worker.text.markup import from_vtt
from videojob_worker.text.srt import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.text.cues import Note

_ARROW: Final = "-->"
_STAMP: Final = r"(?:(\d{2,9}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIME: Final = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?!\d)(.*)")
_SIGNATURE: Final = re.compile(r"WEBVTT(?:[ \t].*)?")
_SKIPPED: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_LINE: Final = re.compile(r"(-?\d+(?:\.\d+)?)(%?)(?:,(?:start|center|end))?")
_COLUMNS: Final = {"start": 0, "left": 0, "end": 2, "right": 2}
_TOP_PERCENT, _BOTTOM_PERCENT = 33.4, 66.6


def is_signature(line: str) -> bool:
    """Return whether a file that begins with a line is WebVTT."""
    return _SIGNATURE.fullmatch(line) is not None


def read(lines: list[str], note: Note) -> Iterator[Cue]:
    """Yield the cues."""
    at = _end_of_block(lines, next((at for at, line in enumerate(lines) if line.strip()), 0), header=True)
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        end = _end_of_block(lines, at)
        first = at if _ARROW in lines[at] else at + 1  # behind its name
        if first < end and _ARROW in lines[first]:
            yield from _cue(lines, first, end, note)
        elif not _SKIPPED.match(lines[at]):
            note(at + 1, f"{shortened(lines[at])} is no cue, for it has no time, and is not drawn")
        at = end


def _end_of_block(lines: list[str], start: int, *, header: bool = False) -> int:
    """Return where a block ends: at an empty line, or before a line with an arrow that is not its own."""
    own = header  # which has none
    for at in range(start, len(lines)):
        if not lines[at]:
            return at
        if _ARROW in lines[at]:
            if own or at > start + 1:
                return at
            own = True
    return len(lines)


def _cue(lines: list[str], at: int, end: int, note: Note) -> Iterator[Cue]:
    found = _TIME.match(lines[at])
    if found is None:
        note(
            at + 1, f"{shortened(lines[at].strip())} is no time, such as 00:01.000 --> 00:02.500; the cue is not drawn"
        )
        return
    text, markup = from_vtt("\n".join(line.strip() for line in lines[at + 1 : end]))
    *times, settings = found.groups()
    markup = _place(settings, right_to_left=is_right_to_left(text)) + markup
    yield from checked(at + 1, Cue(milliseconds(*times[:4]), milliseconds(*times[4:]), text, markup), note)


def _place(settings: str, *, right_to_left: bool) -> str:
    """Return the place that settings ask for: rows of three from the bottom left, as on a numeric keypad."""
    given = dict(setting.split(":", 1) for setting in settings.split() if ":" in setting)
    line, align = _LINE.fullmatch(given.get("line", "")), given.get("align", "")
    if not line and align not in _COLUMNS:
        return ""
    column = _COLUMNS.get(align, 1)
    if right_to_left and align in {"start", "end"}:
        column = 2 - column
    return f"{{\\an{3 * (_row(float(line[1]), line[2]) if line else 0) + column + 1}}}"


def _row(line: float, unit: str) -> int:
    if not unit:  # lines from the top, or, when negative, from the bottom
        return 2 if line >= 0 else 0
    return 2 if line < _TOP_PERCENT else 1 if line < _BOTTOM_PERCENT else 0
