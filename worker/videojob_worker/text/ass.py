"""Reads ASS scripts as far as the plan needs to know them, and refuses what takes unbounded memory to draw.

libass reads them by itself, for drawing, and skips what it does not understand; here that is an error. The format
is what Aegisub's documentation and libass make of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from videojob_worker.text.ass_limits import AssLimits
from videojob_worker.text.cues import Cue, LineError, check_cue

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_CHARACTERS: Final = 64 * 1024
"""Of one event: a drawing can be long."""

_TIME: Final = re.compile(r"\s*(\d{1,4}):([0-5]?\d):([0-5]?\d)\.(\d\d)\s*")
_BLOCK: Final = re.compile(r"(\{[^{}]*\})")
_MOVING: Final = re.compile(r"\\(t\s*\(|move\s*\(|fade?\s*\(|[kK])")
_PLACED: Final = re.compile(r"\\(pos|move)\s*\(")
_DRAWING: Final = re.compile(r"\\p\s*(\d+)")
_SECTION: Final = re.compile(r"\s*\[([^\]]+)\]\s*")
_RESOLUTIONS: Final = ("playresx", "playresy", "layoutresx", "layoutresy")
_RESOLUTION: Final = range(1, 16385)


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a script: in which section, of which kind, and what follows the colon."""

    number: int
    section: str
    kind: str
    value: str


def read(lines: list[str]) -> Iterator[Cue]:
    """Yield the cues.

    Raises:
        LineError: a line is not what must stand there, or would take unbounded memory to draw.
    """
    rows = list(_rows(lines))
    sizes = AssLimits(_height(rows), _styles(rows))
    order = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    found = 0
    for row in rows:
        if row.section != "events":
            continue
        if row.kind == "format":
            order = _names(row)
            if not {"start", "end"} <= set(order) or order[-1] != "text":
                raise LineError(row.number, "the format of events needs Start, End and, last, Text")
        elif row.kind == "dialogue":
            found += 1
            yield _event(row, order, sizes)
    if not found:
        raise LineError(len(lines), "the script ends, and has no events")


def _rows(lines: list[str]) -> Iterator[_Row]:
    section = ""
    for number, line in enumerate(lines, start=1):
        if heading := _SECTION.fullmatch(line):
            section = heading[1].strip().casefold()
            continue
        kind, colon, value = line.partition(":")
        if colon:
            yield _Row(number, section, kind.strip().casefold(), value.strip())


def _names(row: _Row) -> list[str]:
    return [name.strip().casefold() for name in row.value.split(",")]


def _height(rows: list[_Row]) -> int | None:
    """Return the height in pixels that a script is written for, if it says so."""
    height = None
    for row in rows:
        if row.kind in _RESOLUTIONS:
            if not row.value.isdecimal() or int(row.value) not in _RESOLUTION:
                raise LineError(row.number, f"a resolution is from {_RESOLUTION[0]} to {_RESOLUTION[-1]}")
            if row.kind == "playresy":
                height = int(row.value)
    return height


def _styles(rows: list[_Row]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each style's line, and its fields."""
    order: list[str] = []
    for row in rows:
        if row.section not in {"v4 styles", "v4+ styles"}:
            continue
        if row.kind == "format":
            order = _names(row)
        elif row.kind == "style":
            if not order:
                raise LineError(row.number, "the line with the format of styles must come before")
            yield row.number, dict(zip(order, row.value.split(","), strict=False))


def _event(row: _Row, order: list[str], sizes: AssLimits) -> Cue:
    values = row.value.split(",", len(order) - 1)
    if len(values) < len(order):
        raise LineError(row.number, f"an event has {len(order)} fields, and this one has {len(values)}")
    event = dict(zip(order, values, strict=True))
    start, end = (_milliseconds(row.number, event[name]) for name in ("start", "end"))
    text = event["text"]
    check_cue(row.number, start, end, len(text), MAX_LINE_CHARACTERS)
    plain, drawings = _parted(text)
    overrides = "".join(part for part in _BLOCK.split(text) if part.startswith("{"))
    return Cue(
        start,
        end,
        plain,
        pictures=sizes.pictures(row.number, event.get("style", ""), overrides, len(plain), drawings),
        moving=bool(event.get("effect", "").strip() or _MOVING.search(overrides)),
        placed=bool(_PLACED.search(overrides)),
    )


def _milliseconds(number: int, time: str) -> int:
    found = _TIME.fullmatch(time)
    if found is None:
        raise LineError(number, f'a time is written like 0:00:01.50, and not "{time.strip()[:40]}"')
    hours, minutes, seconds, hundredths = (int(part) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10


def _parted(text: str) -> tuple[str, list[tuple[int, str]]]:
    r"""Return what an event says, plain, and its drawings, each with its scale (that of `\p`)."""
    said, drawings = [], []
    scale = 0
    for part in _BLOCK.split(text):
        if part.startswith("{"):
            for found in _DRAWING.finditer(part):
                scale = int(found[1])
        elif scale:
            drawings.append((scale, part))
        else:
            said.append(part)
    plain = "".join(said).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    return plain, drawings
