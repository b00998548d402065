from tests.unit.decide.build import (
    JOB,
    UID,
    after,
    decide,
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
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide import conditions
from videojob_operator.decide.types import DeleteWorkerJob, Enqueue, Release

CLAIMED = entry(EntryState.CLAIMED)
SUSPENDED = {"suspend": True}


def suspended():
    return decide(SUSPENDED, running(progress=40), entry=CLAIMED, worker_job=worker_job(owner_uid=UID))


def test_an_attempt_that_runs_is_stopped_and_the_queue_refuses_its_worker():
    decision = suspended()
    status = status_of(decision)

    assert decision.before == (DeleteWorkerJob(JOB, "job-1"),)
    assert Release(UID, 1, Reason.SUSPENDED) in decision.after
    assert (status.phase, status.reason, status.progress) == (Phase.PENDING, Reason.SUSPENDED, 0)
    assert (status.failures, status.interruptions) == (0, 1)
    assert (status.job, status.worker, status.started_at, status.deadline_at) == (None, None, None, None)
    assert events(decision) == [("Normal", Reason.SUSPENDED)]
    started = conditions.find(status.conditions, ConditionType.STARTED)
    assert started is not None
    assert (started.status, started.reason) == ("False", Reason.SUSPENDED)


def test_it_stays_out_of_its_queue_until_it_may_go_on_and_then_waits_as_the_last():
    held = status_of(suspended())
    again = decide(SUSPENDED, held, now=after(60))
    assert [action for action in again.before if isinstance(action, Enqueue)] == []
    assert events(again) == []

    [enqueue] = decide({}, held, now=after(60)).before
    assert isinstance(enqueue, Enqueue)
    assert (enqueue.assignment.attempt, enqueue.since) == (2, after(60))


def test_a_result_that_is_there_counts():
    assert status_of(decide(SUSPENDED, running(), entry=finished())).phase is Phase.SUCCEEDED


def test_what_was_claimed_while_it_was_suspended_is_stopped_too():
    held = status_of(decide(SUSPENDED, queued(), entry=entry(EntryState.QUEUED)))
    decision = decide(SUSPENDED, held, entry=CLAIMED, worker_job=worker_job())

    assert status_of(decision).phase is Phase.PENDING
    assert DeleteWorkerJob(JOB, "job-1") in decision.before
    assert Release(UID, 1, Reason.SUSPENDED) in decision.after


def test_a_cancel_comes_before_it():
    decision = decide(SUSPENDED | {"cancel": True}, running(), entry=entry(EntryState.CLAIMED, cancelling=True))
    assert decision.status is None or decision.status.phase is not Phase.PENDING


def test_an_interruption_that_was_wished_for_is_told_as_no_failure():
    assert status_of(suspended()).failure is None
