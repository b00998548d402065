"""Tells in which direction text runs: by the first letter that has one (UAX 9, rules P2 and P3)."""

import unicodedata
from typing import Final

_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


def is_right_to_left(text: str) -> bool:
    """Return whether a paragraph runs from the right."""
    found = next((kind for kind in map(unicodedata.bidirectional, text) if kind == "L" or kind in _RIGHT_TO_LEFT), "L")
    return found in _RIGHT_TO_LEFT
