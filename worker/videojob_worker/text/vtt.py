"""Reads WebVTT (W3C): blocks of a time with settings and some lines, among notes and styles.

Of the settings, `line` and `align` are followed as far as nine places go; players choose the rest themselves too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from videojob_worker.text.cues import LineError, cue, shortened
from videojob_worker.text.markup import from_vtt
from videojob_worker.text.srt import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.text.cues import Cue

_STAMP: Final = r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIME: Final = re.compile(rf"\s*{_STAMP}\s+-->\s+{_STAMP}(?:\s+(.*))?")
_SKIPPED: Final = re.compile(r"(NOTE|STYLE|REGION)(\s|$)")
_COLUMNS: Final = {"start": 0, "left": 0, "end": 2, "right": 2}
_TOP_PERCENT, _BOTTOM_PERCENT = 33.4, 66.6


def read(lines: list[str]) -> Iterator[Cue]:
    """Yield the cues.

    Raises:
        LineError: a line is not what must stand there.
    """
    at = _end_of_block(lines, 0)  # the header
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        end = _end_of_block(lines, at)
        if not _SKIPPED.match(lines[at]):
            yield _cue(lines, at, end)
        at = end


def _end_of_block(lines: list[str], at: int) -> int:
    while at < len(lines) and lines[at].strip():
        at += 1
    return at


def _cue(lines: list[str], at: int, end: int) -> Cue:
    if "-->" not in lines[at] and at + 1 < end:  # its name
        at += 1
    found = _TIME.fullmatch(lines[at])
    if found is None:
        said = f"expected a time, such as 00:01.000 --> 00:02.500, and found {shortened(lines[at].strip())}"
        raise LineError(at + 1, said)
    text, markup = from_vtt("\n".join(line.strip() for line in lines[at + 1 : end]))
    *times, settings = found.groups()
    return cue(at + 1, milliseconds(*times[:4]), milliseconds(*times[4:]), text, _place(settings or "") + markup)


def _place(settings: str) -> str:
    """Return the place that settings ask for: rows of three from the bottom left, as on a numeric keypad."""
    given = dict(setting.split(":", 1) for setting in settings.split() if ":" in setting)
    line, align = given.get("line", "").partition(",")[0], given.get("align", "")
    if not line and align not in _COLUMNS:
        return ""
    column = _COLUMNS.get(align, 1)
    return f"{{\\an{3 * _row(line) + column + 1}}}"


def _row(line: str) -> int:
    try:
        value = float(line.removesuffix("%"))
    except ValueError:
        return 0
    if not line.endswith("%"):  # lines from the top, or, when negative, from the bottom
        return 2 if value >= 0 else 0
    return 2 if value < _TOP_PERCENT else 1 if value < _BOTTOM_PERCENT else 0
