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
    worker_pod,
)
from videojob_contract.queue.types import WorkerState
from videojob_contract.resources.renderpool import RenderPoolStatus
from videojob_contract.resources.status import ConditionType
from videojob_operator.decide.conditions import find
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.pool_status import CONTESTED_S, contested
from videojob_operator.decide.specs import accept_pool
from videojob_operator.decide.types import Explanation, PoolDecision, PoolMemory

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
    fields = {"snapshot": WORKERS, "status": settled(), "memory": memory, "pods": [worker_pod(3)]}

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


def condition(decision: PoolDecision) -> tuple[str, str, str]:
    assert decision.status is not None
    ready = find(decision.status.conditions, ConditionType.READY)
    assert ready is not None
    return ready.status, ready.reason, ready.message


def in_trouble(serial: int = 1) -> PoolDecision:
    """Return what is decided on a pool whose worker has no pod, and Kubernetes says why."""
    memory = PoolMemory(explanation=Explanation(f"default-{serial}", "exceeded quota", NOW))
    return decide_pool(observe_pool(worker_job(serial), memory=memory))


def test_while_nothing_was_asked_for_all_is_well_and_the_first_worker_is_waited_for():
    assert condition(decide_pool(observe_pool())) == ("True", "Ready", "")

    first = decide_pool(observe_pool(snapshot=snapshot(queued=1)))
    assert condition(first) == ("False", "WorkersStarting", "no worker has registered yet")
    assert first.events == ()

    up = snapshot(worker(1, WorkerState.IDLE), queued=1)
    then = decide_pool(observe_pool(worker_job(1), status=first.status, snapshot=up))
    assert condition(then) == ("True", "Ready", "")
    assert then.events == ()


def test_a_pool_whose_workers_came_up_stays_ready_while_the_next_one_starts():
    fresh = worker_job(2, created_at=after(-1))

    assert condition(decide_pool(observe_pool(fresh, status=settled(), snapshot=snapshot(queued=1)))) == (
        "True",
        "Ready",
        "",
    )


@pytest.mark.parametrize(
    ("jobs", "found"),
    [
        pytest.param((), snapshot(queued=1), id="it was deleted, and none is there"),
        pytest.param((worker_job(2, created_at=after(-1)),), snapshot(queued=1), id="the next one starts"),
        pytest.param((), snapshot(), id="nothing is asked for any more"),
    ],
)
def test_a_pool_in_trouble_is_not_ready_again_before_a_worker_has_registered(jobs, found):
    trouble = in_trouble()
    assert condition(trouble) == ("False", "WorkersNotStarting", "worker default-1 has no pod: exceeded quota")

    quiet = decide_pool(observe_pool(*jobs, status=trouble.status, snapshot=found, memory=trouble.memory))
    assert quiet.status is None or condition(quiet) == condition(trouble)
    restarted = decide_pool(observe_pool(*jobs, status=trouble.status, snapshot=found))
    assert restarted.status is None or condition(restarted) == condition(trouble)


def test_an_older_worker_that_still_renders_does_not_show_that_new_ones_come_up():
    trouble = in_trouble(serial=2)
    old, new = worker(1, WorkerState.BUSY), worker(3, WorkerState.IDLE)
    fields = {"status": trouble.status, "memory": trouble.memory, "now": after(10)}

    still = decide_pool(observe_pool(worker_job(1), snapshot=snapshot(old), **fields))
    assert condition(still)[0] == "False"

    over = decide_pool(observe_pool(worker_job(1), worker_job(3), snapshot=snapshot(old, new), **fields))
    assert condition(over)[0] == "True"
    assert [(e.type, e.reason) for e in over.events] == [("Normal", "Ready")]


def test_another_spec_starts_anew():
    trouble = in_trouble()

    again = decide_pool(observe_pool(status=trouble.status, memory=trouble.memory, generation=2))
    assert condition(again) == ("True", "Ready", "")


def test_the_word_of_a_second_operator_stands_for_a_while():
    said = contested(settled(), "operator b would serve this pool too, and leaves it to a", NOW)
    assert contested(said, said.conditions[-1].message, after(9)) == said

    early = decide_pool(observe_pool(status=said, now=after(CONTESTED_S - 1)))
    assert (early.status, early.requeue_after_s) == (None, 1)
    late = decide_pool(observe_pool(status=said, now=after(CONTESTED_S)))
    assert late.status == settled()
    assert late.events == ()


def test_counts_stay_while_they_are_not_known():
    known = settled().model_copy(update={"busy": 3})

    status = decide_pool(observe_pool(snapshot=None, status=known)).status

    assert status is not None
    assert status.busy == 3


@pytest.mark.parametrize(
    ("spec", "reason", "path"),
    [
        ({"maxWorkers": -1}, "InvalidSpec", "spec.maxWorkers"),
        ({"storage": {"outputPrefix": "https://a/b"}}, "NotSupported", "spec.storage"),
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


def test_a_pool_that_drains_says_how_many_run_still_and_that_none_does():
    first = decide_pool(observe_pool(status=settled(), spec={"drain": True}, running=frozenset({"a", "b"})))
    assert first.status is not None
    draining = find(first.status.conditions, ConditionType.DRAINED)
    assert draining is not None
    assert (draining.status, draining.reason, draining.message) == ("False", "Draining", "2 still run")
    assert [(event.type, event.reason) for event in first.events] == [("Normal", "Draining")]

    memory = replace(first.memory, patched_at=NOW)
    fewer = decide_pool(
        observe_pool(status=first.status, spec={"drain": True}, running=frozenset({"a"}), memory=memory)
    )
    assert fewer.status is None  # mere counts wait

    done = decide_pool(observe_pool(status=first.status, spec={"drain": True}, memory=memory))
    assert done.status is not None
    drained = find(done.status.conditions, ConditionType.DRAINED)
    assert drained is not None
    assert (drained.status, drained.reason) == ("True", "Drained")

    resumed = decide_pool(observe_pool(status=done.status, memory=memory))
    assert resumed.status is not None
    assert find(resumed.status.conditions, ConditionType.DRAINED) is None
    assert resumed.events == ()


def test_a_pool_drains_for_as_long_as_a_worker_holds_something_whatever_videojobs_say():
    held = replace(snapshot(worker(2, WorkerState.BUSY)), claimed=1)
    status = decide_pool(observe_pool(spec={"drain": True}, snapshot=held)).status
    assert status is not None
    draining = find(status.conditions, ConditionType.DRAINED)
    assert draining is not None
    assert draining.message == "1 still run"
