"""Breaks lines of Chinese, Japanese and Korean subtitles, which have no spaces for libass to break them at.

libass knows where to break them only when it was built with libunibreak, which Debian's was not for long. The rules
are the plainest of the Unicode line breaking algorithm (UAX 14): between wide characters, but not before what
closes nor after what opens.
"""

import math
import re
import unicodedata
from typing import Final

_PIECE: Final = re.compile(r"\\\{|\{[^{}]*\}|\\N|.", re.DOTALL)
_BREAK: Final = "\\N"
# Widths as shares of a line's height: an upper bound of wide characters, and a usual one of others.
_WIDE: Final = 0.95
_NARROW: Final = 0.5
# Categories of what closes, ends and lengthens, and of what opens.
_STAYS_BEFORE: Final = frozenset({"Pe", "Pf", "Po", "Lm"})
_STAYS_AFTER: Final = frozenset({"Ps", "Pi"})


def wrap(markup: str, width: float) -> str:
    r"""Put `\N` into markup for libass where a line with wide characters gets wider than `width`.

    Args:
        markup: text with overrides in braces.
        width: of a line, as a multiple of its height.
    """
    lines: list[list[str]] = [[]]
    for piece in _PIECE.findall(markup):
        if piece == _BREAK:
            lines.append([])
        else:
            lines[-1].append(piece)
    return _BREAK.join(_wrapped(line, width) for line in lines)


def _wrapped(pieces: list[str], width: float) -> str:
    total = sum(_width(piece) for piece in pieces)
    if total <= width or not any(_is_wide(piece) for piece in pieces):
        return "".join(pieces)
    lines: list[str] = []
    to_come = math.ceil(total / width)
    target = total / to_come  # so that the lines are of like length
    line, used, before = "", 0.0, ""
    for piece in pieces:
        ahead = _width(piece)
        middle = ahead + _WIDE / 2 if _opens(piece) else ahead / 2  # what opens goes with what follows it
        if before and to_come > 1 and used + middle > target and _may_break(before, piece):
            lines.append(line.rstrip(" "))
            to_come -= 1
            total -= used
            target = total / to_come
            line, used = "", 0.0
        line += piece if line or piece != " " else ""
        used += ahead
        before = piece if ahead else before
    return _BREAK.join([*lines, line])


def _may_break(before: str, after: str) -> bool:
    if not _width(after) or _stays(after) or _opens(before):
        return False
    return " " in (before, after) or _is_wide(before) or _is_wide(after)


def _opens(piece: str) -> bool:
    return unicodedata.category(piece[-1]) in _STAYS_AFTER


def _stays(piece: str) -> bool:
    """Whether no line starts with it: punctuation, what lengthens a vowel, and small letters of kana."""
    if len(piece) > 1:
        return False
    return unicodedata.category(piece) in _STAYS_BEFORE or " LETTER SMALL " in unicodedata.name(piece, "")


def _is_wide(piece: str) -> bool:
    return len(piece) == 1 and unicodedata.east_asian_width(piece) in {"W", "F"}


def _width(piece: str) -> float:
    """Return how wide it is, as a multiple of the line's height; overrides and marks are not."""
    if len(piece) > 1:
        return _NARROW if piece == "\\{" else 0.0
    if unicodedata.combining(piece) or unicodedata.category(piece) in {"Mn", "Me", "Cf"}:
        return 0.0
    return _WIDE if _is_wide(piece) else _NARROW
