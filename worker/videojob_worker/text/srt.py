"""Reads SRT: numbered blocks of a time and some lines, with a few tags of HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from videojob_worker.text.cues import LineError, cue, shortened
from videojob_worker.text.markup import from_srt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.text.cues import Cue

_STAMP: Final = r"(\d{1,4}):([0-5]?\d):([0-5]?\d)(?:[,.](\d{1,3}))?"
# Coordinates may follow, which nothing draws any more.
_TIME: Final = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s+[XY][12]:.*)?\s*")


def read(lines: list[str]) -> Iterator[Cue]:
    """Yield the cues.

    Raises:
        LineError: a line is not what must stand there.
    """
    at = 0
    while True:
        while at < len(lines) and not lines[at].strip():
            at += 1
        if at == len(lines):
            return
        if lines[at].strip().isdecimal() and at + 1 < len(lines):
            at += 1
        number = at + 1
        found = _TIME.fullmatch(lines[at])
        if found is None:
            said = f"expected a time, such as 00:00:01,000 --> 00:00:02,500, and found {shortened(lines[at].strip())}"
            raise LineError(number, said)
        at += 1
        first = at
        while at < len(lines) and lines[at].strip():
            at += 1
        groups = found.groups()
        text, markup = from_srt("\n".join(line.strip() for line in lines[first:at]))
        yield cue(number, milliseconds(*groups[:4]), milliseconds(*groups[4:]), text, markup)


def milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    """Return a time's parts as one number."""
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "").ljust(3, "0"))
