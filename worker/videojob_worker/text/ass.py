"""Reads ASS scripts as libass does (its `ass.c`), as far as the plan needs to know them.

libass reads them by itself, for drawing, and skips what it does not understand; the same is skipped here, and told.
What takes unbounded memory to draw is refused (`ass_limits.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from videojob_worker.text.ass_limits import AssLimits
from videojob_worker.text.cues import Cue, LineError, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.text.cues import Note

MAX_LINE_CHARACTERS: Final = 64 * 1024
"""Of one event: a drawing can be long."""

_INTEGER: Final = r"\s*([-+]?\d{1,9})"
_TIME: Final = re.compile(rf"{_INTEGER}:{_INTEGER}:{_INTEGER}\.{_INTEGER}")
_NUMBER: Final = re.compile(_INTEGER)
_BLOCK: Final = re.compile(r"(\{[^{}]*\})")
_MOVING: Final = re.compile(r"\\(t\s*\(|move\s*\(|fade?\s*\(|[kK])")
_PLACED: Final = re.compile(r"\\(pos|move)\s*\(")
_DRAWING: Final = re.compile(r"\\p\s*(\d+)")
_HEADINGS: Final = ("[script info]", "[v4 styles]", "[v4+ styles]", "[events]", "[fonts]")
_DEFAULT_HEIGHT: Final = 288
# What a script means that does not say the order of its fields.
_EVENT_FIELDS: Final = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
_STYLE_START: Final = "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, "
_STYLE_FIELDS: Final = {
    "[v4 styles]": f"{_STYLE_START}TertiaryColour, BackColour, Bold, Italic, BorderStyle, Outline, Shadow, Alignment, "
    "MarginL, MarginR, MarginV, AlphaLevel, Encoding",
    "[v4+ styles]": f"{_STYLE_START}OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, "
    "Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a script: in which section, of which kind, and what follows the colon."""

    number: int
    section: str
    kind: str
    value: str


def heading(line: str) -> str | None:
    """Return the heading of a section that a line is, in small letters; what follows it means nothing."""
    start = line.lstrip(" \t").casefold()
    return next((each for each in _HEADINGS if start.startswith(each)), None)


def read(lines: list[str], note: Note) -> Iterator[Cue]:
    """Yield the cues.

    Raises:
        LineError: it would take unbounded memory to draw a line.
    """
    rows = list(_rows(lines))
    limits = AssLimits(_shorter_side(rows), _styles(rows))
    order = _names(_EVENT_FIELDS)
    for row in rows:
        if row.section == "[events]" and row.kind == "Format":
            order = _names(row.value)
        elif row.section == "[events]" and row.kind == "Dialogue":
            yield from _event(row, order, limits, note)


def _rows(lines: list[str]) -> Iterator[_Row]:
    section = ""
    for number, line in enumerate(lines, start=1):
        if found := heading(line):
            section = found
            continue
        kind, colon, value = line.lstrip(" \t").partition(":")
        if colon:
            yield _Row(number, section, kind, value.lstrip(" \t"))


def _names(fields: str) -> list[str]:
    return [name.strip().casefold() for name in fields.split(",")]


def _shorter_side(rows: list[_Row]) -> int:
    """Return the least of the sizes, in pixels, that a script is written for."""
    given = {
        row.kind: int(found[1])
        for row in rows
        if row.section == "[script info]" and (found := _NUMBER.match(row.value)) is not None
    }
    sizes = [given.get(name, 0) for name in ("PlayResX", "PlayResY", "LayoutResX", "LayoutResY")]
    positive = [size for size in sizes if size > 0]
    # One that is missing is made from the other, by 3/4 at the least.
    return min([*positive, max(1, positive[0] * 3 // 4)] if positive else [_DEFAULT_HEIGHT])


def _styles(rows: list[_Row]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each style's line, and its fields."""
    order: list[str] | None = None
    for row in rows:
        if row.section not in _STYLE_FIELDS:
            continue
        if row.kind == "Format":
            order = _names(row.value)
        elif row.kind == "Style":
            order = order or _names(_STYLE_FIELDS[row.section])
            yield row.number, dict(zip(order, row.value.split(","), strict=False))


def _event(row: _Row, order: list[str], limits: AssLimits, note: Note) -> Iterator[Cue]:
    if "text" not in order:
        note(row.number, "is an event of a script whose format of events has no Text, and is not drawn")
        return
    order = order[: order.index("text") + 1]
    values = row.value.split(",", len(order) - 1)
    if len(values) < len(order):
        note(row.number, f"the event has {len(values)} fields of {len(order)}, and is not drawn")
        return
    event = dict(zip(order, values, strict=True))
    start, end = (_milliseconds(row.number, event.get(name, ""), note) for name in ("start", "end"))
    if end <= max(start, 0):
        note(row.number, "the event ends no later than it starts, and is never seen")
        return
    text = event["text"]
    if len(text) > MAX_LINE_CHARACTERS:
        raise LineError(row.number, f"the event has {len(text)} characters; at most {MAX_LINE_CHARACTERS} are drawn")
    plain, drawings = _parted(text)
    overrides = "".join(part for part in _BLOCK.split(text) if part.startswith("{"))
    yield Cue(
        max(start, 0),
        end,
        plain,
        pictures=limits.pictures(row.number, event.get("style", ""), overrides, len(plain), drawings),
        moving=bool(event.get("effect", "").strip() or _MOVING.search(overrides)),
        placed=bool(_PLACED.search(overrides)),
    )


def _milliseconds(number: int, time: str, note: Note) -> int:
    found = _TIME.match(time)
    if found is None:
        note(number, f"{shortened(time.strip())} is no time, such as 0:00:01.50, and counts as zero")
        return 0
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
