"""Pictures of a layer in any order, for effects that turn time around or jump in it.

A layer is read forwards. Going back, it is read again from a little before, so that what is asked for next is at hand,
in memory that is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_worker.compose.layers.base import Layer
    from videojob_worker.pixels.yuv import Picture

_HELD_BYTES: Final = 64 << 20
_SKIPPED: Final = 24
"""As many pictures are read in vain rather than to start over: a video starts over at a keyframe."""


class RandomAccess:
    """Asks a layer of `frames` frames for one picture after the other; for one thread."""

    def __init__(self, layer: Layer, frames: int) -> None:
        self._layer, self._frames = layer, frames
        self._running: Iterator[Picture] | None = None
        self._next = 0
        self._held: OrderedDict[int, Picture] = OrderedDict()
        self._most = 2

    def at(self, number: int) -> Picture:
        """Return the picture of a frame; it stays as it is.

        Raises:
            PermanentError: the source cannot be used.
        """
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        if self._running is None or not self._next <= number <= self._next + _SKIPPED:
            self._start(max(0, number - self._most + 1) if number < self._next else number)
        while self._next <= number:
            self._read()
        return self._held[number]

    def close(self) -> None:
        """Stop reading."""
        if self._running is not None and hasattr(self._running, "close"):
            self._running.close()
        self._running = None

    def _start(self, number: int) -> None:
        self.close()
        self._running, self._next = self._layer.pictures(number, self._frames - number), number

    def _read(self) -> None:
        if self._running is None:
            raise AssertionError("nothing is being read")
        picture = next(self._running).copy()
        self._most = max(2, _HELD_BYTES // picture.nbytes)
        self._held[self._next] = picture
        self._next += 1
        while len(self._held) > self._most:
            self._held.popitem(last=False)
