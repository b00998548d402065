"""Limits that the renderer process sets for itself before it loads a decoder; what shields its supervisor.

The supervisor holds the password of Redis and the lease. It is made unreadable for other processes of its
user (`PR_SET_DUMPABLE`), and hands the renderer an environment from an allow list.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_KEPT_PREFIXES = ("PYTHON",)
# No threads are wanted of numpy's linear algebra, and none may be there yet when the process gives up its files.
# And pydantic need not look through all packages for plugins of its own.
_ADDED = {"OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}

SUPERVISOR_BYTES = 192 * 1024**2
"""What the supervisor may need of the container's memory, in bytes; the rest is the renderer's."""

_LEAST_BYTES = 256 * 1024**2
_OPEN_FILES = 1024
_CPU_GRACE_S = 5  # between SIGXCPU, which says why, and SIGKILL, which does not
# Longer than any video that can be asked for; a muxer that runs away stops here.
_FILE_BYTES = 64 * 1024**3


@dataclass(frozen=True)
class Limits:
    """What the renderer may use."""

    memory_bytes: int | None = None
    """Private memory that can be written (`RLIMIT_DATA`); None when the container has no limit.

    Reaching it is an error that the renderer can report. Reaching the container's own limit makes the kernel
    kill every process in it, and nobody is left to say why.
    """

    @classmethod
    def within(cls, container_bytes: int | None) -> Limits:
        """Leave the supervisor its share of the container's memory."""
        if container_bytes is None:
            return cls()
        return cls(memory_bytes=max(_LEAST_BYTES, container_bytes - SUPERVISOR_BYTES))


def shield_this_process() -> None:
    """Keep other processes of the same user out of this one's memory and environment, and dump no core."""
    _prctl(_PR_SET_DUMPABLE, 0)


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Keep what a decoder needs to run, and no secret."""
    kept = {name: value for name, value in env.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    return kept | _ADDED


def confine(limits: Limits, parent: int) -> None:
    """Limit this process for good, and let it die with its parent.

    Raises:
        OSError: when the kernel refuses.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _lower(resource.RLIMIT_FSIZE, _FILE_BYTES)
    if limits.memory_bytes is not None:
        _lower(resource.RLIMIT_DATA, limits.memory_bytes)


def limit_cpu(cpu_s: int) -> None:
    """Limit the processor time of all threads together; the kernel then ends the process with SIGXCPU."""
    _lower(resource.RLIMIT_CPU, cpu_s, grace=_CPU_GRACE_S)


def _lower(which: int, value: int, *, grace: int = 0) -> None:
    _, hard = resource.getrlimit(which)
    highest = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(which, (min(value, highest), highest))


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
