"""Open files beneath a folder, and nowhere else.

Paths come from specs, which are not trusted, and volumes may be shared with other writers. So a path is
walked one component at a time, each opened relative to the one before with `O_NOFOLLOW`: neither `..` nor a
symbolic link, not even one that is swapped in meanwhile, leads out. What is opened is a descriptor, and only
that is used from then on.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafePathError(Exception):
    """A path that leads, or could lead, out of its folder, or to something that is not a regular file."""


def split_volume_uri(uri: str) -> tuple[str, tuple[str, ...]]:
    """Split `volume://media/a/b.jpg` into `("media", ("a", "b.jpg"))`.

    Raises:
        UnsafePathError: for a path that is empty, has `..` or an empty name in it, or a zero byte.
    """
    parts = urlsplit(uri)
    if parts.query or parts.fragment:
        raise UnsafePathError("a volume:// URI has no ? and no #; write them as %3F and %23")
    names = tuple(unquote(part) for part in parts.path.removeprefix("/").split("/"))
    for name in names:
        if name in {"", ".", ".."} or "/" in name or "\0" in name:
            raise UnsafePathError(f"the path has {name!r} in it" if name else "the path has an empty name in it")
    return parts.netloc, names


@contextmanager
def open_folder(root: Path, names: tuple[str, ...], *, create: bool = False) -> Iterator[int]:
    """Give a descriptor of the folder `names` beneath `root`; `create` makes what is missing of it.

    Raises:
        UnsafePathError: when a component is a symbolic link or not a folder.
        OSError: as `open` and `mkdir` raise it.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            inner = _enter(folder, name, create=create)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def open_file(root: Path, names: tuple[str, ...]) -> int:
    """Open a regular file beneath `root` for reading and return its descriptor, which the caller closes.

    Raises:
        UnsafePathError: when a component is a symbolic link, or the file is not a regular one.
        OSError: as `open` raises it.
    """
    *folders, name = names
    with open_folder(root, tuple(folders)) as folder:
        _refuse_link(folder, name)
        # Without O_NONBLOCK a pipe would keep us waiting for its writer.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise UnsafePathError(f"{name} is not a regular file")
    return file


def _enter(folder: int, name: str, *, create: bool) -> int:
    if create:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
    _refuse_link(folder, name)
    return os.open(name, _DIRECTORY, dir_fd=folder)


def _refuse_link(folder: int, name: str) -> None:
    """Say plainly that a name is a link; `O_NOFOLLOW` refuses the one that appears after this."""
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise UnsafePathError(f"{name} is a symbolic link; links are not followed")
