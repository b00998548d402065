"""Where lines of text may break: as in titles, by Pango (UAX 14, and for Thai its dictionary)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Final

from videojob_worker.text.pango import IS_CHAR_BREAK, IS_LINE_BREAK, pango

# Vowels of Thai and Lao that are letters of their own, and are written behind or before the consonant that they follow.
_BEHIND: Final = frozenset("\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u0ebd")
_BEFORE: Final = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")


@dataclass(frozen=True, slots=True)
class LineBreaks:
    """Before which characters of a text a line may begin."""

    between_words: tuple[bool, ...]
    within_words: tuple[bool, ...]
    """Before which one may begin where a word is longer than a line; no letter is parted from its marks and vowels."""


def line_breaks(text: str) -> LineBreaks:
    """Find where a paragraph may break; there is one entry for each character.

    Raises:
        PermanentError: Pango is not installed.
    """
    encoded, count = text.encode(), len(text) + 1
    found = (ctypes.c_uint32 * count)()
    language = pango().pango_language_from_string(b"en")
    pango().pango_get_log_attrs(encoded, len(encoded), -1, language, found, count)
    return LineBreaks(
        tuple(bool(each & IS_LINE_BREAK) for each in found[: len(text)]),
        tuple(
            bool(each & IS_CHAR_BREAK) and character not in _BEHIND and before not in _BEFORE
            for each, before, character in zip(found, " " + text, text, strict=False)
        ),
    )
