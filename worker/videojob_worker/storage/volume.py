"""`volume://NAME/path`: files on the pool's volumes.

Sources are read where they are. No copy is made: a video of some gigabytes is open at once. What an overwritten file
would do to the render is found at the end (`Sources.check_unchanged`); a file that is replaced by renaming does no
harm, since the old one stays open.

Outputs are copied into the folders of their destinations, because only within one filesystem is a rename one step.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from videojob_common.safe_open import UnsafePathError, open_file, open_folder, split_volume_uri
from videojob_contract import output_files
from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_contract.resources.uploads import is_upload
from videojob_contract.resources.uris import redact_uri
from videojob_worker import errno_mapping
from videojob_worker.concurrency import Stop, in_thread, undisturbed
from videojob_worker.storage import old_files
from videojob_worker.storage.base import StorageBackend

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from videojob_worker.storage.base import Destination, FetchContext, RenderedFile

_CHUNK_BYTES = 1 << 20


async def fetch(field: str, uri: str, context: FetchContext) -> int:
    """Open a file.

    Raises:
        PermanentError: not found, not to be read, not a regular file, or too large.
        TransientError: the volume fails.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(_open, f"{field}: {redact_uri(uri)}", uri, context))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:  # the thread goes on, and nobody else would close what it opens
        with contextlib.suppress(VideoJobError):
            os.close(await undisturbed(opening))
        raise


def _open(what: str, uri: str, context: FetchContext) -> int:
    try:
        volume, names = split_volume_uri(uri)
        root = context.volumes.get(volume)
        if root is None:
            raise PermanentError(f"{what}: the pool has no such volume", Reason.SOURCE_NOT_FOUND)
        fd = open_file(root, names)
    except (OSError, UnsafePathError) as error:
        raise _source_error(error, what) from error
    size = os.fstat(fd).st_size
    if size > context.limits.max_source_bytes:
        os.close(fd)
        raise PermanentError(
            f"{what}: {size} bytes, more than the pool's limit of {context.limits.max_source_bytes}",
            Reason.SOURCE_TOO_LARGE,
        )
    if is_upload(uri, context.uploads):
        _use(fd)
    return fd


def _use(fd: int) -> None:
    """Let an upload stay from now on (`old_files`), where it is ours to say; when it was written stays as it is."""
    with contextlib.suppress(OSError):
        status = os.fstat(fd)
        os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))


@dataclass(frozen=True)
class _Copy:
    """One file, complete under its temporary name."""

    folders: tuple[str, ...]
    name: str
    temporary: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class _Staged:
    destination: Destination
    root: Path
    copies: Sequence[_Copy]
    """The main file last."""

    @property
    def size_bytes(self) -> int:
        return sum(copy.size_bytes for copy in self.copies)

    @property
    def sha256(self) -> str:
        return self.copies[-1].sha256

    async def commit(self) -> None:
        await asyncio.to_thread(self._rename)

    async def url(self) -> None:
        return None

    async def discard(self) -> None:
        await undisturbed(asyncio.to_thread(_remove, self.root, self.copies[-1].folders, self.copies))

    def _rename(self) -> None:
        try:
            for folders, copies in groupby(self.copies, key=lambda copy: copy.folders):
                with open_folder(self.root, folders) as folder:
                    for copy in copies:
                        os.replace(copy.temporary, copy.name, src_dir_fd=folder, dst_dir_fd=folder)
                    os.fsync(folder)
        except (OSError, UnsafePathError) as error:
            raise _output_error(error, self.destination) from error
        self._remove_former()

    def _remove_former(self) -> None:
        """Remove the folders of what had this name before; nobody is told of them any more."""
        main = self.copies[-1]
        current = {copy.folders[-1] for copy in self.copies if copy.folders != main.folders}
        if not current:
            return
        with contextlib.suppress(OSError, UnsafePathError), open_folder(self.root, main.folders) as folder:
            for name in _names(folder):
                if output_files.is_folder_of(main.name, name) and name not in current:
                    with contextlib.suppress(OSError, UnsafePathError):
                        self._empty((*main.folders, name))
                        os.rmdir(name, dir_fd=folder)

    def _empty(self, folders: tuple[str, ...]) -> None:
        with open_folder(self.root, folders) as folder:
            for name in filter(output_files.is_left, _names(folder)):
                if stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=folder)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


