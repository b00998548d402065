"""How long a pool's work takes it, and when the turn of what waits comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.build import observe_pool, pool_spec, snapshot
from videojob_operator.decide.backlog import Backlog, Load, length_s, rounded_up, two_digits, wait_s, workers_of
from videojob_operator.decide.budget import spacing
from videojob_operator.decide.pool import decide_pool

ONE = {"default": Load(10, 100.0)}


def test_work_is_shared_by_the_workers_that_there_may_be():
    assert length_s(ONE, 20.0, pool_spec(maxWorkers=4)) == 30
    assert length_s(ONE, 20.0, pool_spec(maxWorkers=4, limits={"running": {"pool": 2}})) == 60
    assert length_s(ONE, 20.0, pool_spec(maxWorkers=0)) is None
    assert workers_of(pool_spec(maxWorkers=3, limits={"running": {"pool": 9}})) == 3


def test_a_turn_comes_when_what_runs_and_what_is_before_it_is_done():
    spec = pool_spec(maxWorkers=4)
    backlog = Backlog(ONE, length_s(ONE, 20.0, spec))
    assert [wait_s(backlog, spec, "default", place) for place in (0, 2, 10)] == [5, 10, 30]


def test_a_queue_has_its_part_of_the_workers():
    spec = pool_spec(maxWorkers=1, queues=[{"name": "high", "weight": 3}, {"name": "low", "weight": 1}])
    loads = {"high": Load(9, 90.0), "low": Load(9, 90.0)}
    backlog = Backlog(loads, length_s(loads, 0.0, spec))
    high, low = (wait_s(backlog, spec, queue, 3) for queue in ("high", "low"))
    assert (high, low) == (40, 120)


@given(
    st.dictionaries(
        st.sampled_from(["high", "default", "low"]),
        st.builds(Load, st.integers(1, 10_000), st.floats(0, 1e6)),
        min_size=1,
    ),
    st.floats(0, 1e6),
    st.integers(1, 100),
)
def test_who_is_further_back_waits_no_less_and_a_queue_alone_ends_with_the_backlog(loads, running, workers):
    spec = pool_spec(maxWorkers=workers)
    backlog = Backlog(loads, length_s(loads, running, spec))
    for queue, load in loads.items():
        places = [wait_s(backlog, spec, queue, place) for place in range(0, load.count + 1, max(1, load.count // 5))]
        assert places == sorted(places)
        assert min(places) >= 0
        if len(loads) == 1:
            assert wait_s(backlog, spec, queue, load.count) == pytest.approx(backlog.length_s)


def test_nobody_knows_of_a_queue_in_which_nothing_waits():
    assert wait_s(Backlog({}, 0.0), pool_spec(), "default", 0) is None
    assert wait_s(Backlog(ONE, None), pool_spec(), "default", 0) is None


@given(st.integers(0, 10**7))
def test_a_rounded_place_is_never_nearer_than_the_place_and_at_most_half_as_far_again(count):
    shown = rounded_up(count)
    assert count <= shown <= max(count, 1.5 * count)
    assert rounded_up(shown) == shown


def test_seconds_are_told_to_two_digits():
    assert [two_digits(seconds) for seconds in (0, 0.1, 9.2, 99, 101, 1234)] == [0, 1, 10, 99, 110, 1300]


@given(st.integers(0, 10_000), st.lists(st.integers(0, 10_000), max_size=50))
def test_all_that_is_written_of_progress_and_places_keeps_to_the_budget(running, waiting):
    by = spacing(running, waiting, interval_s=3, writes_per_s=20)
    writes = running / 3 + sum(1 / max(10, place) for count in waiting for place in range(count))
    assert writes / by <= 20 * 1.05


def test_a_pool_says_how_long_its_backlog_is_and_again_while_it_is_worked_off():
    one = {"maxWorkers": 1}
    decision = decide_pool(observe_pool(snapshot=snapshot(queued=10), loads=ONE, running_s=20.0, spec=one))
    assert decision.status is not None
    assert decision.status.backlog_seconds == 120
    quiet = decide_pool(observe_pool(status=decision.status, loads={}, running_s=100.0, spec=one))
    assert quiet.requeue_after_s is not None
    assert quiet.requeue_after_s <= 10
    paused = decide_pool(observe_pool(spec={"maxWorkers": 0}, loads=ONE)).status
    assert paused is not None
    assert paused.backlog_seconds is None


def test_a_queue_that_is_stopped_takes_no_part_and_its_turns_are_nobodys_to_know():
    queues = [{"name": "high", "weight": 3, "stopped": True}, {"name": "low", "weight": 1}]
    spec = pool_spec(maxWorkers=1, queues=queues)
    loads = {"high": Load(9, 90.0), "low": Load(9, 90.0)}
    backlog = Backlog(loads, length_s(loads, 0.0, spec))
    assert wait_s(backlog, spec, "high", 0) is None
    assert wait_s(backlog, spec, "low", 3) == 30
