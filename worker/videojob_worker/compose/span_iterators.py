"""Reads through what spans show, once.

So a source is opened and searched once, however many captions and overlays come and go over it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from videojob_worker.timeline.spans import Span

T = TypeVar("T")

Open = Callable[[int, int], Iterator[T]]
"""`(first, count)`: begin to read so many frames."""


class SpanIterators(Generic[T]):
    """Iterators over the frames of numbered things, each kept from the first span that shows it to the last."""

    def __init__(self, uses: Iterable[tuple[Span, tuple[int, ...]]]) -> None:
        """`uses`: each span that will be read, in order, with the numbers of what it shows."""
        self._ends = {number: span.end for span, numbers in uses for number in numbers}
        self._running: dict[int, tuple[int, Iterator[T]]] = {}

    def read(self, number: int, span: Span, begin: Open[T], origin: int = 0) -> Iterator[T]:
        """Yield what a thing shows in a span: once if the span is still, else for each frame.

        Args:
            number: which thing.
            span: spans are read in order.
            begin: begins to read the thing.
            origin: the frame of the timeline that is the thing's first.
        """
        if span.is_still:
            yield next(begin(span.start - origin, 1))
            return
        position, running = self._running.pop(number, (-1, iter(())))
        if position != span.start:
            running = begin(span.start - origin, self._ends[number] - span.start)
        for _ in range(span.frames):
            yield next(running)
        if span.end < self._ends[number]:
            self._running[number] = span.end, running
