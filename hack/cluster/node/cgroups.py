"""The cgroup that all pods lie in, on cgroup v1 and v2 machines.

It lets us limit nothing; it lets us find every process of every container, also when the daemons that started
them are gone. Beside what else the machine does, all pods together count as two processes and not, as they would by
default, as one, which stands still beside tests.
"""

import time
from pathlib import Path

from node import config, processes
from node.config import ClusterError

REMOVE_TIMEOUT_S = 10.0
SHARES = {"cpu.shares": 2048, "cpu.weight": 200}
"""Of the processor's time, in version 1 and 2: twice the default."""


def hierarchies() -> dict[Path, bool]:
    """Where each cgroup hierarchy is mounted, and whether it is of version 2."""
    found = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind = after.split()[0]
        if kind in {"cgroup", "cgroup2"}:
            found[Path(before.split()[4])] = kind == "cgroup2"
    return found


def create() -> None:
    """Makes our cgroup in every hierarchy, with its controllers usable by children."""
    found = hierarchies()
    for root, version_2 in found.items():
        own = root / config.CGROUP
        own.mkdir(exist_ok=True)
        if not version_2:
            for name in ("cpuset.cpus", "cpuset.mems"):  # they start empty, and nothing may run in it then
                if (own / name).exists():
                    (own / name).write_text((root / name).read_text())
        elif len(found) == 1:  # beside version 1, the kubelet uses no controller of version 2
            controllers = (root / "cgroup.controllers").read_text().split()
            for folder in (root, own):
                _enable(folder, controllers)
        for name, share in SHARES.items():
            if (own / name).exists():
                (own / name).write_text(str(share))


def _enable(folder: Path, controllers: list[str]) -> None:
    enabled = (folder / "cgroup.subtree_control").read_text().split()
    missing = [name for name in controllers if name not in enabled]
    try:
        for name in missing:
            (folder / "cgroup.subtree_control").write_text(f"+{name}")
    except OSError as error:
        raise ClusterError(f"the cgroup controller {name} cannot be enabled in {folder}: {error.strerror}") from error


def members() -> set[int]:
    """The processes in our cgroup and all below it."""
    found = set()
    for root in hierarchies():
        for file in (root / config.CGROUP).glob("**/cgroup.procs"):
            try:
                found |= {int(line) for line in file.read_text().split()}
            except OSError:  # removed meanwhile
                continue
    return found - {0}


def remove() -> None:
    """Kills what is in our cgroup and removes it.

    Raises:
        ClusterError: it could not be removed.
    """
    deadline = time.monotonic() + REMOVE_TIMEOUT_S
    while True:
        processes.kill(members())
        left = [path for root in hierarchies() if (path := root / config.CGROUP).is_dir() and not _remove_tree(path)]
        if not left:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"cgroups could not be removed: {', '.join(map(str, left))}")
        time.sleep(0.05)


def _remove_tree(top: Path) -> bool:
    """Removes `top` and all below it, deepest first; false while something keeps one busy."""
    folders = sorted((path for path in top.glob("**/") if path.is_dir()), key=lambda path: -len(path.parts))
    try:
        for folder in folders:
            folder.rmdir()
    except OSError:
        return False
    return True
