"""The node's daemons: started to outlive us, and found again without a pid file.

Each is started with a mark in its environment, which its children inherit (containerd's shims), so that whatever
was left behind by an earlier run, from whichever checkout, is found by looking through /proc. The processes inside
containers do not inherit it; those are found by their cgroup (see `cgroups`).
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from node import config
from node.config import ClusterError

# The daemons get a clean environment: a proxy of the user's must not come between them.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
KILL_TIMEOUT_S = 10.0


def marked() -> dict[int, str]:
    """The name of every running process that carries our mark, by process id; shims bear containerd's name."""
    found = {}
    prefix = f"{config.PROCESS_MARK}=".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:  # it ended, or it is not ours to read
            continue
        for variable in environment.split(b"\0"):
            if variable.startswith(prefix):
                found[int(entry.name)] = variable.removeprefix(prefix).decode()
    return found


def running(name: str) -> int | None:
    """The process id of the daemon `name`, if it runs."""
    for pid, mark in marked().items():
        if mark == name and _program(pid) == name:
            return pid
    return None


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


def start(name: str, argv: list[str]) -> None:
    """Starts the daemon `name`, unless it runs, in a session of its own, writing to its log."""
    if running(name) is not None:
        return
    config.LOGS.mkdir(parents=True, exist_ok=True)
    with log_path(name).open("ab") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=ENVIRONMENT | {config.PROCESS_MARK: name},
            start_new_session=True,
        )
    while running(name) is None and process.poll() is None:  # its environment shows a moment after its start
        time.sleep(0.005)


def log_path(name: str) -> Path:
    """Where the daemon `name` logs."""
    return config.LOGS / f"{name}.log"


def check_alive(name: str) -> None:
    """Raises ClusterError with the end of its log when the daemon `name` has ended."""
    if running(name) is None:
        lines = log_path(name).read_text(errors="replace").splitlines()[-15:]
        raise ClusterError("\n    ".join([f"{name} ended. The last lines of {log_path(name)}:", *lines]))


def kill(pids: Iterable[int]) -> None:
    """Kills and waits until the processes are gone.

    Raises:
        ClusterError: some outlived SIGKILL (they hang in the kernel).
    """
    left = set(pids)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while left := {pid for pid in left if _alive(pid)}:
        if time.monotonic() > deadline:
            raise ClusterError(f"processes survived SIGKILL for {KILL_TIMEOUT_S:.0f} s: {sorted(left)}")
        time.sleep(0.02)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}  # the state follows the name, which is in brackets
