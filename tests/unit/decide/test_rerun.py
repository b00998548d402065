import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    decide,
    entry,
    finished,
    observe,
    queued,
    running,
    status_of,
    worker_job,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import MAX_HISTORY, Phase
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.types import CancelInQueue, DeleteWorkerJob, Enqueue
from videojob_operator.decide.videojob import decide_videojob

ONCE_MORE = {"rerun": 1}


def ended(kind: str = "succeeded", **fields):
    return status_of(decide({}, running(), entry=finished(kind, **fields)))


def test_a_finished_job_begins_anew_and_knows_how_it_ended_before():
    before = ended("failed", reason="InvalidMedia", message="no picture")
    status = status_of(decide(ONCE_MORE, before))

    assert (status.phase, status.rerun, status.attempts, status.earlier_attempts) == (Phase.PENDING, 1, 1, 1)
    assert (status.failures, status.failure, status.outputs, status.finished_at) == (0, None, None, None)
    assert status.conditions == []
    [life] = status.history or []
    assert (life.rerun, life.phase, life.reason, life.attempts) == (0, Phase.FAILED, Reason.INVALID_MEDIA, 1)
    assert (life.message, life.finished_at) == ("no picture", NOW)


def test_its_first_attempt_is_newer_than_any_before_and_is_enqueued_though_the_queue_forgot_it():
    begun = status_of(decide(ONCE_MORE, ended()))
    [enqueue] = decide(ONCE_MORE, begun, now=after(5)).before

    assert isinstance(enqueue, Enqueue)
    assert (enqueue.assignment.attempt, enqueue.again, enqueue.since) == (2, True, after(5))
    waiting = status_of(decide(ONCE_MORE, begun, now=after(5)))
    assert (waiting.phase, waiting.attempts, current_number(waiting)) == (Phase.QUEUED, 2, 2)


def test_it_has_all_its_retries_again():
    begun = status_of(decide(ONCE_MORE | {"retry": {"limit": 1}}, ended("failed", reason="InvalidMedia")))
    spec = ONCE_MORE | {"retry": {"limit": 1}}
    waiting = status_of(decide(spec, begun))
    started = status_of(decide(spec, waiting, entry=entry(EntryState.CLAIMED, attempt=2)))
    failed = status_of(decide(spec, started, entry=finished("failed", attempt=2, reason="DiskFull")))
    assert (failed.phase, failed.failures, current_number(failed)) == (Phase.PENDING, 1, 3)


def test_what_the_queue_still_has_of_the_life_before_is_not_its():
    begun = status_of(decide(ONCE_MORE, ended()))
    status = status_of(decide(ONCE_MORE, begun, entry=finished()))
    assert (status.phase, status.attempts) == (Phase.QUEUED, 2)


def test_once_done_it_is_done():
    begun = status_of(decide(ONCE_MORE, ended()))
    started = status_of(decide(ONCE_MORE, begun, entry=entry(EntryState.CLAIMED, attempt=2)))
    done = status_of(decide(ONCE_MORE, started, entry=finished(attempt=2)))
    assert (done.phase, done.rerun) == (Phase.SUCCEEDED, 1)
    assert decide(ONCE_MORE, done).status is None


@pytest.mark.parametrize("rerun", [0, 3])
def test_a_number_that_was_there_from_the_start_or_came_before_the_end_asks_for_nothing(rerun):
    done = status_of(decide({"rerun": rerun}, running(), entry=finished()))
    assert decide({"rerun": rerun}, done).status is None


def test_a_cancelled_job_begins_anew_when_its_cancel_is_taken_back():
    cancelled = status_of(decide({"cancel": True}))
    assert decide({"cancel": True, "rerun": 1}, cancelled).status is None
    assert status_of(decide({"cancel": False, "rerun": 1}, cancelled)).phase is Phase.PENDING


def test_one_that_is_being_deleted_does_not():
    observation = observe(ONCE_MORE, ended(), metadata={"deletionTimestamp": "2026-01-01T12:00:00Z"})
    assert decide_videojob(observation).status is None


def test_the_oldest_lives_are_forgotten():
    status = ended()
    for rerun in range(1, MAX_HISTORY + 3):
        begun = status_of(decide({"rerun": rerun}, status))
        status = begun.model_copy(update={"phase": Phase.SUCCEEDED, "finished_at": NOW})
    assert [life.rerun for life in status.history or []] == list(range(2, MAX_HISTORY + 2))


def test_each_life_is_told_to_webhooks_and_what_was_not_told_of_the_last_still_is():
    spec = {"notify": [{"url": "https://hooks.example.org"}]}
    done = status_of(decide(spec, running(), entry=finished()))
    begun = status_of(decide(spec | ONCE_MORE, done))
    assert begun.notifications == done.notifications
    refused = status_of(decide(spec | ONCE_MORE | {"parallelism": 2}, begun))
    ids = {message.id for message in (*(done.notifications or ()), *(refused.notifications or ()))}
    assert len(ids) == 2
    assert UID not in str(ids)


def test_one_that_was_cancelled_while_it_waited_has_a_number_that_the_queue_has_never_seen():
    # The answer to its first enqueue was lost: its status knows no attempt.
    cancelled = status_of(decide({"cancel": True}))
    assert cancelled.attempts == 0
    begun = status_of(decide({"rerun": 1}, cancelled, queue_known=False))
    [enqueue] = decide({"rerun": 1}, begun).before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.attempt == 2


def test_it_has_a_number_above_that_which_the_queue_knows():
    begun = status_of(decide(ONCE_MORE, ended("failed", reason="InvalidMedia"), entry=finished(attempt=4)))
    assert (begun.attempts, current_number(begun)) == (4, 5)


def cancelled_unseen():
    """Return a job that was cancelled while a worker had it of which its status did not know, and that begins anew."""
    cancelled = status_of(decide({"cancel": True}, queued(), queue_known=False))
    return status_of(decide(ONCE_MORE, cancelled, queue_known=False))


def test_a_worker_that_nobody_told_stops_before_the_rerun_has_another():
    begun, at_work = cancelled_unseen(), entry(EntryState.CLAIMED)
    told = decide(ONCE_MORE, begun, entry=at_work, worker_job=worker_job())
    assert told.before == (CancelInQueue(UID),)
    begun = status_of(told)
    assert (begun.phase, begun.message) == (Phase.PENDING, "attempt 1, of before the rerun, is stopped first")

    stopping = entry(EntryState.CLAIMED, cancelling=True)
    waits = decide(ONCE_MORE, begun, entry=stopping, worker_job=worker_job(), memory=told.memory, now=after(5))
    assert (waits.before, waits.status) == ((), None)
    stopped = decide(ONCE_MORE, begun, entry=finished("failed", reason="Cancelled"), memory=told.memory, now=after(6))
    assert [type(action) for action in stopped.before] == [Enqueue]
    assert stopped.memory.cancelled_at is None


@pytest.mark.parametrize(("seconds", "fields"), [(11, {"cancelling": True}), (0, {"expired": True})])
def test_one_that_does_not_stop_is_deleted_first(seconds, fields):
    begun = cancelled_unseen()
    told = decide(ONCE_MORE, begun, entry=entry(EntryState.CLAIMED), worker_job=worker_job())
    deaf = entry(EntryState.CLAIMED, **fields)
    ends = decide(ONCE_MORE, begun, entry=deaf, worker_job=worker_job(), memory=told.memory, now=after(seconds))
    kill, enqueue = ends.before
    assert kill == DeleteWorkerJob("default-1", "job-1")
    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.attempt == 2
