"""The meter of a render: when it reports, and when it ventures to predict the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from videojob_worker.progress import Meter

if TYPE_CHECKING:
    from videojob_contract.assignment import Progress


class Scene:
    """A meter, its reports, and the time of its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[Progress] = []
        self.meter = Meter(100.0, self.told.append, lambda: self.now)

    def at(self, now: float, done: float) -> None:
        """Do some of the work."""
        self.now = now
        self.meter.update(done)


def test_the_first_work_is_reported_at_once() -> None:
    scene = Scene()
    for now, done in ((0.01, 0.0), (0.02, 1.0), (0.03, 2.0)):
        scene.at(now, done)
    assert [progress.percent for progress in scene.told] == [1.0]


def test_no_end_is_predicted_before_enough_is_done() -> None:
    scene = Scene()
    for now, done in ((10.0, 1.0), (11.0, 4.0), (11.5, 5.0)):
        scene.at(now, done)
    assert [progress.eta_s for progress in scene.told] == [None, None, pytest.approx(11.5 * 95 / 5)]


def test_nor_before_two_seconds_of_work() -> None:
    scene = Scene()
    for now, done in ((10.0, 1.0), (11.9, 2.0), (12.5, 2.0)):
        scene.at(now, done)
    assert [progress.eta_s for progress in scene.told] == [None, None, pytest.approx(12.5 * 98 / 2)]
