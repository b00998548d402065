"""`volume://NAME/path`: outputs onto the pool's volumes.

The copy goes into the folder of the destination, because only within one filesystem is a rename one step.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason
from videojob_worker import oserrors
from videojob_worker.beneath import UnsafePathError, open_folder, split_volume_uri
from videojob_worker.concurrency import Stop, in_thread, undisturbed

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from videojob_worker.publish.base import Destination

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Staged:
    destination: Destination
    root: Path
    folders: tuple[str, ...]
    name: str
    temporary: str
    size_bytes: int
    sha256: str

    async def commit(self) -> None:
        await asyncio.to_thread(self._rename)

    async def discard(self) -> None:
        await undisturbed(asyncio.to_thread(self._remove))

    def _rename(self) -> None:
        try:
            with open_folder(self.root, self.folders) as folder:
                os.replace(self.temporary, self.name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
        except (OSError, UnsafePathError) as error:
            raise _converted(error, self.destination) from error

    def _remove(self) -> None:
        with (
            contextlib.suppress(OSError, UnsafePathError),
            open_folder(self.root, self.folders) as folder,
        ):
            os.unlink(self.temporary, dir_fd=folder)


async def stage(source: int, destination: Destination) -> _Staged:
    """Copy to a temporary name beside the destination, down to the disk.

    Raises:
        PermanentError: the path is not one that may be written.
        TransientError: the disk is full, or the volume fails.
    """
    return await in_thread(lambda stop: _copy(source, destination, stop))


def _copy(source: int, destination: Destination, stop: threading.Event) -> _Staged:
    try:
        volume, (*folders, name) = split_volume_uri(destination.uri)
        root = destination.volumes.get(volume)
        if root is None:
            raise PermanentError(f"{destination}: the pool has no volume {volume}", Reason.OUTPUT_FORBIDDEN)
        with open_folder(root, tuple(folders), create=True) as folder:
            _remove_leftovers(folder, destination, name)
            temporary = _temporary(destination, name, destination.attempt)
            try:
                size, digest = _copy_into(source, folder, temporary, destination, stop)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise
    except (OSError, UnsafePathError) as error:
        raise _converted(error, destination) from error
    return _Staged(destination, root, tuple(folders), name, temporary, size, digest)


def _copy_into(
    source: int, folder: int, temporary: str, destination: Destination, stop: threading.Event
) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    target = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder
    )
    with os.fdopen(target, "wb") as file:
        while chunk := os.pread(source, _CHUNK_BYTES, size):
            if stop.is_set():
                raise Stop
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            destination.on_bytes(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _remove_leftovers(folder: int, destination: Destination, name: str) -> None:
    """Remove what earlier attempts left when they were killed.

    A stale one that still writes can no longer commit.
    """
    for attempt in range(1, destination.attempt):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_temporary(destination, name, attempt), dir_fd=folder)


def _temporary(destination: Destination, name: str, attempt: int) -> str:
    """Make a name that no other attempt has, and that is not longer than names may be."""
    key = hashlib.sha256(f"{destination.uid}/{name}".encode()).hexdigest()[:16]
    return f".{key}-{attempt}.part"


def _converted(error: OSError | UnsafePathError, destination: Destination) -> Exception:
    if isinstance(error, UnsafePathError):
        return PermanentError(f"{destination}: {error}", Reason.OUTPUT_FORBIDDEN)
    return oserrors.of_output(error, str(destination))
