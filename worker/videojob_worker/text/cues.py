"""What is shown when: cues, and the bounds that they must keep."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

MAX_CUE_CHARACTERS: Final = 4096

_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from `start_s` up to `end_s`, which is the first moment without it."""

    start_ms: int
    end_ms: int
    text: str
    """What it says, plain; lines end in `\\n`."""
    markup: str = ""
    """The same as libass reads it, with styles, after an SRT or WebVTT file."""
    moving: bool = False
    """Whether it changes while it is shown."""
    placed: bool = False
    """Whether it has a place of its own, and does not make way for others."""

    pictures: float = 0.0
    """About how large it is to draw, where that is the file's choice: in pictures as wide as they are high."""

    @property
    def start_s(self) -> Fraction:
        """In seconds."""
        return Fraction(self.start_ms, _MS)

    @property
    def end_s(self) -> Fraction:
        """In seconds."""
        return Fraction(self.end_ms, _MS)


class LineError(Exception):
    """A line that cannot be read."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")


def shortened(line: str) -> str:
    """Quote a line for a message."""
    most = 40
    return f'"{line}"' if len(line) <= most else f'"{line[:most]}…"'


def cue(number: int, start_ms: int, end_ms: int, text: str, markup: str) -> Cue:
    """Make a cue that began on a line.

    Raises:
        LineError: it ends before it starts, or is too long.
    """
    check_cue(number, start_ms, end_ms, len(text))
    return Cue(start_ms, end_ms, text, markup)


def check_cue(number: int, start_ms: int, end_ms: int, length: int, most: int = MAX_CUE_CHARACTERS) -> None:
    """Refuse what no cue can be.

    Raises:
        LineError: it ends before it starts, or is too long.
    """
    if end_ms < start_ms:
        raise LineError(number, "the cue ends before it starts")
    if length > most:
        raise LineError(number, f"the cue has {length} characters; at most {most} are drawn")
