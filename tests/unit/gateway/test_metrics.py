"""Metrics of the gateway."""

from pathlib import Path

from videojob_gateway import metrics

BOUNDED = {"method", "route", "code", "version", "look", "hook", "outcome", "limit"}


def test_labels_are_bounded():
    assert {label for metric in metrics.METRICS for label in metric._labelnames} <= BOUNDED


def test_every_metric_is_in_the_guide():
    page = (Path(__file__).parents[3] / "docs" / "http.md").read_text()
    assert [metric._name for metric in metrics.METRICS if f"| `{metric._name}" not in page] == []
