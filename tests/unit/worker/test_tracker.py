from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.assignment import Progress
from videojob_contract.resources.status import Stage
from videojob_worker.tracker import Tracker

if TYPE_CHECKING:
    import pytest


class Kept:
    """Keeps every report."""

    def __init__(self) -> None:
        self.all: list[Progress] = []

    def report(self, progress: Progress) -> None:
        self.all.append(progress)


STEPS = st.lists(
    st.one_of(
        st.builds(lambda done: ("fetching", done, 9), st.integers(0, 9)),
        st.builds(
            lambda stage, percent: ("rendering", Progress(stage=stage, percent=percent)),
            st.sampled_from([Stage.INITIALIZING, Stage.RENDERING, Stage.AUDIO]),
            st.floats(0, 100),
        ),
        st.builds(lambda done: ("publishing", done, 1000), st.integers(0, 1000)),
    ),
    max_size=40,
)


@given(STEPS, st.booleans())
def test_never_goes_back_and_never_ends_early(steps: list[tuple[object, ...]], downloads: bool) -> None:  # noqa: FBT001
    kept = Kept()
    tracker = Tracker(kept, downloads=downloads)
    tracker.starting()
    for name, *args in steps:
        getattr(tracker, str(name))(*args)
    percents = [progress.percent for progress in kept.all]
    assert percents == sorted(percents)
    assert all(percent < 100 for percent in percents)
    tracker.completed("done")
    assert kept.all[-1] == Progress(stage=Stage.COMPLETED, percent=100, message="done", eta_s=0.0)


def test_a_download_has_a_larger_share_than_an_open_file() -> None:
    shares = []
    for downloads in (False, True):
        kept = Kept()
        Tracker(kept, downloads=downloads).fetching(1, 1)
        shares.append(kept.all[-1].percent)
    assert shares == [2.0, 15.0]


def test_predicts_the_end_once_the_engine_does() -> None:
    kept, now = Kept(), 0.0
    tracker = Tracker(kept, downloads=True, clock=lambda: now)
    now = 10.0
    tracker.fetching(1, 1)
    assert kept.all[-1].eta_s is None
    tracker.rendering(Progress(stage=Stage.RENDERING, percent=1))
    assert kept.all[-1].eta_s is None
    tracker.rendering(Progress(stage=Stage.RENDERING, percent=50, eta_s=1.23))
    assert kept.all[-1].eta_s == 1.2
    now = 19.0
    tracker.publishing(0, 100)
    assert kept.all[-1].eta_s == 1.0


def test_the_first_frame_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    tracker = Tracker(Kept(), downloads=False)
    tracker.rendering(Progress(stage=Stage.INITIALIZING, percent=0))
    tracker.rendering(Progress(stage=Stage.RENDERING, percent=0, message="frame 0 of 9"))
    assert caplog.messages == []
    for percent in (1, 2):
        tracker.rendering(Progress(stage=Stage.RENDERING, percent=percent))
    assert caplog.messages == ["first frame"]


def test_a_warning_stays() -> None:
    kept = Kept()
    tracker = Tracker(kept, downloads=False)
    tracker.warn("late")
    tracker.rendering(Progress(stage=Stage.RENDERING, percent=1, message="frame 1 of 9"))
    assert kept.all[-1].message == "frame 1 of 9; late"


def test_says_how_many_sources_are_there() -> None:
    kept = Kept()
    tracker = Tracker(kept, downloads=False)
    tracker.fetching(1, 3)
    tracker.fetching(0, 0)
    assert [progress.message for progress in kept.all] == ["source 1 of 3", "no sources"]
