"""What a clip looks like, frame by frame."""

from collections.abc import Iterator
from typing import Protocol

from videojob_worker.pixels.yuv import Picture


class Layer(Protocol):
    """The pictures of one clip, as large as the canvas.

    Segments are encoded side by side, so several iterators may run at once, in several threads.
    """

    def pictures(self, first: int, count: int) -> Iterator[Picture]:
        """Yield the pictures of the clip's own frames from `first` on; frame 0 is its first on the timeline.

        Each is valid until the next is asked for, and is not written to.

        Raises:
            PermanentError: the source cannot be used.
        """

    def close(self) -> None:
        """Let go of what it holds; called after its last use."""


class StillLayer:
    """One picture, always."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def pictures(self, first: int, count: int) -> Iterator[Picture]:  # noqa: ARG002 - all are the same
        """Yield the picture `count` times."""
        for _ in range(count):
            yield self._picture

    def close(self) -> None:
        """Nothing is held but the picture."""
