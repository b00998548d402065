"""What many short VideoJobs at once take: wall time, and processor time by whom.

On the one-node cluster with the operator installed, on its pool `default`:
`.venv/bin/python -m bench.burst [COUNT]` from the repository's root. What the control groups of pods have used counts,
with what containers took to start; and of Kubernetes what its programs have.
"""

import sys
import time
from pathlib import Path

from tests.e2e.cluster import FINAL, RELEASE_NAMESPACE, Cluster
from tests.e2e.specs import short

ROOT = Path(__file__).parents[1]
_GROUPS = (Path("/sys/fs/cgroup/cpuacct/videojob/kubepods"), Path("/sys/fs/cgroup/videojob/kubepods"))
_KUBERNETES = {"etcd", "kube-apiserver", "kube-controller", "kube-scheduler", "kube-proxy", "kubelet", "coredns"}
_TICKS_A_SECOND = 100
_SETTLE_S = 4.0  # for pods to end


def used_s(group: Path) -> float:
    """Return the processor seconds that a control group has used, with those of groups below it that are gone."""
    if (group / "cpuacct.usage").exists():
        return int((group / "cpuacct.usage").read_text()) / 1e9
    return int((group / "cpu.stat").read_text().split()[1]) / 1e6


def kubernetes_s() -> float:
    """Return the processor seconds that the programs of Kubernetes and containerd have used."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, stat = (process / "comm").read_text().strip(), (process / "stat").read_text()
        except OSError:
            continue
        if name in _KUBERNETES or name == "containerd":
            ticks += sum(int(field) for field in stat.rpartition(")")[2].split()[11:15])
    return ticks / _TICKS_A_SECOND


def main() -> None:
    """Render so many at once, and say what one of them took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    cluster = Cluster(ROOT / ".cluster" / "kubeconfig", RELEASE_NAMESPACE)
    pods = next(group for group in _GROUPS if group.exists())
    groups = {"operator": cluster.operator_pod(), "redis": cluster.redis_pod()}
    ours = {name: next(pods.glob(f"*/pod{pod.metadata.uid}")) for name, pod in groups.items()}

    def used() -> dict[str, float]:
        by_whom = {name: used_s(group) for name, group in ours.items()}
        return {"workers": used_s(pods) - sum(by_whom.values()), **by_whom, "kubernetes": kubernetes_s()}

    names = [f"burst-{number}" for number in range(count)]
    before, began = used(), time.monotonic()
    for name in names:
        cluster.create(name, short() | {"pool": "default"})
    while not all(cluster.status(name).get("phase") in FINAL for name in names):
        time.sleep(0.5)
    wall_s = time.monotonic() - began
    phases = {cluster.status(name)["phase"] for name in names}
    time.sleep(_SETTLE_S)
    after = used()
    for name in names:
        cluster.delete(name)
    cluster.close()
    print(f"{count} VideoJobs in {wall_s:.1f} s: {', '.join(phases)}; processor seconds of each, by whom:")
    for whom, seconds in after.items():
        print(f"  {whom:<12}{(seconds - before[whom]) / count:6.2f}")


if __name__ == "__main__":
    main()
