"""Reads SubRip as players do: a line with a time starts a cue, and what follows it, up to the next, is its text.

There is no specification. Numbers before times are dropped where the file has them; all else that stands between two
times is drawn, and what is unusual about it is told. (libavformat's `srtdec.c` goes by the same rule.)
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from videojob_worker.text.cues import Cue, checked, shortened
from videojob_worker.text.markup import from_srt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.text.cues import Note

_STAMP: Final = r"(-?)(?:(\d{1,4})\s*:\s*)?(\d{1,4})\s*:\s*(\d{1,4})(?:\s*[,.:;]\s*(\d{1,9}))?"
_ARROW: Final = r"\s*[-\u2013\u2014]{1,3}\s?>\s*"
_TIME: Final = re.compile(rf"\s*{_STAMP}{_ARROW}{_STAMP}(?!\d)\s*(.*)")
_BROKEN: Final = re.compile(r"\s*-?\d[^<>]*-->")
# Coordinates, and the settings of WebVTT, which nothing draws here.
_SETTINGS: Final = re.compile(r"(?:\w+:\S*(?:\s+|$))*")


def is_time(line: str) -> bool:
    """Return whether a cue starts with a line."""
    return _TIME.match(line) is not None


def read(lines: list[str], note: Note) -> Iterator[Cue]:
    """Yield the cues."""
    starts = [at for at, line in enumerate(lines) if _TIME.match(line) or _BROKEN.match(line)]
    if not starts:
        return
    numbers = [_number(lines, at - 1) for at in starts]
    numbered = 2 * sum(number is not None for number in numbers) >= len(numbers)
    before = next((at for at in range(starts[0]) if lines[at].strip() and _number(lines, at) is None), None)
    if before is not None:
        note(before + 1, f"{shortened(lines[before].strip())} stands before the first time, and is not drawn")
    last = 0
    for at, end in pairwise([*starts, len(lines)]):
        last = (_number(lines, at - 1) or last) if numbered else 0
        body = lines[at + 1 : end]
        if numbered:
            body = _without_number(body, last + 1, is_last=end == len(lines))
        yield from _cue(lines[at], at + 1, body, note)


def _number(lines: list[str], at: int) -> int | None:
    """Return the number that stands alone in a line."""
    alone = lines[at].strip() if at >= 0 else ""
    most_digits = 9
    return int(alone) if alone.isdecimal() and len(alone) <= most_digits else None


def _without_number(body: list[str], following: int, *, is_last: bool) -> list[str]:
    """Leave out the number of the next cue: right before its time, or apart, where it is the one to come."""
    filled = next((end for end in range(len(body), 0, -1) if body[end - 1].strip()), 0)
    number = _number(body, filled - 1)
    apart = filled < 2 or not body[filled - 2].strip()  # noqa: PLR2004 - the line before it
    before_time = filled == len(body) and not is_last
    if number is not None and (before_time or (apart and number == following)):
        return body[: filled - 1]
    return body


def _cue(time: str, number: int, body: list[str], note: Note) -> Iterator[Cue]:
    found = _TIME.match(time)
    if found is None:
        note(number, f"{shortened(time.strip())} is no time, and the text below it is not drawn")
        return
    *times, rest = found.groups()
    start_ms, end_ms = (milliseconds(*part) for part in (times[1:5], times[6:]))
    if times[0]:
        note(number, "the cue starts before zero, and is drawn from zero on")
        start_ms = 0
    if times[5]:
        end_ms = 0
    if not _SETTINGS.fullmatch(rest):
        note(number, f"{shortened(rest)} stands behind the time, and is not drawn")
    said = "\n".join(line.strip() for line in body).strip("\n")
    if "\n\n" in said:
        note(number, "the cue has empty lines, and what follows them is drawn with it")
    text, markup = from_srt(re.sub(r"\n{3,}", "\n\n", said))
    yield from checked(number, Cue(start_ms, end_ms, text, markup), note)


def milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    """Return a time's parts as one number."""
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "").ljust(3, "0")[:3])
