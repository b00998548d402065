"""Sources that workers of a pool download, and keep for one another on a volume of the node: `storage.cache`.

A file is named for what it is: where it came from, its ETag and its length. It gets its name when it is whole, and had
none before (`O_TMPFILE`): a worker that is killed leaves nothing. Nobody writes to it afterwards, and who reads it has
a descriptor, which outlives its name. What the kernel had not brought to the disk when a node failed is not believed:
names are of one boot.

All that fails here costs a download and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videojob_worker.concurrency import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("videojob.sources")

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[0-9a-f]{64}")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAMELESS = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC


def name_of_content(*of: str | int) -> str:
    """Return the name of a content by all that tells it from others."""
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()


@dataclass(frozen=True)
class SourceCache:
    """A folder of cached sources, which other workers read and write too. Its methods wait for the disk."""

    folder: Path
    max_bytes: int

    def find(self, name: str, size_bytes: int) -> int | None:
        """Return an open descriptor of a content, to read, which the caller closes; None where it is not there."""
        with contextlib.suppress(OSError), self._of_this_boot() as folder:
            fd = os.open(name, _FILE, dir_fd=folder)
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode) and status.st_size == size_bytes:
                with contextlib.suppress(OSError):
                    os.utime(fd, ns=(time.time_ns(), status.st_mtime_ns))
                return fd
            os.close(fd)
        return None

    def begin(self, size_bytes: int) -> int | None:
        """Make room for a content, and return a descriptor to write it to; None where it cannot be kept."""
        if size_bytes > self.max_bytes:
            return None
        try:
            self._evict(self.max_bytes - size_bytes)
            with self._of_this_boot() as folder:
                return os.open(".", _NAMELESS, 0o400, dir_fd=folder)
        except OSError as error:
            log.warning("sources are not cached: %s", error.strerror)
            return None

    def keep(self, fd: int, name: str, size_bytes: int) -> int:
        """Give what was written its name; return another descriptor of it, to read alone, which the caller closes."""
        with contextlib.suppress(OSError):  # others were quicker, or the volume cannot do it
            with self._of_this_boot() as folder:
                os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder, follow_symlinks=True)
            self._evict(self.max_bytes)
        found = self.find(name, size_bytes)
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC) if found is None else found

    @contextlib.contextmanager
    def _of_this_boot(self) -> Iterator[int]:
        boot = _BOOT_ID.read_text().strip()
        root = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(boot, 0o700, dir_fd=root)
            folder = os.open(boot, _FOLDER, dir_fd=root)
        finally:
            os.close(root)
        try:
            yield folder
        finally:
            os.close(folder)

    def _evict(self, most_bytes: int) -> None:
        """Remove what was read longest ago, of whatever boot, until no more is there."""
        root = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            kept = sorted(self._contents(root))
            total = sum(size for _, size, _, _ in kept)
            for _, size, boot, name in kept:
                if total <= most_bytes:
                    return
                with contextlib.suppress(OSError):
                    folder = os.open(boot, _FOLDER, dir_fd=root)
                    try:
                        os.unlink(name, dir_fd=folder)
                    finally:
                        os.close(folder)
                total -= size
        finally:
            os.close(root)

    @staticmethod
    def _contents(root: int) -> Iterator[tuple[int, int, str, str]]:
        """Yield when each was last read, its size, its boot and its name."""
        for boot in filter(_BOOT.fullmatch, _names(root)):
            with contextlib.suppress(OSError):
                folder = os.open(boot, _FOLDER, dir_fd=root)
                try:
                    for name in filter(_NAME.fullmatch, _names(folder)):
                        with contextlib.suppress(OSError):
                            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                            yield status.st_atime_ns, status.st_blocks * 512, boot, name
                finally:
                    os.close(folder)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


async def descriptor(work: Callable[[], int | None]) -> int | None:
    """Wait for a thread that opens something, which is closed when nobody wants it any more."""
    opening = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        fd = await undisturbed(opening)
        if fd is not None:
            os.close(fd)
        raise


def write_all(fd: int, part: bytes | bytearray | memoryview, offset: int) -> None:
    """Write all of it to its place."""
    left = memoryview(part)
    while left:
        written = os.pwrite(fd, left, offset)
        left, offset = left[written:], offset + written
