import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    decide,
    ended_pod,
    entry,
    events,
    finished,
    queued,
    running,
    status_of,
    worker_job,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Failure, Phase
from videojob_operator.decide.cancel import GRACE_S, when_deleted
from videojob_operator.decide.types import CancelInQueue, DeleteWorkerJob, Enqueue, Forget, Memory

CANCEL = {"cancel": True}
CLAIMED = entry(EntryState.CLAIMED)
OURS = worker_job(owner_uid=UID)


def test_a_job_that_was_never_enqueued_is_cancelled_without_the_queue():
    decision = decide(CANCEL)

    status = status_of(decision)
    assert (status.phase, status.finished_at) == (Phase.CANCELLED, NOW)
    assert [(c.type, c.reason) for c in status.conditions] == [
        ("Finished", "Cancelled"),
        ("Failed", "Cancelled"),
    ]
    assert decision.before == ()
    assert events(decision) == [("Normal", "Cancelled")]


def test_a_spec_that_cannot_be_read_can_be_cancelled():
    assert status_of(decide(CANCEL | {"clips": []})).phase is Phase.CANCELLED


def test_a_queued_job_is_taken_out_of_the_queue_first():
    decision = decide(CANCEL, queued(), entry=entry(EntryState.QUEUED))

    assert decision.before == (CancelInQueue(UID),)
    assert status_of(decision).phase is Phase.CANCELLED
    assert Forget(UID) in decision.after


def test_one_that_was_enqueued_has_an_attempt_though_the_write_that_said_so_was_lost():
    decision = decide(CANCEL, entry=entry(EntryState.QUEUED))

    assert decision.before == (CancelInQueue(UID),)
    assert (status_of(decision).phase, status_of(decision).attempts) == (Phase.CANCELLED, 1)


def test_a_queued_job_is_cancelled_even_while_the_queue_is_away():
    decision = decide(CANCEL, queued(), queue_known=False)

    assert decision.before == ()
    assert status_of(decision).phase is Phase.CANCELLED


def test_a_job_that_backs_off_is_not_tried_again():
    waiting = queued(
        phase=Phase.PENDING,
        failures=1,
        next_attempt_at=after(60),
        failure=Failure(reason=Reason.DISK_FULL, message="full", retryable=True),
    )

    decision = decide(CANCEL, waiting)

    status = status_of(decision)
    assert (status.phase, status.next_attempt_at) == (Phase.CANCELLED, None)
    assert not any(isinstance(action, Enqueue) for action in decision.before)


def test_a_worker_is_told_and_given_a_grace():
    decision = decide(CANCEL, running(), entry=CLAIMED, worker_job=OURS)

    assert decision.before == (CancelInQueue(UID),)
    assert decision.status is None
    assert decision.requeue_after_s is not None
    assert decision.requeue_after_s <= GRACE_S
    assert decision.memory.cancelled_at == NOW


def test_a_worker_that_was_told_is_not_told_again():
    told = entry(EntryState.CLAIMED, cancelling=True)

    assert decide(CANCEL, running(), entry=told, worker_job=OURS).before == ()


def test_a_worker_that_does_not_answer_is_deleted():
    memory = Memory(cancelled_at=NOW)

    before = decide(CANCEL, running(), entry=CLAIMED, worker_job=OURS, memory=memory, now=after(GRACE_S - 1))
    assert not any(isinstance(action, DeleteWorkerJob) for action in before.before)

    decision = decide(CANCEL, running(), entry=CLAIMED, worker_job=OURS, memory=memory, now=after(GRACE_S))
    assert decision.before == (DeleteWorkerJob(OURS.name, OURS.uid),)
    assert status_of(decision).phase is Phase.CANCELLED


def test_without_the_queue_the_worker_is_deleted_after_the_grace_too():
    fields = {"worker_job": OURS, "queue_known": False, "memory": Memory(cancelled_at=NOW)}

    assert decide(CANCEL, running(), now=after(1), **fields).before == ()
    assert decide(CANCEL, running(), now=after(GRACE_S), **fields).before == (DeleteWorkerJob(OURS.name, OURS.uid),)


@pytest.mark.parametrize(
    ("fields", "phase"),
    [
        ({"entry": finished("cancelled")}, Phase.CANCELLED),
        ({"entry": finished("failed", reason="RenderFailed")}, Phase.CANCELLED),
        ({"entry": finished("succeeded")}, Phase.SUCCEEDED),  # it was done before the word came
        ({"entry": CLAIMED, "pod": ended_pod()}, Phase.CANCELLED),
        ({"entry": entry(EntryState.CLAIMED, expired=True)}, Phase.CANCELLED),
    ],
)
def test_how_the_worker_ended_decides(fields, phase):
    decision = decide(CANCEL, running(), worker_job=OURS, **fields)

    assert status_of(decision).phase is phase
    assert decision.requeue_after_s is None


def test_a_worker_that_is_lost_is_deleted_before_a_rerun_can_have_another():
    decision = decide(CANCEL, running(), entry=entry(EntryState.CLAIMED, expired=True), worker_job=OURS)

    assert decision.before == (DeleteWorkerJob(OURS.name, OURS.uid),)
    assert status_of(decision).phase is Phase.CANCELLED


def test_a_job_that_the_queue_has_as_cancelled_is_cancelled():
    assert status_of(decide({}, queued(), entry=entry(EntryState.CANCELLED))).phase is Phase.CANCELLED


def test_a_deleted_job_is_forgotten_and_nothing_else():
    decision = decide({}, running(), entry=CLAIMED, metadata={"deletionTimestamp": "2026-01-01T11:59:59Z"})

    assert decision.status is None
    assert decision.before == ()
    assert decision.after == when_deleted(UID) == (Forget(UID),)
