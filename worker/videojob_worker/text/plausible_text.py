"""Tells text from bytes that were read in a wrong encoding: what no language writes.

A wrong alphabet mixes letters and symbols as nobody does: `Ìîñêâà` for `Москва`, `by³o` for `było`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Controls, private characters and parts of boxes are in no subtitles.
_NEVER: Final = re.compile("[\x7f-\x9f\ue000-\uf8ff\u2500-\u259f]")
# Words, without ASCII's punctuation and digits, that have a character beyond ASCII.
_WORD: Final = re.compile(r"[^\s!-@\[-`{-~]*[^\x00-\x7f\s][^\s!-@\[-`{-~]*")
_SYMBOLS: Final = frozenset("¢£¤¥¦§¨©¬®¯±²³\u00b4¶\u00b8¹¼½¾")
_AFTER_A_WORD: Final = frozenset("²³®©")
_MOST_ACCENTS_IN_A_ROW: Final = 4
_MOST_ODD: Final = 20
"""One word in so many may be a slip of its writer."""
_EAST_ASIAN: Final = "\u2e80"  # from here on, scripts that are written side by side


def is_plausible(text: str) -> bool:
    """Return whether somebody may have written this."""
    if _NEVER.search(text):
        return False
    words = _WORD.findall(text)
    return sum(map(_is_odd, words)) * _MOST_ODD <= len(words)


def script_of(character: str) -> str:
    """Return the first word of a character's name in Unicode, which for letters is their script."""
    return "LATIN" if character.isascii() else unicodedata.name(character, "").partition(" ")[0]


@lru_cache(maxsize=4096)
def _is_odd(word: str) -> bool:
    accents, before = 0, " "
    for character in word:
        if character >= _EAST_ASIAN:
            accents, before = 0, " "
            continue
        if _is_odd_pair(before, character):
            return True
        accented = _is_letter(character) and not character.isascii() and script_of(character) == "LATIN"
        accents = accents + 1 if accented else 0
        if accents > _MOST_ACCENTS_IN_A_ROW:
            return True
        before = character
    return False


def _is_odd_pair(before: str, character: str) -> bool:
    category = unicodedata.category(character)
    if _is_letter(character):
        if category[0] == "M" and not _is_letter(before):
            return True  # a mark that marks nothing
        if before in _SYMBOLS or (_is_letter(before) and script_of(before) != script_of(character)):
            return True
        return (category == "Lu" and not character.isascii() and before.islower()) or _is_odd_thai(before, character)
    return character in _SYMBOLS and character not in _AFTER_A_WORD and _is_letter(before)


def _is_odd_thai(before: str, character: str) -> bool:
    """Whether a vowel above or below stands on a vowel that is written before, or on another mark."""
    vowel = "\u0e31" <= character <= "\u0e3a" and unicodedata.category(character) == "Mn"
    return vowel and ("\u0e40" <= before <= "\u0e44" or unicodedata.category(before) == "Mn")


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"
