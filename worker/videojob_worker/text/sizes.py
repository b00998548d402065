"""Bounds on what an ASS script may ask to draw.

libass draws a letter or a drawing whole before it cuts off what is outside of the picture, so that a number in a
script can ask for gigabytes. The bounds are far from what any script needs; sizes are in the script's own pixels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from videojob_worker.text.cues import LineError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT_HEIGHT: Final = 288  # libass' own
_MOST_PICTURES: Final = 64
"""All letters of an event together, as a multiple of a picture of the script's height."""
_LARGEST_BORDER: Final = 0.5  # as a share of the script's height
_FARTHEST: Final = 4  # a drawing's points, as a multiple of the script's height
_MOST_DRAWING_SCALE: Final = 16

_TAG: Final = re.compile(r"\\(fscx|fscy|fs|[xy]?bord)\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)")
_NUMBER: Final = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


class Sizes:
    """The bounds for a script of a height, in its pixels, with these styles: line numbers and fields."""

    def __init__(self, height: int | None, styles: Iterator[tuple[int, dict[str, str]]]) -> None:
        self._height = height or _DEFAULT_HEIGHT
        self._font_size = self._scale = 1.0
        for number, fields in styles:
            size, across, down, border = (
                _number(number, fields.get(name, "")) for name in ("fontsize", "scalex", "scaley", "outline")
            )
            self._font_size = max(self._font_size, size)
            self._scale = max(self._scale, across / 100, down / 100)
            self._check_border(number, border)
            self._check_letters(number, size, max(1.0, across / 100, down / 100), 1)

    def check(self, line: int, overrides: str, letters: int, drawings: list[tuple[int, str]]) -> None:
        """Check an event's overrides, the number of its letters, and its drawings with the scales of each.

        Raises:
            LineError: one is out of bounds.
        """
        size, scale = self._font_size, self._scale
        for name, value in _TAG.findall(overrides):
            amount = abs(_number(line, value))
            if name == "fs":
                size = max(size, amount * (self._font_size / 10 if value.startswith(("+", "-")) else 1))
            elif name.startswith("fsc"):
                scale = max(scale, amount / 100)
            else:
                self._check_border(line, amount)
        self._check_letters(line, size, scale, letters)
        for factor, drawing in drawings:
            farthest = max((abs(_number(line, value)) for value in _NUMBER.findall(drawing)), default=0)
            if farthest * scale / 2 ** min(factor - 1, _MOST_DRAWING_SCALE) > _FARTHEST * self._height:
                raise LineError(line, f"a drawing reaches further than {_FARTHEST} times the script's height")

    def _check_border(self, line: int, border: float) -> None:
        if border > _LARGEST_BORDER * self._height:
            raise LineError(line, "an outline is wider than half of the script's height")

    def _check_letters(self, line: int, size: float, scale: float, letters: int) -> None:
        if letters * (size * scale) ** 2 > _MOST_PICTURES * self._height**2:
            raise LineError(line, f"letters {size * scale:.0f} pixels high are too large for {letters} of them")


def _number(line: int, value: str) -> float:
    found = _NUMBER.match(value.strip())
    if found is None:
        return 0.0
    number = float(found[0])
    if number == float("inf"):
        raise LineError(line, f"{found[0][:20]} is too large")
    return number
