import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.decide.build import (
    after,
    decide,
    finished,
    pool_spec,
    queued,
    running,
    status_of,
)
from videojob_contract.errors import FAILURE_CLASS, FailureClass, Reason
from videojob_contract.resources.status import ConditionType, Phase, VideoJobStatus
from videojob_operator.decide.conditions import find
from videojob_operator.decide.retry import INTERRUPTION_LIMIT
from videojob_operator.decide.types import Enqueue

RETRIED = [r for r, k in FAILURE_CLASS.items() if k not in {FailureClass.PERMANENT, FailureClass.CANCELLED}]


def fail(status: VideoJobStatus, reason: Reason, spec=None, **fields) -> VideoJobStatus:
    """Let the next attempt of a job run and fail."""
    number = status.failures + status.interruptions + 1
    run = running(attempts=number, failures=status.failures, interruptions=status.interruptions, failure=status.failure)
    failed = finished("failed", attempt=number, reason=reason, message="why")
    return status_of(decide(spec or {}, run, entry=failed, **fields))


def fail_until_final(*reasons: Reason, spec=None) -> list[VideoJobStatus]:
    status, seen = queued(), []
    for reason in reasons:
        status = fail(status, reason, spec)
        seen.append(status)
        if status.phase.is_final:
            break
    return seen


def test_transient_failures_are_retried_up_to_the_limit():
    seen = fail_until_final(*[Reason.STORAGE_UNAVAILABLE] * 9)

    assert [status.phase for status in seen] == [Phase.PENDING] * 3 + [Phase.FAILED]
    assert seen[-1].attempts == seen[-1].failures == 4
    assert seen[-1].failure is not None
    assert seen[-1].failure.retryable


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_the_limit_is_the_jobs_own(limit):
    seen = fail_until_final(*[Reason.DISK_FULL] * 9, spec={"retry": {"limit": limit}})

    assert seen[-1].attempts == limit + 1


def test_or_else_the_pools():
    pool = pool_spec(defaults={"retry": {"limit": 0}})

    assert fail(queued(), Reason.DISK_FULL, pool=pool).phase is Phase.FAILED


def test_interruptions_are_not_counted_but_bounded():
    seen = fail_until_final(*[Reason.WORKER_LOST] * 20, spec={"retry": {"limit": 0}})

    assert [status.phase for status in seen] == [Phase.PENDING] * INTERRUPTION_LIMIT + [Phase.FAILED]
    assert seen[-1].failures == 0


@pytest.mark.parametrize("reason", [Reason.OUT_OF_MEMORY, Reason.DEADLINE_EXCEEDED])
def test_limits_that_were_met_are_tried_once_more(reason):
    seen = fail_until_final(*[reason] * 5)

    assert [status.phase for status in seen] == [Phase.PENDING, Phase.FAILED]


def test_an_interruption_in_between_gives_no_further_try():
    seen = fail_until_final(Reason.OUT_OF_MEMORY, Reason.EVICTED, Reason.OUT_OF_MEMORY)

    assert seen[-1].phase is Phase.FAILED


def test_each_limit_is_tried_once_more_by_itself():
    seen = fail_until_final(Reason.OUT_OF_MEMORY, Reason.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED)

    assert [status.phase for status in seen] == [Phase.PENDING, Phase.PENDING, Phase.FAILED]


def waits(reason: Reason, count: int, **retry) -> list[float]:
    seen = fail_until_final(*[reason] * count, spec={"retry": {"limit": 20, **retry}})
    return [(s.next_attempt_at - after(0)).total_seconds() for s in seen if s.next_attempt_at]


def test_each_wait_is_longer_up_to_the_longest():
    backoff = {"initial": "2s", "factor": 3, "max": "30s", "jitter": 0}

    assert waits(Reason.DISK_FULL, 5, backoff=backoff) == [2, 6, 18, 30, 30]


def test_after_an_interruption_the_job_goes_on_at_once_and_then_backs_off():
    backoff = {"initial": "2s", "factor": 3, "max": "30s", "jitter": 0}

    assert waits(Reason.WORKER_LOST, 4, backoff=backoff) == [0, 2, 6, 18]


@given(jitter=st.floats(0, 1), chance=st.floats(0, 1))
def test_jitter_gives_or_takes_its_share(jitter, chance):
    spec = {"retry": {"backoff": {"jitter": jitter}}}

    again = fail(queued(), Reason.DISK_FULL, spec, jitter=chance).next_attempt_at

    assert again is not None
    wait_s = (again - after(0)).total_seconds()
    assert 10 * (1 - jitter) - 1e-5 <= wait_s <= 10 * (1 + jitter) + 1e-5


def test_the_next_attempt_waits_until_it_is_due():
    waiting = fail(queued(), Reason.DISK_FULL)
    assert waiting.next_attempt_at is not None

    early = decide({}, waiting, now=waiting.next_attempt_at - (after(1) - after(0)))
    assert (early.status, early.before) == (None, ())
    assert early.requeue_after_s == 1

    due = decide({}, waiting, now=waiting.next_attempt_at)
    [enqueue] = due.before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.attempt == status_of(due).attempts == 2
    assert status_of(due).next_attempt_at is None
    assert status_of(due).failure == waiting.failure


def test_an_attempt_is_on_record_as_over_before_the_next_is_enqueued():
    run = running()

    decision = decide({"retry": {"backoff": {"initial": "0s"}}}, run, entry=finished("failed", reason="DiskFull"))

    assert decision.before == ()
    assert status_of(decision).phase is Phase.PENDING
    assert decision.requeue_after_s is not None
    assert decision.requeue_after_s < 0.1


def test_a_hold_in_between_does_not_shorten_the_wait():
    waiting = fail(queued(), Reason.DISK_FULL)
    held = status_of(decide({"suspend": True}, waiting))

    back = status_of(decide({}, held, now=after(1)))

    assert back.next_attempt_at == waiting.next_attempt_at
    admitted = find(back.conditions, ConditionType.ADMITTED)
    assert admitted is not None
    assert (back.phase, admitted.reason) == (Phase.PENDING, Reason.BACKING_OFF)


@settings(max_examples=25)
@given(reasons=st.lists(st.sampled_from(RETRIED), min_size=40, max_size=40), limit=st.integers(0, 20))
def test_attempts_are_bounded_whatever_happens(reasons, limit):
    seen = fail_until_final(*reasons, spec={"retry": {"limit": limit}})

    last = seen[-1]
    assert last.phase is Phase.FAILED
    assert last.failures <= limit + 1
    assert last.interruptions <= INTERRUPTION_LIMIT + 1
    assert all(s.attempts == s.failures + s.interruptions for s in seen)
    counted = [s.failures for s in seen]
    assert counted == sorted(counted)


def test_an_interruption_keeps_its_place_and_a_failure_goes_to_the_end():
    waited = queued().queued_at
    assert waited is not None
    interrupted = fail(queued(), Reason.EVICTED, now=after(60))
    assert interrupted.queued_at == waited
    [enqueue] = decide({}, interrupted, now=after(61)).before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.since == waited

    failed = fail(queued(), Reason.DISK_FULL, now=after(60))
    assert failed.queued_at is None
    [enqueue] = decide({}, failed, now=after(3600)).before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.since == after(3600)
