"""How fast a VideoJob gets to a worker and through it, what it costs the API server, and what the operator needs.

Run by `make bench-cluster` on the one-node cluster with the operator installed; prints tables and writes
.bench/cluster.json. Times are of one machine on which everything shares the cores: the API server, the operator,
Redis, the workers and this program.
"""

import argparse
import json
import os
import re
import statistics
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import kubernetes
from kubernetes.client import ApiException
from urllib3.exceptions import ProtocolError

from tests.e2e.cluster import FINAL, GROUP, RELEASE_NAMESPACE, VERSION, Cluster, processes_of
from tests.e2e.specs import long, short

ROOT = Path(__file__).parents[1]
POOL = "bench"
CONFLICT = 409
TIMEOUT_S = 180


class Bench:
    """A pool of its own in the release's namespace, and what is measured on it."""

    def __init__(self) -> None:
        self.cluster = Cluster(ROOT / ".cluster" / "kubeconfig", RELEASE_NAMESPACE)
        self.custom = self.cluster.custom
        self.seen: dict[str, list[tuple[float, dict[str, Any]]]] = {}
        self.watch = kubernetes.watch.Watch()

    def follow(self) -> None:
        """Keep every status with the moment at which this program got it."""
        of = (GROUP, VERSION, RELEASE_NAMESPACE, "videojobs")
        version = self.custom.list_namespaced_custom_object(*of)["metadata"]["resourceVersion"]

        def run() -> None:
            with suppress(ProtocolError):  # so it ends when it is stopped
                for event in self.watch.stream(
                    self.custom.list_namespaced_custom_object, *of, resource_version=version
                ):
                    found = event["object"]
                    states = self.seen.setdefault(found["metadata"]["name"], [])
                    states.append((time.time(), found.get("status") or {}))

        threading.Thread(target=run, daemon=True).start()

    def pool(self, spec: dict[str, Any]) -> None:
        """Make the pool, or change it."""
        of = (GROUP, VERSION, RELEASE_NAMESPACE, "renderpools")
        default = self.custom.get_namespaced_custom_object(*of, "default")
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "RenderPool",
            "metadata": {"name": POOL},
            "spec": default["spec"] | {"maxWorkers": 3} | spec,
        }
        try:
            self.custom.create_namespaced_custom_object(*of, body)
        except ApiException as error:
            if error.status != CONFLICT:
                raise
            self.custom.patch_namespaced_custom_object(*of, POOL, {"spec": body["spec"]})

    def idle(self, count: int) -> None:
        """Wait until the pool has so many idle workers and no other."""
        of = (GROUP, VERSION, RELEASE_NAMESPACE, "renderpools")
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            status = self.custom.get_namespaced_custom_object(*of, POOL).get("status", {})
            if [status.get(state, 0) for state in ("idle", "starting", "busy")] == [count, 0, 0]:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pool does not come to rest: {status}")
            time.sleep(0.2)
        time.sleep(1.5)  # for the machine to come to rest, and the renderer to be warm

    def life(self, name: str, spec: dict[str, Any]) -> dict[str, float]:
        """Render one VideoJob; milliseconds from the request that created it."""
        created = time.time()
        self.cluster.create(name, spec | {"pool": POOL})
        deadline = time.monotonic() + TIMEOUT_S
        while not any(s.get("phase") in FINAL for _, s in self.seen.get(name, [])):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name}: {self.cluster.status(name)}")
            time.sleep(0.01)
        status = self.seen[name][-1][1]
        if status["phase"] != "Succeeded":
            raise RuntimeError(f"{name}: {status}")
        claimed = moment(status["startedAt"])
        told = next(at for at, s in self.seen[name] if s.get("phase", "Pending") != "Pending")
        frame = self.said(status["worker"], "first frame")
        return {
            "queued": (moment(status["queuedAt"]) - created) * 1000,
            "phase seen by a watch": (told - created) * 1000,
            "claimed": (claimed - created) * 1000,
            "first frame": (frame - created) * 1000,
            "claim to first frame": (frame - claimed) * 1000,
            "end seen by a watch": (self.seen[name][-1][0] - created) * 1000,
        }

    def start_to_claimable(self) -> float:
        """Milliseconds from the start of the idle worker's process to its word that it can be claimed."""
        pods = [p for p in self.cluster.worker_pods() if p.metadata.labels["videojob.dev/pool"] == POOL]
        pod = max(pods, key=lambda p: p.metadata.creation_timestamp)
        ticks = min(
            int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
            for pid in processes_of(pod.metadata.uid)
        )
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        started = booted + ticks / os.sysconf("SC_CLK_TCK")
        return (self.said(pod.metadata.name, "can be claimed") - started) * 1000

    def said(self, worker: str, words: str) -> float:
        """When a worker wrote a line with these words into its log."""
        log = self.cluster.core.read_namespaced_pod_log(worker, RELEASE_NAMESPACE)
        line = next(line for line in log.splitlines() if words in line)
        return moment(json.loads(line)["time"])

    def metrics(self) -> dict[str, float]:
        """The operator's metrics, by series."""
        address = self.cluster.operator_pod().status.pod_ip
        with urllib.request.urlopen(f"http://{address}:8080/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {series: float(value) for series, value in pairs}

    def memory(self) -> float:
        """MiB that the operator's process has in memory."""
        pids = processes_of(self.cluster.operator_pod().metadata.uid)
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        return sum(int(kib) for text in texts for kib in re.findall(r"VmRSS:\s+(\d+)", text)) / 1024

    def remove(self) -> None:
        """Remove what was made."""
        self.watch.stop()
        listed = self.custom.list_namespaced_custom_object(GROUP, VERSION, RELEASE_NAMESPACE, "videojobs")
        for item in listed["items"]:
            if item["metadata"]["name"].startswith("bench-"):
                self.cluster.delete(item["metadata"]["name"])
        self.custom.delete_namespaced_custom_object(GROUP, VERSION, RELEASE_NAMESPACE, "renderpools", POOL)
        self.cluster.close()


def moment(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time."""
    return datetime.fromisoformat(text).timestamp()


def latencies(bench: Bench, kind: str, count: int) -> dict[str, dict[str, float]]:
    """Lives of single jobs on a pool with a warm worker, or with none; prints median and worst."""
    rows: dict[str, list[float]] = {}
    idle = 1 if kind == "warm" else 0
    bench.pool({"minIdle": idle, "idleTimeout": "1s"})
    for n in range(count):
        bench.idle(idle)
        if idle:
            rows.setdefault("start to claimable", []).append(bench.start_to_claimable())
        for key, value in bench.life(f"bench-{kind}-{n}", short()).items():
            rows.setdefault(key, []).append(value)
        progress(f"{kind} {n + 1}/{count}")
    title = f"{kind}: one job at a time, {idle} idle"
    print(f"\n{title}\n  {'ms from the apply':<24}{'median':>10}{'worst':>10}{'n':>5}")
    result = {}
    for name, values in rows.items():
        result[name] = {"median": statistics.median(values), "worst": max(values), "n": len(values)}
        print(f"  {name:<24}{result[name]['median']:>10.0f}{result[name]['worst']:>10.0f}{len(values):>5}")
    return result


def writes(bench: Bench) -> dict[str, Any]:
    """API writes of the operator for the life of one VideoJob of some ten seconds."""
    bench.pool({"minIdle": 1, "idleTimeout": "1m"})
    bench.idle(1)
    before = bench.metrics()
    start = time.monotonic()
    bench.life("bench-writes", long())
    took_s = time.monotonic() - start
    bench.idle(1)
    after = bench.metrics()
    grown = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    requests: Counter[str] = Counter()
    for series, value in grown.items():
        labels = dict(re.findall(r'(\w+)="([^"]*)"', series))
        if series.startswith("videojob_api_requests_total") and labels["verb"] not in {"get", "list", "watch"}:
            requests[f"{labels['verb']} {labels['resource']}"] += int(value)
    told = {s: int(v) for s, v in grown.items() if s.startswith("videojob_status_writes_total")}
    print(f"\nAPI writes by the operator for one VideoJob that took {took_s:.1f} s: {requests.total()}")
    for name, value in sorted((requests | told).items()):
        print(f"  {name:<75}{value:>4}")
    return {"seconds": took_s, "requests": requests, "status": told}


def memory(bench: Bench, count: int) -> dict[str, float]:
    """The operator's memory idle, and with finished VideoJobs, in MiB."""
    idle = bench.memory()
    spec = short() | {"clips": [{"title": {"text": "refused at once"}, "duration": "1s"}]}
    for n in range(count):
        bench.cluster.create(f"bench-finished-{n}", spec | {"pool": POOL})
        if (n + 1) % 100 == 0:
            progress(f"finished VideoJobs {n + 1}/{count}")
    time.sleep(10)
    full = bench.memory()
    print(f"\noperator's memory: {idle:.0f} MiB idle, {full:.0f} MiB with {count} finished VideoJobs")
    return {"idle": idle, "finished": full, "count": count}


def progress(text: str) -> None:
    """Show how far it is."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}\r", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description="Latency, API writes and memory, on the one-node cluster.")
    parser.add_argument("--count", type=int, default=20, help="jobs for each latency (20)")
    parser.add_argument("--finished", type=int, default=1000, help="finished VideoJobs for the memory (1000)")
    arguments = parser.parse_args()
    bench = Bench()
    bench.pool({"minIdle": 1})
    bench.follow()
    try:
        results = {
            "warm": latencies(bench, "warm", arguments.count),
            "cold": latencies(bench, "cold", arguments.count),
            "writes": writes(bench),
            "memory_mib": memory(bench, arguments.finished),
        }
    finally:
        bench.remove()
    folder = ROOT / ".bench"
    folder.mkdir(exist_ok=True)
    (folder / "cluster.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
