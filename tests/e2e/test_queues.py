"""Thirty jobs at once over three queues, on three workers."""

from collections import Counter

from tests.e2e.cluster import Cluster
from tests.e2e.specs import short

QUEUES = {"high": 10, "default": 5, "low": 1}


def test_thirty_jobs_share_three_workers_by_the_weights_of_their_queues(cluster: Cluster) -> None:
    # Workers come only once everything waits, so that the order of the starts is that of the weights alone.
    cluster.patch_pool("e2e", {"maxWorkers": 0, "minIdle": 0})
    names = {f"{queue}-{n}": queue for n in range(10) for queue in QUEUES}
    try:
        with cluster.recording() as recording:
            cluster.drain()
            for name, queue in names.items():
                cluster.create(name, short() | {"queue": queue})
            for name in names:
                cluster.wait(name, lambda s: s.get("phase") == "Queued")
            cluster.patch_pool("e2e", {"maxWorkers": 3})
            statuses = {name: cluster.finish(name) for name in names}
    finally:
        cluster.patch_pool("e2e", {"maxWorkers": 3, "minIdle": 1})

    assert {s["phase"] for s in statuses.values()} == {"Succeeded"}
    assert {s["attempts"] for s in statuses.values()} == {1}
    assert recording.most_running() <= 3, "never more than maxWorkers at a time"

    order = [names[name] for name in sorted(names, key=lambda n: statuses[n]["startedAt"])]
    first = Counter(order[:16])  # one round of the weights
    for queue, weight in QUEUES.items():
        assert abs(first[queue] - weight) <= 1, f"the first 16 starts: {first}"
    assert first["low"] >= 1, "none is starved"
    # High is done after one round; default and low then share 5 to 1.
    assert Counter(order[16:22])["low"] >= 1, f"the next starts: {order[16:22]}"
