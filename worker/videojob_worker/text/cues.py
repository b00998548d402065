"""What is shown when: cues, and the bounds that they must keep."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Note = Callable[[int, str], None]
    """Told of what is odd in a file: the line, counted from 1, and what is made of it."""

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


def checked(number: int, cue: Cue, note: Note) -> Iterator[Cue]:
    """Yield the cue that began on a line, unless it is never seen, or is too long to be one."""
    if cue.end_ms <= cue.start_ms:
        note(number, "the cue ends no later than it starts, and is never seen")
    elif len(cue.text) > MAX_CUE_CHARACTERS:
        note(number, f"the cue has more than {MAX_CUE_CHARACTERS} characters, and is left out")
    else:
        yield cue
