"""Keeps the renderer to its own files, by the kernel: Landlock.

Before the first byte of media is read, the process gives up every file but what it runs from, its sources and its
scratch folder, and all TCP. A decoder that is tricked into opening something gets “permission denied”. Kernels before
5.13, and those without Landlock, refuse nothing; the other limits hold there all the same.
(Documentation/userspace-api/landlock.rst of the kernel.)
"""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# The numbers are the same on every architecture.
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1
_PATH_BENEATH: Final = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE
# Rights that came with each version of the interface: all of version 1, then renaming, then cutting files short.
_RIGHTS: Final = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14}
_TRUNCATE: Final = 1 << 14
_TCP_VERSION: Final = 4
_TCP: Final = 0b11  # bind and connect
_SCOPE_VERSION: Final = 6
_SCOPES: Final = 0b11  # abstract Unix sockets and signals of processes outside

# What programs and libraries read; of /proc, not what tells of other processes.
_SYSTEM: Final = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc",
    "/var/cache/fontconfig",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/driver/nvidia",
    "/sys/devices/system",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
)
_DEVICES: Final = ("/dev/null", "/dev/nvidia*", "/dev/dri")


def available() -> int:
    """Return the version of the kernel's Landlock; 0 when it has none."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}:
            return 0
        raise


def confine_files(sources: Iterable[int], scratch: Path) -> bool:
    """Give up, for good, all files but the system's, the open sources and a folder; False when the kernel cannot.

    Called while the process has one thread: it holds for those that are started later.

    Raises:
        OSError: the kernel can, and refused.
    """
    version = available()
    if not version:
        return False
    handled = sum(bits for since, bits in _RIGHTS.items() if since <= version)
    attributes = struct.pack("QQQ", handled, _TCP, _SCOPES)
    size = 24 if version >= _SCOPE_VERSION else 16 if version >= _TCP_VERSION else 8
    ruleset = _call(_CREATE_RULESET, attributes, size, 0)
    try:
        for path in dict.fromkeys((*_SYSTEM, *_own_code())):
            _allow(ruleset, path, _READ & handled)
        for pattern in _DEVICES:
            for path in glob.glob(pattern):  # noqa: PTH207 - its results are paths as they are
                _allow(ruleset, path, (_READ | _WRITE_FILE) & handled)
        _allow(ruleset, str(scratch), handled)
        for fd in sources:
            _allow_fd(ruleset, fd, _READ_FILE)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _own_code() -> Iterator[str]:
    """Yield where this Python and its packages lie."""
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix)
    yield from (path for path in sys.path if os.path.isabs(path))  # noqa: PTH117 - a string all along


def _allow(ruleset: int, path: str, rights: int) -> None:
    with suppress(FileNotFoundError, PermissionError):
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):  # noqa: PTH112 - the same
                rights &= _OF_FILES | _TRUNCATE
            _allow_fd(ruleset, fd, rights)
        finally:
            os.close(fd)


def _allow_fd(ruleset: int, fd: int, rights: int) -> None:
    _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, fd), 0)


def _call(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    given = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *given)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
