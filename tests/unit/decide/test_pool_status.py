from dataclasses import replace
from typing import Any

import pytest

from tests.unit.decide.build import (
    NOW,
    after,
    observe_pool,
    snapshot,
    worker,
    worker_job,
)
from videojob_contract.queue.types import WorkerState
from videojob_contract.resources.renderpool import RenderPoolStatus
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.specs import accept_pool
from videojob_operator.decide.types import PoolMemory

WORKERS = snapshot(worker(1, WorkerState.IDLE), worker(2, WorkerState.BUSY), queued=4)
JOBS = (worker_job(1), worker_job(2), worker_job(3))


def settled() -> RenderPoolStatus:
    status = decide_pool(observe_pool()).status
    assert status is not None
    return status


def test_the_first_status_says_that_all_is_well_and_needs_no_event():
    decision = decide_pool(observe_pool())

    assert decision.status is not None
    assert [(c.type, c.status, c.reason) for c in decision.status.conditions] == [
        ("Accepted", "True", "Accepted"),
        ("Ready", "True", "Ready"),
    ]
    assert decision.status.observed_generation == 1
    assert decision.events == ()


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"snapshot": None, "queue_trouble": "Redis has not answered for 2.5 s"}, "QueueUnavailable", "not answered"),
        ({"snapshot": None}, "QueueUnavailable", "is being restored"),
        ({"queue_full": True}, "QueueFull", "maxmemory"),
    ],
)
def test_what_is_wrong_with_the_queue_is_told_once_with_an_event(fields, reason, words):
    decision = decide_pool(observe_pool(status=settled(), **fields))

    assert decision.status is not None
    ready = decision.status.conditions[1]
    assert (ready.status, ready.reason) == ("False", reason)
    assert words in ready.message
    assert [(event.type, event.reason) for event in decision.events] == [("Warning", reason)]
    assert decide_pool(observe_pool(status=decision.status, **fields)).events == ()


def test_the_counts():
    status = decide_pool(observe_pool(*JOBS, snapshot=WORKERS)).status

    assert status is not None
    assert (status.queued, status.idle, status.busy, status.starting, status.desired) == (4, 1, 1, 1, 5)


def test_counts_are_written_within_the_budget():
    memory = PoolMemory(patched_at=NOW)
    fields = {"snapshot": WORKERS, "status": settled(), "memory": memory}

    early = decide_pool(observe_pool(*JOBS, now=after(4), **fields))
    assert (early.status, early.requeue_after_s) == (None, 1)
    assert early.create != ()

    late = decide_pool(observe_pool(*JOBS, now=after(5), **fields))
    assert late.status is not None
    assert late.memory.patched_at == after(5)


def test_what_is_more_than_counts_is_written_at_once():
    fields = {"status": settled(), "memory": PoolMemory(patched_at=NOW)}

    assert decide_pool(observe_pool(snapshot=None, **fields)).status is not None
    assert decide_pool(observe_pool(generation=2, **fields)).status is not None
    assert decide_pool(observe_pool(**fields)).status is None


def test_a_queue_out_of_sight_is_told_and_its_return_too():
    away = decide_pool(observe_pool(snapshot=None, status=settled()))
    assert away.status is not None
    assert [(e.type, e.reason) for e in away.events] == [("Warning", "QueueUnavailable")]

    back = decide_pool(observe_pool(status=away.status))
    assert [(e.type, e.reason) for e in back.events] == [("Normal", "Ready")]


def test_counts_stay_while_they_are_not_known():
    known = settled().model_copy(update={"busy": 3})

    status = decide_pool(observe_pool(snapshot=None, status=known)).status

    assert status is not None
    assert status.busy == 3


@pytest.mark.parametrize(
    ("spec", "reason", "path"),
    [
        ({"maxWorkers": -1, "limits": {"runningPerUser": 1}}, "InvalidSpec", "spec.maxWorkers"),
        ({"limits": {"runningPerUser": 1}}, "NotSupported", "spec.limits"),
    ],
)
def test_a_spec_that_was_refused_says_why(spec: dict[str, Any], reason: str, path: str):
    refusal = accept_pool({"spec": spec}).refusal
    assert refusal is not None
    assert path in refusal.message

    decision = decide_pool(replace(observe_pool(), spec=None, refusal=refusal))
    assert decision.status is not None
    accepted, ready = decision.status.conditions[:2]
    assert (accepted.status, accepted.reason, accepted.message) == ("False", reason, refusal.message)
    assert (ready.type, ready.status, ready.reason) == ("Ready", "False", reason)
    assert [(e.type, e.reason, e.message) for e in decision.events] == [("Warning", reason, refusal.message)]
