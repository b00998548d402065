"""Parts the fragments of an mp4, as the muxer writes them, into an initialization file and segments.

(ISO/IEC 14496-12: a box is its size in four bytes, its type in four, and its content; `moof` and `mdat` make a
fragment, whose first decode time is in its `tfdt`.)
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

_HEADER: Final = 8
_FULL_BOX: Final = 12  # size, type, version and flags


@dataclass(slots=True)
class MediaSegment:
    """One file; `start_s` is the decode time of its first fragment."""

    path: Path
    start_s: Fraction
    size: int = 0


@dataclass(slots=True)
class Splitter:
    """A file object for the muxer.

    Args:
        folder: where the files go.
        name: what their names begin with.
        index: which segment a fragment belongs to, by its decode time in seconds; never falls.
    """

    folder: Path
    name: str
    index: Callable[[Fraction], int]
    segments: list[MediaSegment] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    error: OSError | None = None
    _pending: bytearray = field(default_factory=bytearray)
    _header: bytearray = field(default_factory=bytearray)
    _file: BinaryIO | None = None
    _last: int = -1

    @property
    def init(self) -> Path:
        """The file that says what the segments are of."""
        return self.folder / f"{self.name}-init.mp4"

    @property
    def header(self) -> bytes:
        """What is in it."""
        return bytes(self._header)

    def write(self, data: bytes) -> int:
        """Take what the muxer writes, piece by piece; an error is kept, because the muxer tells only that one was."""
        try:
            return self._take(data)
        except OSError as error:
            self.error = error
            raise

    def _take(self, data: bytes) -> int:
        self._pending += data
        while len(self._pending) >= _HEADER:
            size = int.from_bytes(self._pending[:4], "big")
            if len(self._pending) < size:
                break
            self._box(bytes(self._pending[4:_HEADER]), bytes(self._pending[:size]))
            del self._pending[:size]
        return len(data)

    def close(self) -> None:
        """End the last file; more than once does no harm.

        Raises:
            OSError: the disk is full.
        """
        if self._file is not None:
            self._file.close()
            self._file = None

    def _box(self, kind: bytes, box: bytes) -> None:
        if kind in {b"ftyp", b"moov"}:
            self._header += box
            if kind == b"moov":
                self.init.write_bytes(self._header)
                self.digest.update(self._header)
            return
        if kind == b"moof":
            self._begin(decode_time(box))
        if self._file is None:
            raise AssertionError(f"the muxer wrote {kind!r} before the first fragment")
        self._file.write(box)
        self.segments[-1].size += len(box)
        self.digest.update(box)

    def _begin(self, time: int) -> None:
        start_s = Fraction(time, timescale(self._header))
        index = self.index(start_s)
        if index == self._last:
            return
        self.close()
        self._last = index
        path = self.folder / f"{self.name}-{len(self.segments):05}.m4s"
        self.segments.append(MediaSegment(path, start_s))
        self._file = path.open("wb")


def timescale(moov: bytes | bytearray) -> int:
    """Return the units of time in a second, of the only track of an initialization file."""
    at = moov.index(b"mdhd") - 4
    version = moov[at + _HEADER]
    times = 16 if version else 8  # creation and modification
    return int.from_bytes(moov[at + _FULL_BOX + times : at + _FULL_BOX + times + 4], "big")


def decode_time(moof: bytes) -> int:
    """Return the decode time of a fragment's first sample, in the track's units."""
    at = moof.index(b"tfdt") - 4
    size = 8 if moof[at + _HEADER] else 4
    return int.from_bytes(moof[at + _FULL_BOX : at + _FULL_BOX + size], "big")
