"""Old files in a folder of a volume, removed; whoever writes there is not trusted, and no link is followed.

Old is what was written and named long ago (`st_ctime`), whatever time its writer gave it: a copy that keeps the times
of its original is new.
"""

from __future__ import annotations

import contextlib
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING

from videojob_common.safe_open import open_folder, split_volume_uri
from videojob_worker.concurrency import Stop, in_thread
from videojob_worker.storage.base import CLEANED_MARKER, CLEANED_S

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from videojob_worker.storage.base import UploadsContext

_MOST_FOLDERS = 16  # one in another
_MOST_ENTRIES = 10_000
"""So many entries of a folder are looked at."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MARKER = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


async def remove_old_files(prefix: str, context: UploadsContext) -> int:
    """Remove what is older below a folder, and empty folders; return how many files. See `RemoveOld`.

    Raises:
        UnsafePathError, OSError: the folder cannot be opened, or not written to.
    """
    volume, names = split_volume_uri(prefix.rstrip("/"))
    root = context.volumes.get(volume)
    if root is None:
        return 0
    return await in_thread(lambda stop: _remove_below(root, names, context, stop))


def _remove_below(root: Path, names: tuple[str, ...], context: UploadsContext, stop: threading.Event) -> int:
    with contextlib.suppress(FileNotFoundError), open_folder(root, names) as folder:
        if _claim(folder, context.now.timestamp()):
            return sum(_remove(folder, context.before.timestamp(), stop, _MOST_FOLDERS))
    return 0


def _claim(folder: int, now: float) -> bool:
    """Whether nobody has looked for an hour; then others leave it for one."""
    with contextlib.suppress(FileNotFoundError):
        if 0 <= now - os.stat(CLEANED_MARKER, dir_fd=folder, follow_symlinks=False).st_mtime < CLEANED_S:
            return False
    marker = os.open(CLEANED_MARKER, _MARKER, 0o644, dir_fd=folder)
    os.utime(marker, (now, now))
    os.close(marker)
    return True


def _remove(folder: int, before: float, stop: threading.Event, depth: int) -> Iterator[int]:
    """Yield one for each file that is removed; what may not be is left."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    for name in names:
        if stop.is_set():
            raise Stop
        with contextlib.suppress(OSError):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                if depth:
                    yield from _remove_in(folder, name, before, stop, depth)
                if status.st_ctime < before:
                    os.rmdir(name, dir_fd=folder)  # which leaves one that has something in it
            elif status.st_ctime < before and name != CLEANED_MARKER:
                os.unlink(name, dir_fd=folder)
                yield 1


def _remove_in(folder: int, name: str, before: float, stop: threading.Event, depth: int) -> Iterator[int]:
    inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield from _remove(inner, before, stop, depth - 1)
    finally:
        os.close(inner)
