from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.decide.build import (
    after,
    ended_job,
    observe_pool,
    pool_spec,
    snapshot,
    worker,
    worker_job,
)
from videojob_contract.queue.types import GRACE_S, WorkerState
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.pool_scaling import desired_workers
from videojob_operator.decide.types import PoolDecision, PoolMemory, Trace

IDLE, BUSY, RETIRING = WorkerState.IDLE, WorkerState.BUSY, WorkerState.RETIRING


def scale(*workers, queued=0, starting=(), outdated=(), memory=None, **spec) -> PoolDecision:
    """Decide on a pool of registered workers, and of Jobs that start."""
    serials = [int(each.job.split("-")[1]) for each in workers] + list(starting)
    jobs = [worker_job(n, template_hash="old" if n in outdated else "new") for n in serials]
    return decide_pool(
        observe_pool(*jobs, snapshot=snapshot(*workers, queued=queued), spec=spec, memory=memory or PoolMemory())
    )


@given(
    busy=st.integers(0, 50),
    queued=st.integers(0, 10_000),
    surge=st.integers(1, 50),
    min_idle=st.integers(0, 50),
    max_workers=st.integers(0, 50),
)
def test_what_is_desired(busy, queued, surge, min_idle, max_workers):
    spec = pool_spec(surge=surge, minIdle=min_idle, maxWorkers=max_workers)

    desired = desired_workers(spec, busy=busy, queued=queued)

    assert 0 <= desired <= max_workers
    if desired < max_workers:
        assert desired == busy + min(queued, surge) + min_idle


def test_workers_are_made_at_once_for_what_waits_and_named_in_order():
    assert scale(queued=2).create == ("default-1", "default-2")
    assert scale(worker(7, BUSY), queued=2).create == ("default-8", "default-9")


def test_those_that_start_are_not_made_twice():
    assert scale(queued=2, starting=[1, 2]).create == ()
    assert scale(queued=3, starting=[1, 2]).create == ("default-3",)


def test_surge_bounds_what_is_made_for_the_backlog():
    assert len(scale(queued=1000, surge=4, maxWorkers=100).create) == 4


def test_some_wait_warm_beside_those_that_work():
    assert scale(worker(1, BUSY), worker(2, IDLE), minIdle=2).create == ("default-3",)


def test_a_worker_that_leaves_gives_its_slot_away_at_once():
    leaving = worker(1, RETIRING)

    assert scale(leaving, queued=1, maxWorkers=1).create == ("default-2",)
    assert scale(worker(1, BUSY), queued=1, maxWorkers=1).create == ()


def test_nobody_makes_room_for_one_that_is_missing():
    """It may just have been retired, and be gone before its Job is seen to end."""
    memory = PoolMemory(traces={"default-1": Trace(came_up=True)})
    decision = scale(worker(2, IDLE), starting=[1], memory=memory, maxWorkers=1, minIdle=1)
    assert (decision.create, decision.retire) == ((), ())


def test_one_that_is_missing_keeps_its_slot_for_the_moment_that_it_may_take_to_come_back():
    observation = observe_pool(worker_job(1), memory=PoolMemory(traces={"default-1": Trace(came_up=True)}))
    spec = pool_spec(minIdle=1)

    first = decide_pool(replace(observation, spec=spec))
    assert first.create == ()
    assert first.requeue_after_s == GRACE_S

    later = decide_pool(replace(observation, spec=spec, memory=first.memory, now=after(GRACE_S)))
    assert later.create == ("default-2",)


def test_a_name_is_not_taken_again_while_a_worker_of_it_is_registered():
    """As when its Job was deleted, and the operator started anew."""
    gone = observe_pool(snapshot=snapshot(worker(7, BUSY), queued=1))
    assert decide_pool(gone).create == ("default-8",)
    says = replace(worker(7, BUSY), job="default-99999999999")
    assert decide_pool(observe_pool(snapshot=snapshot(says, queued=1))).create == ("default-1",)


def test_names_do_not_come_back():
    adopted = ended_job(4, owner_uid="other")
    decision = decide_pool(observe_pool(adopted, snapshot=snapshot(queued=1)))
    assert decision.create == ("default-5",)
    assert decision.memory.last_serial == 4

    later = decide_pool(observe_pool(snapshot=snapshot(queued=1), memory=decision.memory))
    assert later.create == ("default-5",)


def test_a_name_is_the_same_until_its_job_is_seen():
    first = scale(queued=1)

    again = scale(queued=1, memory=first.memory)

    assert first.create == again.create == ("default-1",)


def test_an_idle_worker_beyond_min_idle_is_retired_after_its_time():
    early = scale(worker(1, IDLE, since=-59))
    assert early.retire == ()
    assert early.requeue_after_s == 1

    late = scale(worker(1, IDLE, since=-60))
    assert late.retire == ("default-1-abcde",)


