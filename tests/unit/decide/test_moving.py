"""A job that is to wait in another pool."""

import pytest

from tests.unit.decide.build import UID, after, decide, entry, events, observe, queued, running, status_of, worker_job
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Phase
from videojob_operator.decide.types import Enqueue, Withdraw
from videojob_operator.decide.videojob import decide_spent_attempt, decide_videojob

OTHER = {"pool": "other"}
WAITS = entry(EntryState.QUEUED)


def test_it_leaves_before_it_comes_and_keeps_the_time_waited():
    left = decide(OTHER, queued(), entry=WAITS, now=after(60))
    status = status_of(left)
    assert left.before == (Withdraw(UID, 1, strictly=True),)
    assert (status.phase, status.reason, status.pool) == (Phase.PENDING, Reason.MOVED, None)
    assert status.queued_at == queued().queued_at
    assert events(left) == [("Normal", "Moved")]
    assert left.requeue_after_s is not None

    came = decide(OTHER, status, pool_name="other", now=after(61))
    (enqueue,) = came.before
    assert isinstance(enqueue, Enqueue)
    assert (enqueue.since, enqueue.assignment.attempt) == (queued().queued_at, 1)
    assert (status_of(came).phase, status_of(came).pool) == (Phase.QUEUED, "other")
    assert events(came) == []  # a move is one Event


def test_what_a_worker_has_claimed_meanwhile_stays_for_this_attempt():
    runs = status_of(decide(OTHER, queued(), entry=entry(EntryState.CLAIMED), worker_job=worker_job()))
    assert (runs.phase, runs.pool) == (Phase.RUNNING, "default")
    assert decide(OTHER, runs, entry=entry(EntryState.CLAIMED), worker_job=worker_job(owner_uid=UID)).before == ()


def test_an_attempt_that_failed_is_followed_by_one_in_the_other_pool():
    lost = decide(OTHER, running(), entry=entry(EntryState.CLAIMED, expired=True), now=after(0))
    assert lost.status is None
    held = status_of(decide({**OTHER, "suspend": True}, running(), entry=entry(EntryState.CLAIMED)))
    assert (held.phase, held.pool) == (Phase.PENDING, None)


@pytest.mark.parametrize(
    ("fields", "leaves"),
    [
        ({"queue_known": False}, False),
        ({"queue_known": False, "pool": None, "pool_gone": True}, True),
        ({"entry": None}, True),
    ],
)
def test_it_leaves_a_pool_that_is_gone_and_waits_for_one_that_cannot_be_seen(fields, leaves):
    decision = decide(OTHER, queued(), **({"entry": WAITS} | fields))
    assert (decision.status is not None) is leaves
    if leaves:
        assert status_of(decision).reason is Reason.MOVED


def test_a_day_of_the_other_pool_counts_it_anew():
    assert status_of(decide(OTHER, queued(admitted_at=after(0)), entry=WAITS)).admitted_at is None


def test_one_that_does_not_wait_yet_just_goes_elsewhere():
    held = status_of(decide({"suspend": True}))
    assert decide_videojob(observe({**OTHER, "suspend": True}, held, pool_name="other")).status is None


def test_an_attempt_that_was_begun_elsewhere_is_followed_by_the_next_with_the_time_waited():
    held = queued(phase=Phase.PENDING, attempts=0)
    skipped = status_of(decide_spent_attempt(observe(OTHER, held, pool_name="other"), "a worker had it"))
    assert (skipped.phase, skipped.interruptions, skipped.attempts) == (Phase.PENDING, 1, 1)
    assert skipped.queued_at == held.queued_at
    (enqueue,) = decide(OTHER, skipped, pool_name="other").before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.attempt == 2
    assert decide_spent_attempt(observe(OTHER, running()), "late").status is None
