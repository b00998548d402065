from typing import Any

import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    ended_job,
    ended_pod,
    observe_pool,
    snapshot,
    worker,
    worker_job,
    worker_pod,
)
from videojob_contract.queue.types import WorkerState
from videojob_operator.decide.pool_workers import State, of_pool, out_of_sight, traces
from videojob_operator.decide.types import PoolMemory, Trace


def traced(**fields: Any) -> PoolMemory:
    return PoolMemory(traces={"default-1": Trace(**fields)})


IDLE, BUSY, RETIRING = (worker(1, s) for s in (WorkerState.IDLE, WorkerState.BUSY, WorkerState.RETIRING))


@pytest.mark.parametrize(
    ("job", "fields", "state"),
    [
        (worker_job(), {}, State.STARTING),
        (worker_job(), {"pods": [worker_pod()]}, State.STARTING),
        (worker_job(), {"snapshot": snapshot(IDLE)}, State.IDLE),
        (worker_job(), {"snapshot": snapshot(BUSY)}, State.BUSY),
        (worker_job(owner_uid=UID), {"snapshot": snapshot(BUSY)}, State.BUSY),
        # On the worker's own word its slot is free, though its pod lives.
        (worker_job(), {"snapshot": snapshot(RETIRING), "pods": [worker_pod()]}, State.LEAVING),
        (worker_job(owner_uid=UID), {"pods": [worker_pod()]}, State.LEAVING),
        (worker_job(), {"memory": traced(came_up=True, retiring=True), "pods": [worker_pod()]}, State.LEAVING),
        (worker_job(), {"memory": traced(came_up=True, absent_since=after(-6))}, State.LEAVING),
        # It may have been the queue that was away.
        (worker_job(), {"memory": traced(came_up=True)}, State.MISSING),
        (worker_job(), {"memory": traced(came_up=True, absent_since=after(-5))}, State.MISSING),
        (worker_job(), {"memory": traced(absent_since=after(-60))}, State.STARTING),
        # The queue was emptied; the VideoJob still runs on it.
        (worker_job(owner_uid=UID), {"running": frozenset({"default-1"})}, State.BUSY),
        (worker_job(deleting=True), {}, State.LEAVING),
        (ended_job(), {"snapshot": snapshot(IDLE)}, State.ENDED),
        (worker_job(), {"pods": [ended_pod()], "snapshot": snapshot(BUSY)}, State.ENDED),
    ],
)
def test_what_a_worker_is_doing(job, fields, state):
    [found] = of_pool(observe_pool(job, **fields))

    assert found.state is state
    assert found.holds_slot == (state in {State.STARTING, State.IDLE, State.BUSY, State.MISSING})


def test_they_come_in_the_order_of_their_serials():
    found = of_pool(observe_pool(worker_job(10), worker_job(9), worker_job(2)))

    assert [each.job.serial for each in found] == [2, 9, 10]


def test_what_is_remembered_of_them():
    old = {"default-2": Trace(came_up=True), "default-3": Trace(absent_since=after(-9)), "default-4": Trace()}
    jobs = (worker_job(1), worker_job(2), worker_job(3), worker_job(5))
    observation = observe_pool(*jobs, snapshot=snapshot(RETIRING), memory=PoolMemory(traces=old))

    found = traces(observation, of_pool(observation))

    assert found == {
        "default-1": Trace(came_up=True, retiring=True),
        "default-2": Trace(came_up=True, absent_since=NOW),
        "default-3": Trace(absent_since=after(-9)),
        "default-5": Trace(absent_since=NOW),
    }
    assert out_of_sight(found)["default-2"] == Trace(came_up=True)


def test_a_worker_of_another_template_is_outdated():
    old, new = of_pool(observe_pool(worker_job(1, template_hash="old"), worker_job(2)))

    assert (old.outdated, new.outdated) == (True, False)