def test_those_that_have_idled_longest_go_first_and_min_idle_stay():
    workers = [worker(1, IDLE, since=-70), worker(2, IDLE, since=-90), worker(3, IDLE, since=-80)]

    assert scale(*workers, minIdle=1).retire == ("default-2-abcde", "default-3-abcde")


def test_one_that_starts_does_not_stand_in_for_an_idle_one_yet():
    assert scale(worker(1, IDLE, since=-90), starting=[2], minIdle=1).retire == ()


def test_when_fewer_are_allowed_idle_ones_go_at_once_and_busy_ones_stay():
    decision = scale(worker(1, BUSY), worker(2, BUSY), worker(3, IDLE, since=-1), maxWorkers=1)

    assert decision.retire == ("default-3-abcde",)
    assert decision.create == ()


def test_outdated_idle_workers_go_when_their_successors_have_come():
    first = scale(worker(1, IDLE), outdated=[1], minIdle=1)
    assert (first.create, first.retire) == (("default-2",), ())

    while_it_starts = scale(worker(1, IDLE), starting=[2], outdated=[1], minIdle=1)
    assert (while_it_starts.create, while_it_starts.retire) == ((), ())

    then = scale(worker(1, IDLE), worker(2, IDLE, since=-0.1), outdated=[1], minIdle=1)
    assert (then.create, then.retire) == ((), ("default-1-abcde",))


def test_where_there_is_no_room_an_outdated_one_makes_it():
    first = scale(worker(1, IDLE), outdated=[1], minIdle=1, maxWorkers=1)
    assert (first.create, first.retire) == ((), ("default-1-abcde",))

    then = scale(worker(1, RETIRING), outdated=[1], minIdle=1, maxWorkers=1)
    assert (then.create, then.retire) == (("default-2",), ())


def test_busy_ones_are_left_to_finish_with_what_they_are():
    decision = scale(worker(1, BUSY), outdated=[1])

    assert (decision.create, decision.retire, decision.delete_jobs) == ((), (), ())


@pytest.mark.parametrize("spec", [None, {}])
def test_while_the_queue_is_out_of_sight_or_the_spec_refused_the_pool_stays_as_it_is(spec):
    observation = observe_pool(worker_job(1, created_at=after(-9999)), snapshot=None)
    if spec is None:
        observation = observe_pool(worker_job(1, created_at=after(-9999)), snapshot=snapshot(queued=3))
        observation = replace(observation, spec=None)

    decision = decide_pool(observation)

    assert (decision.create, decision.retire, decision.delete_jobs) == ((), (), ())


@settings(max_examples=50)
@given(
    states=st.lists(st.sampled_from(["starting", *WorkerState]), max_size=12),
    ages=st.lists(st.integers(0, 200), min_size=12, max_size=12),
    outdated=st.sets(st.integers(1, 12)),
    queued=st.integers(0, 30),
    spec=st.fixed_dictionaries(
        {"minIdle": st.integers(0, 5), "maxWorkers": st.integers(0, 12), "surge": st.integers(1, 5)}
    ),
)
def test_there_are_never_too_many_and_only_idle_ones_go(states, ages, outdated, queued, spec):
    registered = [
        worker(n, state, since=-age)
        for n, (state, age) in enumerate(zip(states, ages, strict=False), 1)
        if state != "starting"
    ]
    starting = [n for n, state in enumerate(states, 1) if state == "starting"]
    idle = {each.id for each in registered if each.state is IDLE}
    busy = sum(each.state is BUSY for each in registered)

    decision = scale(*registered, starting=starting, outdated=outdated, queued=queued, **spec)

    holding = busy + len(idle) + len(starting)
    assert holding + len(decision.create) - len(decision.delete_jobs) <= max(holding, spec["maxWorkers"])
    assert {each.job for each in decision.delete_jobs} <= {f"default-{n}" for n in starting}
    assert set(decision.retire) <= idle
    ready = busy + len(idle) - len(decision.retire)
    wanted = min(busy + min(queued, spec["surge"]) + spec["minIdle"], spec["maxWorkers"])
    # At most one more than can be spared goes, an outdated one, to make room; unless there are too many.
    assert not decision.retire or ready >= wanted - 1 or holding > spec["maxWorkers"]
    assert len(set(decision.create)) == len(decision.create)
    assert not set(decision.create) & {f"default-{n}" for n in range(1, len(states) + 1)}


def test_a_pool_that_drains_makes_no_worker_and_lets_idle_ones_go_at_once():
    decision = scale(
        worker(1, IDLE, since=0), worker(2, BUSY), worker(3, IDLE, since=0), queued=4, minIdle=2, drain=True
    )
    assert decision.create == ()
    assert set(decision.retire) == {"default-1-abcde", "default-3-abcde"}
