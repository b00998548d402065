"""What of this machine a cluster changes, so that before and after can be compared."""

import json
import subprocess
from pathlib import Path

SYSCTLS = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/conf/all/accept_redirects",
    "net/ipv4/conf/all/forwarding",
    "net/ipv4/conf/default/forwarding",
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
FOLDERS = ("/run", "/run/netns", "/var/lib", "/var/lib/cni/results", "/var/lib/kubelet", "/var/log/containers")
BUILDAH = Path("/run/videojob-images")
PORTS = (53, 9090, 2379, 2380, 6443, 10248, 10249, 10250, 10256, 10257, 10259)
PROGRAMS = ("containerd", "coredns", "etcd", "kube-", "kubelet", "pause", "prometheus")


def snapshot() -> dict[str, list[str]]:
    """Everything that must be the same once a cluster is gone."""
    links = json.loads(_output("ip", "-json", "link"))
    return {
        "interfaces": sorted(link["ifname"] for link in links),
        "routes": sorted(_output("ip", "route", "show", "table", "all").splitlines()),
        "rules": _rules("iptables-save") + _rules("ip6tables-save"),
        "mounts": sorted(point for point in _mounts() if "/images/store/" not in point),  # buildah, building
        "cgroups": sorted(map(str, Path("/sys/fs/cgroup").glob("**/videojob*"))),
        "sysctls": [f"{name}={(Path('/proc/sys') / name).read_text().strip()}" for name in SYSCTLS],
        "folders": [str(path) for name in FOLDERS for path in sorted(Path(name).glob("*")) if path != BUILDAH],
        "sockets": sorted(line.split()[4] for line in _listening() if int(line.split()[4].rpartition(":")[2]) in PORTS),
        "processes": sorted(_programs()),
    }


def wide_open() -> list[str]:
    """The addresses of the cluster's programs that are reachable from outside the machine."""
    own = [line for line in _listening() if any(f'"{name}' in line for name in PROGRAMS)]
    return [line for line in own if not line.split()[4].startswith(("127.0.0.1:", "10.234.0.1:"))]


def _listening() -> list[str]:
    return _output("ss", "-H", "-l", "-t", "-u", "-n", "-p").splitlines()


def _mounts() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _rules(program: str) -> list[str]:
    # Built-in chains appear with the first use of their table and stay; empty ones mean nothing.
    lines = _output(program).splitlines()
    return [line for line in lines if line.startswith("-") or (line.startswith(":") and " - " in line)]


def _programs() -> list[str]:
    """The daemons, which all have one of the cluster's folders in their arguments, and what runs in pods."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            program = (entry / "exe").readlink().name
            arguments = (entry / "cmdline").read_text(errors="replace")
            cgroup = (entry / "cgroup").read_text()
        except OSError:  # ended, or of the kernel
            continue
        if (program.startswith(PROGRAMS) and "/videojob-cluster" in arguments) or ":/videojob" in cgroup:
            found.append(f"{program} {entry.name}")
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout
