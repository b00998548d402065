"""Metrics: each is told of by its function, none grows with users' data, and a pool that is gone leaves none."""

from videojob_contract.queue.types import PoolKey
from videojob_operator import metrics
from videojob_operator.cache import Cache
from videojob_operator.decide.waits import UNTIL
from videojob_operator.metrics_reference import reference
from videojob_operator.records import VideoJobKey

BOUNDED = {
    "namespace", "pool", "phase", "queue", "state", "result", "reason", "resource", "kind", "verb", "code", "event",
    "part", "version", "limit",
}  # fmt: skip


def test_labels_are_bounded():
    assert {label for metric in metrics.METRICS for label in metric._labelnames} <= BOUNDED


def test_every_metric_is_in_the_reference():
    page = reference()
    for metric in metrics.METRICS:
        assert f"| `{metric._name}" in page


def test_a_pool_that_is_gone_leaves_no_series():
    metrics.workers("ns", "gone", {"idle": 1})
    metrics.rendered("ns", "gone", 2.0, 10.0, predicted_s=4.0)
    metrics.queue_weights("ns", "gone", {"high": 2})
    metrics.workers("ns", "stays", {"idle": 1})
    metrics.forget_pool("ns", "gone")
    text = metrics.exposition()[0].decode()
    assert 'pool="gone"' not in text
    assert 'pool="stays"' in text
    metrics.forget_pool("ns", "stays")


def test_a_queue_that_its_pool_has_no_more_leaves_no_depth():
    metrics.queue_depth("ns", "shrinks", {"high": 1, "low": 2}, 1.0)
    metrics.queue_depth("ns", "shrinks", {"high": 1}, 1.0)
    text = metrics.exposition()[0].decode()
    assert 'pool="shrinks",queue="high"' in text
    assert 'pool="shrinks",queue="low"' not in text
    metrics.forget_pool("ns", "shrinks")


def test_jobs_whose_pool_is_not_there_are_counted_in_one_series_a_phase_until_it_is():
    cache = Cache()
    for number in range(5):
        metadata = {"namespace": "ns", "name": f"job-{number}", "uid": f"{number}", "generation": 1}
        metadata["resourceVersion"] = f"{number + 1}"
        phase = "Pending" if number else "Cancelled"
        raw = {
            "metadata": metadata,
            "spec": {"pool": f"made-up-{number}"},
            "status": {"phase": phase, "reason": "WaitingForPool"},
        }
        cache.videojobs.put(raw)
    metrics.jobs_without_pool(cache.phases_without_pool(), cache.waits_without_pool())
    assert series("videojob_jobs", "ns") == {("", "Cancelled"): 1, ("", "Pending"): 4}
    assert series("videojob_waiting", "ns", by="reason") == {("", "WaitingForPool"): 4}

    pool = {"namespace": "ns", "name": "made-up-0", "uid": "p", "resourceVersion": "9", "generation": 1}
    cache.pools.put({"metadata": pool, "spec": {}})
    metrics.jobs_without_pool(cache.phases_without_pool(), cache.waits_without_pool())
    assert series("videojob_jobs", "ns") == {("", "Pending"): 4}

    for number in range(5):
        cache.videojobs.remove(VideoJobKey("ns", f"job-{number}"))
    metrics.jobs_without_pool(cache.phases_without_pool(), cache.waits_without_pool())
    assert series("videojob_jobs", "ns") == series("videojob_waiting", "ns", by="reason") == {}


def test_who_waits_is_counted_by_each_reason_of_the_closed_list_from_zero_on():
    cache, pool = Cache(), PoolKey("ns", "default")
    said = [("Pending", None), ("Pending", "Suspended"), ("Queued", None), ("Queued", "PoolAtMaximum")]
    said += [("Queued", "MadeUpByALaterVersion"), ("Running", None), ("Failed", "DiskFull")]
    for number, (phase, reason) in enumerate(said):
        metadata = {"namespace": "ns", "name": f"job-{number}", "uid": f"{number}", "generation": 1}
        metadata["resourceVersion"] = f"{number + 1}"
        cache.videojobs.put({"metadata": metadata, "spec": {}, "status": {"phase": phase, "reason": reason}})
    counted = {"WaitingForQueue": 1, "Suspended": 1, "Queued": 2, "PoolAtMaximum": 1}

    metrics.jobs_by_wait(pool.namespace, pool.name, cache.waits(pool))

    assert series("videojob_waiting", "ns", by="reason") == {
        ("default", reason.value): counted.get(reason.value, 0) for reason in UNTIL
    }
    metrics.forget_pool("ns", "default")


def series(name: str, namespace: str, *, by: str = "phase") -> dict[tuple[str, str], float]:
    """Return the values of a metric in a namespace, by pool and another label."""
    return {
        (sample.labels["pool"], sample.labels[by]): sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        if sample.name == name and sample.labels["namespace"] == namespace
    }
