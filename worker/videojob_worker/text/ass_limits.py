"""Bounds on what an ASS script may ask to draw.

libass draws a letter or a drawing whole before it cuts off what is outside of the picture, so that a number in a
script can ask for gigabytes. The bounds are far from what any script needs. Sizes are in the script's own pixels, and
areas are counted in pictures as wide as the script is high.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from videojob_worker.text.cues import LineError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PICTURES: Final = 16
"""Of one event."""
MOST_PICTURES_AT_ONCE: Final = 64

_LARGEST_BORDER: Final = 0.5  # as a share of the script's height
_FARTHEST: Final = 4  # a drawing's points, as a multiple of the script's height
_MOST_DRAWING_SCALE: Final = 16

_NUMBER: Final = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
_TAG: Final = re.compile(rf"\\(fscx|fscy|fs|[xy]?bord)\s*({_NUMBER.pattern})")
_OTHER_STYLE: Final = re.compile(r"\\r([^\\{}]+)")


@dataclass(frozen=True, slots=True)
class _Style:
    size: float = 0.0
    scale: float = 1.0
    border: float = 0.0

    def union(self, other: _Style) -> _Style:
        return _Style(max(self.size, other.size), max(self.scale, other.scale), max(self.border, other.border))


class AssLimits:
    """The bounds for a script of a height, in its pixels, with these styles: line numbers and fields."""

    def __init__(self, height: int, styles: Iterator[tuple[int, dict[str, str]]]) -> None:
        self._height = height
        self._styles: dict[str, _Style] = {}
        for number, fields in styles:
            size, across, down, border = (
                abs(_number(number, fields.get(name, ""))) for name in ("fontsize", "scalex", "scaley", "outline")
            )
            style = _Style(size, max(1.0, across / 100, down / 100), border)
            self._check(number, style, 1)
            self._styles[_key(fields.get("name", ""))] = style

    def pictures(self, line: int, name: str, overrides: str, letters: int, drawings: list[tuple[int, str]]) -> float:
        """Return how large the pictures are, together, that an event asks for.

        Args:
            line: the event's line.
            name: of its style.
            overrides: all of them.
            letters: how many it has.
            drawings: each with its scale.

        Raises:
            LineError: it asks for too much.
        """
        style = self._styles.get(_key(name), _Style(size=self._height / 10))
        for other in _OTHER_STYLE.findall(overrides):
            style = style.union(self._styles.get(_key(other), _Style()))
        for tag, value in _TAG.findall(overrides):
            amount = abs(_number(line, value))
            if tag == "fs":  # with a sign it adds tenths of the size
                amount = style.size * (1 + amount / 10) if value.startswith(("+", "-")) else amount
                style = style.union(_Style(size=amount))
            elif tag.startswith("fsc"):
                style = style.union(_Style(scale=amount / 100))
            else:
                style = style.union(_Style(border=amount))
        farthest = 0.0
        for factor, drawing in drawings:
            reach = max((abs(_number(line, value)) for value in _NUMBER.findall(drawing)), default=0.0)
            farthest = max(farthest, reach * style.scale / 2 ** min(factor - 1, _MOST_DRAWING_SCALE))
        if farthest > _FARTHEST * self._height:
            raise LineError(line, f"a drawing reaches further than {_FARTHEST} times the script's height")
        return max(self._check(line, style, letters), (farthest / self._height) ** 2)

    def _check(self, line: int, style: _Style, letters: int) -> float:
        if style.border > _LARGEST_BORDER * self._height:
            raise LineError(line, "an outline is wider than half of the script's height")
        height = style.size * style.scale
        pictures = max(letters * height**2, (height + 2 * style.border) ** 2) / self._height**2
        if pictures > MOST_PICTURES:
            raise LineError(line, f"letters {height:.0f} pixels high are too large for {letters} of them")
        return pictures


def _key(name: str) -> str:
    return name.strip().lstrip("*").casefold()


def _number(line: int, value: str) -> float:
    found = _NUMBER.match(value.strip())
    if found is None:
        return 0.0
    number = float(found[0])
    if number == float("inf"):
        raise LineError(line, f"{found[0][:20]} is too large")
    return number
