"""Uploads that have not come whole: the bytes that are there, and beside them a record of what they are to become.

How much has come is the length of the file, so nothing of a process that was killed has to be mended. Of all that
would write to an upload, on all replicas, one does: whoever has its lock. Everything here blocks.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from videojob_common.safe_open import open_folder
from videojob_gateway.assets.asset_files import names_in
from videojob_gateway.assets.layout import PARTIAL, STAYS_S, UPLOAD_ID, PartialUpload, UploadRecord, folder_of
from videojob_gateway.errors import LockedError, NoSuchUploadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILE: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_RECORD_BYTES: Final = 4096


@dataclass(slots=True)
class LockedFile:
    """An upload that nobody else writes to."""

    id: str
    record: UploadRecord
    file: int
    folder: int
    """The folder that it is in."""
    offset: int


def create(root: Path, user: str, record: UploadRecord) -> PartialUpload:
    """Make an upload of which nothing has come.

    Raises:
        OSError, UnsafePathError: the folder cannot be written to.
    """
    identity = secrets.token_hex(16)
    with open_folder(root, (PARTIAL, folder_of(user)), create=True) as folder:
        _write_record(folder, identity, record)
        os.close(os.open(identity, _FILE | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=folder))
    return PartialUpload(identity, record, 0, time.time() + STAYS_S)


def look(root: Path, user: str, identity: str) -> PartialUpload:
    """Return an upload; one that has become an asset has come whole.

    Raises:
        NoSuchUploadError: there is none, or it has expired.
        OSError, UnsafePathError: the folder cannot be read.
    """
    with _folder(root, user, identity) as folder:
        return _look(folder, identity)


def every(root: Path, user: str) -> list[PartialUpload]:
    """Return a user's uploads that have not come whole; those that have expired are removed.

    Raises:
        OSError, UnsafePathError: the folder cannot be read.
    """
    found = []
    with suppress(FileNotFoundError), open_folder(root, (PARTIAL, folder_of(user))) as folder:
        for name in names_in(folder):
            identity = name.partition(".")[0]
            try:
                upload = _look(folder, identity) if UPLOAD_ID.fullmatch(name) else None
            except NoSuchUploadError:
                upload = None
            if upload is not None:
                found.append(upload)
            elif _is_old(folder, name):
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)
    return found


@contextmanager
def opened(root: Path, user: str, identity: str) -> Iterator[LockedFile]:
    """Open an upload to be written to, by nobody else meanwhile.

    Raises:
        NoSuchUploadError: there is none, it has expired, or it has become an asset.
        LockedError: somebody writes to it.
        OSError, UnsafePathError: the folder cannot be written to.
    """
    with _folder(root, user, identity) as folder:
        record = _look(folder, identity).record
        if record.asset:
            raise NoSuchUploadError("the upload has come whole")
        file = _open(folder, identity)
        try:
            _lock(file)
            _check_place(folder, identity, file)
            os.utime(f"{identity}.json", dir_fd=folder, follow_symlinks=False)  # it stays with what it is of
            yield LockedFile(identity, record, file, folder, os.fstat(file).st_size)
        finally:
            os.close(file)


def complete(upload: LockedFile, asset: str) -> None:
    """Remember for a while which asset an upload has become, for who got no answer and asks again; raises OSError."""
    _write_record(upload.folder, upload.id, upload.record.model_copy(update={"asset": asset}))


def remove_upload(root: Path, user: str, identity: str) -> None:
    """Remove an upload, whoever writes to it.

    Raises:
        NoSuchUploadError: there is none.
        OSError, UnsafePathError: the folder cannot be written to.
    """
    with _folder(root, user, identity) as folder:
        for name in (identity, f"{identity}.json"):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)


@contextmanager
def _folder(root: Path, user: str, identity: str) -> Iterator[int]:
    missing = NoSuchUploadError("there is no such upload, or its time is over")
    if not UPLOAD_ID.fullmatch(identity):
        raise missing
    try:
        with open_folder(root, (PARTIAL, folder_of(user))) as folder:
            os.stat(f"{identity}.json", dir_fd=folder, follow_symlinks=False)
            yield folder
    except FileNotFoundError:
        raise missing from None


def _look(folder: int, identity: str) -> PartialUpload:
    """Return an upload; raises `NoSuchUploadError` when it has expired, or its record cannot be read."""
    record = _read_record(folder, identity)
    name = f"{identity}.json" if record is not None and record.asset else identity
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        found = None
    if record is None or found is None or found.st_mtime + STAYS_S < time.time():
        raise NoSuchUploadError("there is no such upload, or its time is over")
    offset = record.length if record.asset else found.st_size
    return PartialUpload(identity, record, offset, found.st_mtime + STAYS_S)


def _open(folder: int, name: str) -> int:
    file = os.open(name, _FILE, dir_fd=folder)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(file)
        raise NoSuchUploadError("there is no such upload")
    return file


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockedError("another request writes to this upload; ask again when that has ended") from None


def _check_place(folder: int, name: str, file: int) -> None:
    """Make sure that an open file still is the upload: whoever had the lock before may have made an asset of it."""
    found, opened_file = os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(file)
    if (found.st_dev, found.st_ino) != (opened_file.st_dev, opened_file.st_ino):
        raise NoSuchUploadError("the upload has come whole, or was removed")


def _is_old(folder: int, name: str) -> bool:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime + STAYS_S < time.time()
    except OSError:
        return False


def _read_record(folder: int, identity: str) -> UploadRecord | None:
    try:
        file = os.open(f"{identity}.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    try:
        return UploadRecord.model_validate_json(os.read(file, _RECORD_BYTES))
    except (OSError, ValidationError):
        return None
    finally:
        os.close(file)


def _write_record(folder: int, identity: str, record: UploadRecord) -> None:
    """Write a record, whole or not at all."""
    name = f"{identity}.{secrets.token_hex(4)}"
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640, dir_fd=folder)
    try:
        try:
            os.write(file, record.model_dump_json().encode())
        finally:
            os.close(file)
        os.rename(name, f"{identity}.json", src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise
