import random
import string
from dataclasses import replace

import pytest

from tests.unit.decide.build import (
    NOW,
    SPEC,
    UID,
    after,
    decide,
    ended_pod,
    entry,
    events,
    finished,
    observe,
    queued,
    result,
    status_of,
    worker_job,
    worker_pod,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator.decide.carried import MAX_BYTES, number_to_carry
from videojob_operator.decide.failure import RESTORE_S
from videojob_operator.decide.naming import carries_attempt, carrying_job_name
from videojob_operator.decide.retry import INTERRUPTION_LIMIT
from videojob_operator.decide.types import Carry, DeleteWorkerJob, Enqueue, Memory, Withdraw
from videojob_operator.decide.videojob import decide_videojob

AWAY = {"queue_known": False, "may_carry": True}
FIRST, SECOND = (carrying_job_name("default", UID, number) for number in (1, 2))


def job(name=FIRST, **fields):
    return worker_job(name=name, serial=0, owner_uid=UID, **fields)


def pod(name=FIRST, **fields):
    return worker_pod(name=f"{name}-abcde", job=name, **fields)


def begun(**fields):
    """Return the status of a job whose first attempt its Job carries."""
    return status_of(decide(**AWAY)).model_copy(update=fields)


def carry_of(decision):
    return next((action for action in decision.before if isinstance(action, Carry)), None)


def test_when_it_is_its_turn_a_job_that_was_never_queued_begins_as_its_first_attempt():
    decision = decide(**AWAY)
    status, carry = status_of(decision), carry_of(decision)
    assert carry
    assert (carry.job, carry.assignment.uid, carry.assignment.attempt) == (FIRST, UID, 1)
    assert (status.phase, status.attempts, status.interruptions) == (Phase.RUNNING, 1, 0)
    assert status.job
    assert (status.job.name, status.worker, status.started_at) == (FIRST, None, None)
    assert not [action for action in decision.before if isinstance(action, Enqueue)]


def test_what_waits_in_redis_is_given_up_for_the_next_number():
    decision = decide({}, queued(), **AWAY)
    status, carry = status_of(decision), carry_of(decision)
    assert number_to_carry(queued()) == 2
    assert carry
    assert (carry.job, carry.assignment.attempt) == (SECOND, 2)
    assert (status.phase, status.attempts, status.interruptions) == (Phase.RUNNING, 2, 1)
    assert status.queued_at == queued().queued_at


@pytest.mark.parametrize(
    "fields",
    [{"may_carry": False}, {"queue_known": True}],
    ids=["not its turn", "the queue is back"],
)
def test_otherwise_it_does_not(fields):
    assert carry_of(decide(**(AWAY | fields))) is None
    assert carry_of(decide({}, queued(), **(AWAY | fields))) is None


@pytest.mark.parametrize(
    "spec",
    [{"suspend": True}, {"startAt": "2027-01-01T00:00:00Z"}, {"queue": "urgent"}, {"clips": []}, {"cancel": True}],
    ids=lambda spec: next(iter(spec)),
)
def test_nor_while_something_else_keeps_it(spec):
    assert carry_of(decide(spec, **AWAY)) is None
    assert carry_of(decide(spec, queued(), **AWAY)) is None


def test_nor_after_too_many_interruptions():
    spent = queued(interruptions=INTERRUPTION_LIMIT, attempts=INTERRUPTION_LIMIT + 1)
    assert carry_of(decide({}, spent, **AWAY)) is None


def test_nor_when_it_is_too_large_for_a_job():
    noise = random.Random(1)  # noqa: S311 - keeps no secret
    texts = ("".join(noise.choices(string.ascii_letters + string.digits, k=900)) for _ in range(300))
    clips = [{"title": {"text": text}, "duration": "1s"} for text in texts]
    assert len(str(clips)) > MAX_BYTES
    assert carry_of(decide({"clips": clips}, **AWAY)) is None
    assert carry_of(decide({"clips": clips[:20]}, **AWAY))


@pytest.mark.parametrize("known", [False, True], ids=["away", "known"])
@pytest.mark.parametrize(
    ("status", "name", "attempts"),
    [(VideoJobStatus(), FIRST, 1), (VideoJobStatus(), SECOND, 2), (queued(), SECOND, 2)],
)
def test_a_job_that_carries_the_attempt_is_the_record_that_it_has_begun(known, status, name, attempts):
    decision = decide({}, status, worker_job=job(name), queue_known=known)
    found = status_of(decision)
    assert (found.phase, found.attempts, found.interruptions) == (Phase.RUNNING, attempts, attempts - 1)
    assert not [action for action in decision.before if isinstance(action, Carry | Enqueue)]


def test_what_still_waits_in_redis_is_taken_out_then():
    decision = decide({}, queued(), entry=entry(EntryState.QUEUED), worker_job=job(SECOND))
    assert decision.before == (Withdraw(UID, 1),)


@pytest.mark.parametrize(
    "other",
    [replace(job(), owner_uid="other"), job(carrying_job_name("default", UID, 3)), job("default-1")],
    ids=["another's", "of another attempt", "one that claims"],
)
def test_another_job_is_none(other):
    assert status_of(decide(worker_job=other)).phase is Phase.QUEUED


def test_its_time_counts_from_when_its_pod_has_started():
    waiting = decide({}, begun(), worker_job=job(), pod=pod(phase="Pending", started_at=None), queue_known=False)
    assert waiting.status is None
    decision = decide({}, begun(), worker_job=job(), pod=pod(), queue_known=False)
    status = status_of(decision)
    assert (status.started_at, status.worker) == (after(-25), f"{FIRST}-abcde")
    assert status.deadline_at == after(-25 + 30 * 60)
    assert events(decision) == [("Normal", Reason.STARTED)]
    again = decide({}, status, worker_job=job(), pod=pod(), queue_known=False)
    assert again.status is None


def ended(kind, **fields):
    said = result(kind, **fields).model_dump_json()
    return ended_pod(
        exit_code=0, name=f"{FIRST}-abcde", job=FIRST, termination_message=said, started_at=after(-25), reason=""
    )


def test_its_end_is_its_pods_last_word():
    status = status_of(decide({}, begun(), worker_job=job(), pod=ended("succeeded"), queue_known=False))
    assert (status.phase, status.attempts) == (Phase.SUCCEEDED, 1)
    failed = ended("failed", reason="SourceNotFound", message="gone")
    status = status_of(decide({}, begun(), worker_job=job(), pod=failed, queue_known=False))
    assert (status.phase, status.failure and status.failure.reason) == (Phase.FAILED, Reason.SOURCE_NOT_FOUND)
    # Of another attempt, or another VideoJob, it is no word.
    for other in ({"attempt": 7}, {"uid": "other"}):
        status = status_of(decide({}, begun(), worker_job=job(), pod=ended("succeeded", **other), queue_known=False))
        assert (status.phase, status.interruptions) == (Phase.PENDING, 1)


def test_a_pod_that_ends_before_it_starts_is_lost():
    gone = ended_pod(exit_code=None, name=f"{FIRST}-abcde", job=FIRST, started_at=None, reason="Evicted")
    status = status_of(decide({}, begun(), worker_job=job(), pod=gone, queue_known=False))
    assert (status.phase, status.interruptions) == (Phase.PENDING, 1)


@pytest.mark.parametrize("left", [None, job(failed=1, finished_at=NOW)], ids=["no Job", "a Job that has failed"])
def test_a_job_without_a_pod_is_lost_after_a_while(left):
    status = begun(worker=f"{FIRST}-abcde", started_at=NOW)
    first = decide({}, status, worker_job=left, queue_known=False)
    assert (first.status, first.memory.missing_since) == (None, NOW)
    later = Memory(missing_since=after(-RESTORE_S))
    lost = status_of(decide({}, status, worker_job=left, queue_known=False, memory=later))
    assert (lost.phase, lost.interruptions) == (Phase.PENDING, 1)
    # While it lives, silence means nothing.
    alive = decide({}, status, worker_job=job(), queue_known=False, memory=later)
    assert (alive.status, alive.memory.missing_since) == (None, None)


def test_when_redis_is_back_the_worker_has_its_time_to_say_that_it_lives():
    status = begun(worker=f"{FIRST}-abcde", started_at=NOW)
    assert decide({}, status, worker_job=job(), pod=pod()).status is None
    lost = decide({}, status, worker_job=job(), pod=pod(), memory=Memory(missing_since=after(-RESTORE_S)))
    assert status_of(lost).phase is Phase.PENDING
    assert DeleteWorkerJob(FIRST, job().uid) in lost.before


def test_a_claim_that_it_restores_goes_on_as_the_same_attempt():
    held = entry(EntryState.CLAIMED, worker=f"{FIRST}-abcde", job=FIRST)
    decision = decide({}, begun(), entry=held, worker_job=job(), pod=pod())
    assert events(decision) == [("Normal", Reason.STARTED)]
    assert status_of(decision).attempts == 1
    assert decision.before == ()
    assert decide({}, status_of(decision), entry=held, worker_job=job(), pod=pod()).status is None


def test_while_redis_is_away_suspend_stops_it_and_so_does_cancel_after_a_while():
    stopped = decide({"suspend": True}, begun(), worker_job=job(), pod=pod(), queue_known=False)
    assert (status_of(stopped).phase, stopped.before) == (Phase.PENDING, (DeleteWorkerJob(FIRST, job().uid),))
    waits = Memory(cancelled_at=after(-10))
    ended = decide({"cancel": True}, begun(), worker_job=job(), pod=pod(), queue_known=False, memory=waits)
    assert (status_of(ended).phase, ended.before) == (Phase.CANCELLED, (DeleteWorkerJob(FIRST, job().uid),))


def test_how_a_claim_ended_that_nobody_heard_of_is_believed_without_redis():
    """Such an entry comes of the last word of a worker's pod, and is not to be rendered once more."""
    decision = decide({}, queued(), entry=finished(), worker_job=worker_job(), **AWAY)
    assert status_of(decision).phase is Phase.SUCCEEDED
    assert carry_of(decision) is None


def test_names_are_of_one_attempt_and_of_no_other_kind_of_job():
    names = {carrying_job_name(pool, uid, n) for pool in ("a", "b" * 63) for uid in "xy" for n in range(1, 20)}
    assert len(names) == 2 * 2 * 19
    assert all(carries_attempt(name) and len(name) <= 57 for name in names)
    assert not any(map(carries_attempt, ["default-1", "default-redis-a0123456789ab".replace("ab", "xy"), "a", ""]))


def test_from_its_turn_on_it_comes_to_rest():
    observation = observe(dict(SPEC), **AWAY)
    decision = decide_videojob(observation)
    raw = dict(observation.raw) | {"status": status_of(decision).to_dict()}
    assert decide_videojob(replace(observation, raw=raw, worker_job=job(), memory=decision.memory)).status is None
