"""How much of something each user has done at a time on this replica."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from videojob_gateway.errors import TooManyAtOnceError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Slots:
    """What is being done, by user."""

    def __init__(self, most: int, what: str) -> None:
        """`what` is what there may be so many of, in words."""
        self._most, self._what = most, what
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, user: str) -> Iterator[None]:
        """Take one for as long as it lasts; raises `TooManyAtOnceError` when the user has all."""
        if self._taken[user] >= self._most:
            raise TooManyAtOnceError(f"you have {self._most} {self._what} at a time here; go on when one is done")
        self._taken[user] += 1
        try:
            yield
        finally:
            self._taken[user] -= 1
            if not self._taken[user]:
                del self._taken[user]
