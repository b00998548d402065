import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    ended_job,
    ended_pod,
    job_view,
    observe_pool,
    pod_view,
    snapshot,
    worker,
)
from videojob_contract.queue.types import WorkerState
from videojob_operator.decide.pool_workers import State, last_seen, of_pool
from videojob_operator.decide.types import PoolMemory

SEEN = PoolMemory(seen={"default-1": after(-9)})
IDLE, BUSY, RETIRING = (worker(1, s) for s in (WorkerState.IDLE, WorkerState.BUSY, WorkerState.RETIRING))


@pytest.mark.parametrize(
    ("job", "fields", "state"),
    [
        (job_view(), {}, State.STARTING),
        (job_view(), {"pods": [pod_view()]}, State.STARTING),
        (job_view(), {"snapshot": snapshot(IDLE)}, State.IDLE),
        (job_view(), {"snapshot": snapshot(BUSY)}, State.BUSY),
        (job_view(owner_uid=UID), {"snapshot": snapshot(BUSY)}, State.BUSY),
        # On the worker's own word its slot is free, though its pod lives.
        (job_view(), {"snapshot": snapshot(RETIRING), "pods": [pod_view()]}, State.LEAVING),
        (job_view(owner_uid=UID), {"pods": [pod_view()]}, State.LEAVING),
        (job_view(), {"memory": SEEN, "pods": [pod_view()]}, State.LEAVING),
        # The queue was emptied; the VideoJob still runs on it.
        (job_view(owner_uid=UID), {"running": frozenset({"default-1"})}, State.BUSY),
        (job_view(deleting=True), {}, State.LEAVING),
        (ended_job(), {"snapshot": snapshot(IDLE)}, State.ENDED),
        (job_view(), {"pods": [ended_pod()], "snapshot": snapshot(BUSY)}, State.ENDED),
    ],
)
def test_what_a_worker_is_doing(job, fields, state):
    [found] = of_pool(observe_pool(job, **fields))

    assert found.state is state
    assert found.holds_slot == (state in {State.STARTING, State.IDLE, State.BUSY})


def test_they_come_in_the_order_of_their_serials():
    found = of_pool(observe_pool(job_view(10), job_view(9), job_view(2)))

    assert [each.job.serial for each in found] == [2, 9, 10]


def test_when_they_were_last_seen_is_remembered_while_they_live():
    memory = PoolMemory(seen={"default-2": after(-9), "default-3": after(-9), "default-4": after(-9)})
    jobs = (job_view(1), job_view(2), ended_job(3), job_view(5))
    observation = observe_pool(*jobs, snapshot=snapshot(IDLE), memory=memory)

    assert last_seen(observation, of_pool(observation)) == {"default-1": NOW, "default-2": after(-9)}


def test_a_worker_of_another_template_is_outdated():
    old, new = of_pool(observe_pool(job_view(1, template_hash="old"), job_view(2)))

    assert (old.outdated, new.outdated) == (True, False)
