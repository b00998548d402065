"""What a client would like of an answer (`Prefer`, RFC 7240): how long it would wait for one that says more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_WAIT_S: Final = 10
"""More is as good as this."""
_WAIT: Final = re.compile(r'\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(;.*)?', re.IGNORECASE)


def preferred_wait_s(given: Iterable[str]) -> int:
    """Return how many seconds a client would wait, by the first `wait` of its `Prefer` headers; 0 for none.

    What is not understood is passed over, as the RFC has it.
    """
    found = (_WAIT.fullmatch(each) for header in given for each in header.split(","))
    return next((min(int(match[1]), LONGEST_WAIT_S) for match in found if match), 0)