async def stage(files: Sequence[RenderedFile], destination: Destination) -> _Staged:
    """Copy to temporary names beside the destinations, down to the disk.

    Raises:
        PermanentError: the path is not one that may be written.
        TransientError: the disk is full, or the volume fails.
    """
    return await in_thread(lambda stop: _copy_all(files, destination, stop))


def _copy_all(files: Sequence[RenderedFile], destination: Destination, stop: threading.Event) -> _Staged:
    copies: list[_Copy] = []
    try:
        volume, (*folders, name) = split_volume_uri(destination.uri)
        root = destination.volumes.get(volume)
        if root is None:
            raise PermanentError(f"{destination}: the pool has no volume {volume}", Reason.OUTPUT_FORBIDDEN)
        place = main = tuple(folders)
        try:
            for file in files:
                *inner, own = file.parts or (name,)
                place = (*main, *inner)
                key = "/".join((name, *file.parts))
                with open_folder(root, place, create=True) as folder:
                    size, digest, temporary = _copy(file, folder, key, destination, stop)
                copies.append(_Copy(place, own, temporary, size, digest))
        except BaseException:
            _remove(root, main, copies)
            _remove_folder(root, main, place)
            raise
    except (OSError, UnsafePathError) as error:
        raise _output_error(error, destination) from error
    return _Staged(destination, root, copies)


def _copy(
    file: RenderedFile, folder: int, key: str, destination: Destination, stop: threading.Event
) -> tuple[int, str, str]:
    """Copy one file; return its size, its digest and its temporary name."""
    _remove_leftovers(folder, destination, key)
    temporary = _temporary(destination, key, destination.attempt)
    source = file.open()
    try:
        return *_copy_into(source, folder, temporary, destination, stop), temporary
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    finally:
        os.close(source)


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


def _remove(root: Path, main_folders: tuple[str, ...], copies: Sequence[_Copy]) -> None:
    """Remove copies that have not got their names, and folders that only they were in."""
    for folders, some in groupby(copies, key=lambda copy: copy.folders):
        with contextlib.suppress(OSError, UnsafePathError), open_folder(root, folders) as folder:
            for copy in some:
                with contextlib.suppress(OSError):
                    os.unlink(copy.temporary, dir_fd=folder)
        _remove_folder(root, main_folders, folders)


def _remove_folder(root: Path, main_folders: tuple[str, ...], folders: tuple[str, ...]) -> None:
    """Remove a folder of further files, unless there is something in it."""
    if folders != main_folders:
        with contextlib.suppress(OSError, UnsafePathError), open_folder(root, folders[:-1]) as parent:
            os.rmdir(folders[-1], dir_fd=parent)


def _remove_leftovers(folder: int, destination: Destination, key: str) -> None:
    """Remove what earlier attempts left when they were killed.

    A stale one that still writes can no longer commit.
    """
    for attempt in range(1, destination.attempt):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_temporary(destination, key, attempt), dir_fd=folder)


def _temporary(destination: Destination, key: str, attempt: int) -> str:
    """Make a name that no other attempt has, and that is not longer than names may be."""
    digest = hashlib.sha256(f"{destination.uid}/{key}".encode()).hexdigest()[:16]
    return f".{digest}-{attempt}.part"


def _source_error(error: OSError | UnsafePathError, what: str) -> VideoJobError:
    if isinstance(error, UnsafePathError):
        return PermanentError(f"{what}: {error}", Reason.SOURCE_FORBIDDEN)
    return errno_mapping.of_source(error, what)


def _output_error(error: OSError | UnsafePathError, destination: Destination) -> VideoJobError:
    if isinstance(error, UnsafePathError):
        return PermanentError(f"{destination}: {error}", Reason.OUTPUT_FORBIDDEN)
    return errno_mapping.of_output(error, str(destination))


BACKEND = StorageBackend(fetch=fetch, downloads=False, stage=stage, remove_old=old_files.remove_old_files)
