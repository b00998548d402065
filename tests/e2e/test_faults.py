"""Every part may be stopped at any point: nothing is lost and nothing is started twice."""

import json
import time
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.specs import long, short
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey


def published(media_folder: Path, name: str) -> list[Path]:
    folder = media_folder / "out" / "videojob-e2e" / name
    return sorted(folder.rglob("*")) if folder.exists() else []


def state_in_queue(cluster: Cluster, uid: str) -> str:
    """Return the state of the record that Redis has of a VideoJob."""
    here = cluster.kubectl("get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}")
    entries = Keys(PoolKey("videojob-e2e", "e2e"), here).fixed("entries")
    return str(json.loads(cluster.redis("HGET", entries, uid))["state"])


def test_a_deleted_job_stops_and_leaves_nothing(cluster: Cluster, media_folder: Path) -> None:
    uid = cluster.create("deleted", long())["metadata"]["uid"]
    job = cluster.rendering("deleted")["job"]["name"]
    assert state_in_queue(cluster, uid) == "claimed"
    cluster.delete("deleted")
    end = time.monotonic() + 30
    while any(p.metadata.labels.get("batch.kubernetes.io/job-name") == job for p in cluster.worker_pods()):
        assert time.monotonic() < end, "the worker of a deleted VideoJob is still there"
        time.sleep(0.2)
    assert published(media_folder, "deleted") == []
    assert state_in_queue(cluster, uid) == "forgotten"


def test_a_cancelled_job_stops_at_once_and_publishes_nothing(cluster: Cluster, media_folder: Path) -> None:
    cluster.create("cancelled", long())
    cluster.rendering("cancelled")
    asked = time.monotonic()
    cluster.patch("cancelled", {"cancel": True})
    status = cluster.finish("cancelled", timeout_s=20)
    took_s = time.monotonic() - asked
    assert status["phase"] == "Cancelled"
    assert took_s < 5, f"cancelling took {took_s:.1f} s"
    assert published(media_folder, "cancelled") == []
    assert cluster.events("cancelled", "Cancelled")[-1] == ("Normal", "Cancelled")


def test_a_job_cancelled_in_the_queue_never_starts(cluster: Cluster) -> None:
    cluster.patch_pool("e2e", {"maxWorkers": 0, "minIdle": 0})
    try:
        cluster.drain()
        cluster.create("waiting", short())
        cluster.wait("waiting", lambda s: s.get("phase") == "Queued")
        cluster.patch("waiting", {"cancel": True})
        status = cluster.finish("waiting", timeout_s=20)
    finally:
        cluster.patch_pool("e2e", {"maxWorkers": 3, "minIdle": 1})
    assert status["phase"] == "Cancelled"
    assert "startedAt" not in status


def test_a_killed_worker_is_replaced_and_its_job_succeeds(cluster: Cluster, media_folder: Path) -> None:
    cluster.create("killed", long())
    status = cluster.rendering("killed")
    first = status["worker"]
    pod = next(p for p in cluster.worker_pods() if p.metadata.name == first)
    cluster.kill(pod)
    status = cluster.finish("killed")
    assert status["phase"] == "Succeeded", status
    assert status["attempts"] == 2
    assert status["interruptions"] + status["failures"] == 1
    assert status["worker"] != first
    assert published(media_folder, "killed") != []  # so elsewhere in this file, that there is nothing means something


def test_a_killed_operator_loses_nothing_and_starts_nothing_twice(cluster: Cluster) -> None:
    cluster.create("orphaned", long())
    cluster.create("orphaned-too", long())
    for name in ("orphaned", "orphaned-too"):
        cluster.rendering(name)  # so their Events are posted: one that is not yet is lost with the operator
    cluster.kill(cluster.operator_pod())
    cluster.create("meanwhile", short())
    for name in ("orphaned", "orphaned-too", "meanwhile"):
        status = cluster.finish(name)
        assert status["phase"] == "Succeeded", status
        assert status["attempts"] == 1
        assert [r for _, r in cluster.events(name, "Succeeded")].count("Started") == 1
    cluster.wait_for_operator()


@pytest.mark.parametrize("fault", ["FLUSHALL", "restart"])
def test_an_emptied_redis_loses_nothing_and_starts_nothing_twice(cluster: Cluster, fault: str) -> None:
    names = [f"flushed-{fault.lower()}-{n}" for n in range(6)]
    with cluster.recording() as recording:
        for n, name in enumerate(names):
            cluster.create(name, long() if n < 2 else short())
        cluster.rendering(names[0])
        if fault == "FLUSHALL":
            assert cluster.redis("FLUSHALL") == "OK"
        else:
            cluster.kill(cluster.redis_pod())
        statuses = {name: cluster.finish(name) for name in names}
    for name, status in statuses.items():
        assert status["phase"] == "Succeeded", (name, status)
        assert status["attempts"] == 1, (name, status)
        workers = {s["worker"] for s in recording.of(name) if s.get("worker")}
        assert len(workers) == 1, f"{name} was started by {workers}"
