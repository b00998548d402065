"""Breaks lines of subtitles where libass does not: within what has no spaces, and is wider than the picture.

libass breaks at spaces alone, unless it was built with libunibreak, which Debian's was not for long. Lines whose words
fit are left to it. Others are broken here, where Pango would (`line_breaks.py`), into lines of like length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from videojob_worker.text.direction import is_right_to_left
from videojob_worker.text.line_breaks import line_breaks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Measure = Callable[[Sequence[str]], list[float]]
    """Tells how wide texts are, as multiples of a line's height."""

# What `markup.escaped` writes for a brace and a backslash, an override, the end of a line, a character.
_TOKEN: Final = re.compile(r"\\\{|\\\u2060|\{[^{}]*\}|\\N|.", re.DOTALL)
_BREAK: Final = "\\N"
_MARKS: Final = {False: "\u200e", True: "\u200f"}
"""Without width; a line that begins with one runs from the left, or from the right."""
_SURELY_FITS: Final = 1.25
"""No letter of these alphabets is wider, as a multiple of a line's height; not so in scripts that join letters."""
_NARROW: Final = "\u0590"  # before this, the alphabets of Europe
_HALVINGS: Final = 8


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Markup that fits a width, in so many lines at the most; or does not, for one letter is wider."""

    markup: str
    lines: int
    fits: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stays together: its text, and the same with overrides."""

    text: str
    markup: str


def wrap(markup: str, room: float, measure: Measure) -> Wrapped:
    r"""Put `\N` into markup for libass where a line has a word that is wider than `room`, in line heights.

    `measure` is asked only where the number of characters does not tell.
    """
    lines: list[list[str]] = [[]]
    for token in _TOKEN.findall(markup):
        if token == _BREAK:
            lines.append([])
        else:
            lines[-1].append(token)
    wrapped = [_wrapped(line, room, measure) for line in lines]
    return Wrapped(
        _BREAK.join(line.markup for line in wrapped),
        sum(line.lines for line in wrapped),
        all(line.fits for line in wrapped),
    )


def _wrapped(tokens: list[str], room: float, measure: Measure) -> Wrapped:
    markup = "".join(tokens)
    text = "".join(map(_said, tokens))
    if _surely_fits(text, room):
        return Wrapped(markup, 1, fits=True)
    words = [f"{word} " for word in text.split(" ")]
    if all(_surely_fits(word, room) for word in words):
        widths = [_SURELY_FITS * len(word) for word in words]
        return Wrapped(markup, len(_filled(widths, widths, room)), fits=True)
    widths, inks = _measured(words, measure)
    if max(inks) <= room:
        return Wrapped(markup, len(_filled(widths, inks, room)), fits=True)
    return _broken(tokens, text, room, measure)


def _measured(texts: Sequence[str], measure: Measure) -> tuple[list[float], list[float]]:
    """Return how wide texts are, with the space at their end and without."""
    return measure(texts), measure([text.rstrip(" ") for text in texts])


def _surely_fits(text: str, room: float) -> bool:
    return len(text) * _SURELY_FITS <= room and all(character < _NARROW for character in text)


def _broken(tokens: list[str], text: str, room: float, measure: Measure) -> Wrapped:
    breaks = line_breaks(text)
    allowed = list(breaks.between_words)
    pieces = _pieces(tokens, allowed)
    _, inks = _measured([piece.text for piece in pieces], measure)
    end = 0
    for piece, ink in zip(pieces, inks, strict=True):
        start, end = end, end + len(piece.text)
        if ink > room:
            allowed[start + 1 : end] = breaks.within_words[start + 1 : end]
    pieces = _pieces(tokens, allowed)
    widths, inks = _measured([piece.text for piece in pieces], measure)
    lines = _balanced(widths, inks, room)
    mark = _MARKS[is_right_to_left(text)]
    shown = ["".join(piece.markup for piece in pieces[start:end]).strip(" ") for start, end in lines]
    return Wrapped(f"{_BREAK}{mark}".join(shown), len(lines), fits=max(inks) <= room)


def _pieces(tokens: list[str], allowed: Sequence[bool]) -> list[_Piece]:
    """Part a line at the characters before which it may break; overrides go with what is before them."""
    pieces, text, markup, at = list[_Piece](), "", "", 0
    for token in tokens:
        said = _said(token)
        if said:
            if at and allowed[at]:
                pieces.append(_Piece(text, markup))
                text, markup = "", ""
            at += 1
        text, markup = text + said, markup + token
    return [*pieces, _Piece(text, markup)]


def _balanced(widths: Sequence[float], inks: Sequence[float], room: float) -> list[tuple[int, int]]:
    """Fill as few lines as `room` needs, each about as far as the others."""
    lines = _filled(widths, inks, room)
    low, high = sum(widths) / len(lines), room
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        tried = _filled(widths, inks, middle)
        if len(tried) <= len(lines):
            lines, high = tried, middle
        else:
            low = middle
    return lines


def _filled(widths: Sequence[float], inks: Sequence[float], room: float) -> list[tuple[int, int]]:
    """Fill lines one after the other; what is not ink, such as a space, may stand over at the end of each."""
    lines, start, used = list[tuple[int, int]](), 0, 0.0
    for at, (width, ink) in enumerate(zip(widths, inks, strict=True)):
        if at > start and used + ink > room:
            lines.append((start, at))
            start, used = at, 0.0
        used += width
    return [*lines, (start, len(widths))]


def _said(token: str) -> str:
    """Return the character that a token shows; none for an override."""
    return "" if token.startswith("{") else token[-1] if token[-1] == "{" else token[0]
