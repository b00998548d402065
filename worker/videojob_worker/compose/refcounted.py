"""Things that several segments need at once: made when first needed, shared, and closed after their last use.

So memory holds what is on screen, however many clips there are.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """Something to close after its last use."""

    def close(self) -> None:
        """Let go of what it holds."""


T = TypeVar("T", bound=Closable)


class Refcounted(Generic[T]):
    """Things by number; safe to use from several threads.

    Args:
        make: makes one; called once for each while it is in use.
        uses: the number of each use that there will be; they say when a thing is used last.
    """

    def __init__(self, make: Callable[[int], T], uses: Iterable[int]) -> None:
        self._make = make
        self._uses_left = Counter(uses)
        self._things: dict[int, T] = {}
        self._locks = {number: Lock() for number in self._uses_left}

    @contextmanager
    def use(self, numbers: Sequence[int]) -> Iterator[list[T]]:
        """Hold things, in the order of their numbers; one use of each."""
        try:
            yield [self._get(number) for number in numbers]
        finally:
            for number in numbers:
                self._release(number)

    def close(self) -> None:
        """Close what was never used to the end, because the work was stopped."""
        while self._things:
            self._things.popitem()[1].close()

    def _get(self, number: int) -> T:
        with self._locks[number]:
            if number not in self._things:
                self._things[number] = self._make(number)
            return self._things[number]

    def _release(self, number: int) -> None:
        with self._locks[number]:
            self._uses_left[number] -= 1
            if not self._uses_left[number] and number in self._things:
                self._things.pop(number).close()
