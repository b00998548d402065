"""The pictures of clips: made when first needed, shared by segments, and dropped after their last use.

So memory holds the few pictures that are on screen, however many clips there are.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock

from videojob_worker.compose.color import Picture
from videojob_worker.plan.spans import Span


class Stills:
    """Pictures by clip number; safe to use from several threads.

    Args:
        make: makes the picture of a clip; called once a clip while it is in use.
        spans: every span that will be rendered, once each; they say when a picture is used last.
    """

    def __init__(self, make: Callable[[int], Picture], spans: Iterable[Span]) -> None:
        self._make = make
        self._uses_left = Counter(clip for span in spans for clip in span.clips)
        self._pictures: dict[int, Picture] = {}
        self._locks = {clip: Lock() for clip in self._uses_left}

    @contextmanager
    def of(self, span: Span) -> Iterator[list[Picture]]:
        """Hold the pictures that a span shows, in the order of its clips."""
        try:
            yield [self._get(clip) for clip in span.clips]
        finally:
            for clip in span.clips:
                self._release(clip)

    def _get(self, clip: int) -> Picture:
        with self._locks[clip]:
            if clip not in self._pictures:
                self._pictures[clip] = self._make(clip)
            return self._pictures[clip]

    def _release(self, clip: int) -> None:
        with self._locks[clip]:
            self._uses_left[clip] -= 1
            if not self._uses_left[clip]:
                self._pictures.pop(clip, None)
