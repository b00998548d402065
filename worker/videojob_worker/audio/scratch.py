"""Raw samples on disk: one file holds every source's decoded sound, so that memory does not grow with length.

Read by position and not mapped: mapped pages would count as this process's memory. One thread appends; any
number may read what is there.
"""

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videojob_worker.media.sound.samples import CHANNELS, Samples, silence

_SAMPLE_BYTES = CHANNELS * 4


class Scratch:
    """A file of samples, removed when it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.position = 0
        """Where the next sample goes."""

    def append(self, block: Samples) -> None:
        """Write samples at `position`.

        Raises:
            OSError: the disk is full.
        """
        rest = np.ascontiguousarray(block.T).data.cast("B")
        at = self.position * _SAMPLE_BYTES
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written
        self.position += block.shape[1]

    def skip(self, count: int) -> None:
        """Leave a hole: silence that takes no room."""
        self.position += count

    def read(self, first: int, count: int) -> Samples:
        """Read samples back; what was never written is silence."""
        samples = np.zeros((count, CHANNELS), np.float32)
        os.preadv(self._file, [samples.data], first * _SAMPLE_BYTES)
        return samples.T

    def close(self) -> None:
        """Remove the file; whoever still reads must have ended."""
        os.close(self._file)
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Extent:
    """A stretch of a source's sound: its samples `first <= n < last`, which begin at `at` in the scratch file."""

    first: int
    last: int
    at: int


@dataclass(frozen=True, slots=True)
class Pcm:
    """The parts of one source that are needed, in order of time."""

    scratch: Scratch
    extents: Sequence[Extent]
    end: int | None
    """Where the source itself ended, in samples; None when it was not played to its end."""

    def read(self, first: int, count: int) -> Samples:
        """Return the source's samples from `first` on, which is its own; silence where it has none, so before 0 too."""
        found = bisect_right(self.extents, first, key=lambda extent: extent.last)
        if found < len(self.extents):
            extent = self.extents[found]
            if extent.first <= first and first + count <= extent.last:
                return self.scratch.read(extent.at + first - extent.first, count)
        samples = silence(count)
        for extent in self.extents[found:]:
            if extent.first >= first + count:
                break
            begin, end = max(first, extent.first), min(first + count, extent.last)
            samples[:, begin - first : end - first] = self.scratch.read(extent.at + begin - extent.first, end - begin)
        return samples
