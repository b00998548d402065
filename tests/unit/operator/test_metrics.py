"""Metrics: each is told of by its function, none grows with users' data, and a pool that is gone leaves none."""

from videojob_operator import metrics
from videojob_operator.metrics_reference import reference

BOUNDED = {
    "namespace", "pool", "phase", "queue", "state", "result", "reason", "resource", "kind", "verb", "code", "event",
    "part",
}  # fmt: skip


def test_labels_are_bounded():
    assert {label for metric in metrics.METRICS for label in metric._labelnames} <= BOUNDED


def test_every_metric_is_in_the_reference():
    page = reference()
    for metric in metrics.METRICS:
        assert f"| `{metric._name}" in page


def test_a_pool_that_is_gone_leaves_no_series():
    metrics.workers("ns", "gone", {"idle": 1})
    metrics.rendered("ns", "gone", 2.0, 10.0)
    metrics.workers("ns", "stays", {"idle": 1})
    metrics.forget_pool("ns", "gone")
    text = metrics.exposition().decode()
    assert 'pool="gone"' not in text
    assert 'pool="stays"' in text
    metrics.forget_pool("ns", "stays")


def test_a_queue_that_its_pool_has_no_more_leaves_no_depth():
    metrics.queue_depth("ns", "shrinks", {"high": 1, "low": 2}, 1.0)
    metrics.queue_depth("ns", "shrinks", {"high": 1}, 1.0)
    text = metrics.exposition().decode()
    assert 'pool="shrinks",queue="high"' in text
    assert 'pool="shrinks",queue="low"' not in text
    metrics.forget_pool("ns", "shrinks")
