"""What the kernel says of memory in this container's control group (version 2)."""

from pathlib import Path


def oom_kills(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int | None:
    """Return how many processes of this group were killed for want of memory; None when it cannot be told."""
    try:
        group = next(line[3:] for line in membership.read_text().splitlines() if line.startswith("0::"))
        events = (root / group.strip("/") / "memory.events").read_text()
        return next(int(line.split()[1]) for line in events.splitlines() if line.startswith("oom_kill "))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
