"""Assets that have come whole: `assets/USER/SHA-256/NAME` below a folder that all replicas see, and workers read.

The folder may be written to by others, so nothing in it is believed: no link is followed, and what is not named as we
name things is not there. Everything here blocks.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from videojob_common.safe_open import open_folder
from videojob_gateway.assets.layout import ASSETS, DIGEST, AssetFile, folder_of, kind_of_name, owner_of_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLACE_TRIES: Final = 3


def put_in_place(root: Path, partials: int, partial: str, *, user: str, sha256: str, name: str) -> AssetFile:
    """Make an asset of a file that has come whole, in one step; the same bytes are the asset that there is.

    Args:
        root: the place of uploads.
        partials: the open folder that the file is in, on the same file system.
        partial: its name there.
        user: whose it is to be.
        sha256: of its bytes.
        name: what it is to be called.

    Raises:
        FileNotFoundError: the file is gone.
        OSError, UnsafePathError: the folder cannot be written to.
    """
    for _ in range(_PLACE_TRIES):
        os.stat(partial, dir_fd=partials, follow_symlinks=False)
        with suppress(FileNotFoundError), _folder(root, user, sha256, create=True) as folder:
            if (there := _touched(folder)) is None:
                os.rename(partial, name, src_dir_fd=partials, dst_dir_fd=folder)
                os.fsync(folder)
            if (found := _asset(folder, there or name, user, sha256)) is not None:
                if there is not None:
                    os.unlink(partial, dir_fd=partials)
                return found
    raise FileNotFoundError(partial)  # again and again its folder was removed


def find_file(root: Path, user: str, sha256: str) -> AssetFile | None:
    """Return a user's asset.

    Raises:
        OSError, UnsafePathError: the folder cannot be read.
    """
    with suppress(FileNotFoundError), _folder(root, user, sha256) as folder:
        for name in _names(folder):
            if (found := _asset(folder, name, user, sha256)) is not None:
                return found
    return None


def remove_file(root: Path, user: str, sha256: str) -> bool:
    """Remove a user's asset; False when there is none.

    Raises:
        OSError, UnsafePathError: the folder cannot be written to.
    """
    removed = False
    with suppress(FileNotFoundError), open_folder(root, (ASSETS, folder_of(user))) as parent:
        with _folder(root, user, sha256) as folder:
            for name in _names(folder):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
                    removed = True
        with suppress(OSError):  # someone brings it anew
            os.rmdir(sha256, dir_fd=parent)
    return removed


def newest(root: Path, user: str | None) -> list[tuple[int, str, str]]:
    """Return `(time in ns, digest, user)` of a user's assets, or of everyone's, the newest first.

    Raises:
        OSError, UnsafePathError: the folder cannot be read.
    """
    found: list[tuple[int, str, str]] = []
    for each in [user] if user is not None else _users(root):
        with (
            suppress(FileNotFoundError),
            open_folder(root, (ASSETS, folder_of(each))) as folder,
            os.scandir(folder) as it,
        ):
            for entry in it:
                if DIGEST.fullmatch(entry.name):
                    with suppress(FileNotFoundError):
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name, each))
    return sorted(found, reverse=True)


def holder_of(root: Path, sha256: str) -> str | None:
    """Return a user who has an asset; None when nobody has.

    Raises:
        OSError, UnsafePathError: the folder cannot be read.
    """
    return next((user for user in _users(root) if find_file(root, user, sha256) is not None), None)


def names_in(folder: int) -> list[str]:
    """Return the names of what is in an open folder; raises OSError."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _users(root: Path) -> list[str]:
    with suppress(FileNotFoundError), open_folder(root, (ASSETS,)) as folder:
        return sorted(user for name in names_in(folder) if (user := owner_of_folder(name)) is not None)
    return []


@contextmanager
def _folder(root: Path, user: str, sha256: str, *, create: bool = False) -> Iterator[int]:
    with open_folder(root, (ASSETS, folder_of(user), sha256), create=create) as folder:
        yield folder


def _names(folder: int) -> list[str]:
    return [name for name in names_in(folder) if kind_of_name(name) is not None]


def _touched(folder: int) -> str | None:
    """Return the file that is there already, from now on used anew; its time of writing stays."""
    for name in _names(folder):
        with suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and found.st_size:
                times = (found.st_atime_ns, found.st_mtime_ns)
                os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)
                return name
    return None


def _asset(folder: int, name: str, user: str, sha256: str) -> AssetFile | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    kind = kind_of_name(name)
    if not stat.S_ISREG(found.st_mode) or kind is None:
        return None
    return AssetFile(
        user=user,
        sha256=sha256,
        name=name,
        kind=kind,
        size_bytes=found.st_size,
        created_at=datetime.fromtimestamp(found.st_mtime, UTC),
        used_at=datetime.fromtimestamp(found.st_ctime, UTC),
    )
