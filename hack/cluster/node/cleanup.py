"""Removes every trace of a cluster from the machine, in whatever state it is.

There is one way down, for a healthy cluster and for what a crash left: kill, unmount, delete. It looks at the
machine and at no record, so it can be interrupted, repeated, and run from another checkout.
"""

import shutil
import subprocess
from pathlib import Path

from node import cgroups, config, network, processes
from node.config import ClusterError
from node.steps import step

# The kubelet, containerd's shims and the CNI library write these wherever they are told to work.
SHIM_SOCKETS = Path("/run/containerd/s")
KUBELET_SOCKETS = Path("/var/lib/kubelet/device-plugins")
CONTAINER_LOG_LINKS = Path("/var/log/containers")
CNI_RESULTS = Path("/var/lib/cni/results")


def needed() -> bool:
    """Whether any part of a cluster is on this machine."""
    folders = [config.STATE, config.RUN, *(root / config.CGROUP for root in cgroups.hierarchies())]
    return any(folder.exists() for folder in folders) or bool(processes.marked()) or network.present()


def clean() -> None:
    """Removes everything.

    Raises:
        ClusterError: something could not be removed.
    """
    with step("end all processes"):
        processes.kill(processes.marked())
        cgroups.remove()
    with step("unmount"):
        _unmount()
    with step("remove interfaces, routes and firewall rules"):
        network.remove()
    with step("remove state"):
        _remove_strays()
        for folder in (config.RUN, config.STATE):
            if folder.exists():
                shutil.rmtree(folder)
        config.KUBECONFIG.unlink(missing_ok=True)


def _unmount() -> None:
    """Unmounts all below our folders; the last mounted first."""
    if mounts := _mounts():
        subprocess.run(["umount", "--lazy", *reversed(mounts)], capture_output=True, check=False)
    if left := _mounts():  # else deleting the folders would delete what is mounted there
        raise ClusterError(f"could not unmount {', '.join(left)}")


def _mounts() -> list[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point.startswith((f"{config.STATE}/", f"{config.RUN}/"))]


def _remove_strays() -> None:
    pods = {folder.name for folder in config.STATE.glob("containerd/io.containerd.grpc.v1.cri/sandboxes/*")}
    results = [path for path in CNI_RESULTS.glob("*") if pods & set(path.name.split("-"))]
    tasks = (config.RUN / "containerd" / "io.containerd.runtime.v2.task").glob("*/*/address")
    sockets = [SHIM_SOCKETS / Path(task.read_text()).name for task in tasks]
    for path in (*KUBELET_SOCKETS.glob("kubelet*"), *results, *sockets):
        path.unlink(missing_ok=True)
    for link in CONTAINER_LOG_LINKS.glob("*"):
        if link.is_symlink() and link.readlink().is_relative_to(config.STATE):
            link.unlink()
    for folder in (SHIM_SOCKETS, KUBELET_SOCKETS, CNI_RESULTS):
        _remove_empty(folder)
        _remove_empty(folder.parent)
    _remove_empty(CONTAINER_LOG_LINKS)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
