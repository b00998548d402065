from fractions import Fraction

import pytest

from tests.unit.decide.build import (
    UID,
    after,
    decide,
    entry,
    events,
    pool_spec,
    queued,
    running,
    status_of,
    worker_job,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.status import Phase
from videojob_operator.decide.deadline import GRACE_S
from videojob_operator.decide.types import DeleteWorkerJob, Memory

CLAIMED = entry(EntryState.CLAIMED)
OURS = worker_job(owner_uid=UID)
STARTED = -10
FIELDS = {"entry": CLAIMED, "worker_job": OURS, "patch_interval_s": 1e6, "memory": Memory(patched_at=after(0))}


@pytest.mark.parametrize(
    ("spec", "pool", "deadline_s"),
    [
        ({"deadline": "60s"}, {}, 60),
        ({}, {"defaults": {"deadline": "90s"}}, 90),
        ({"deadline": "60s"}, {"defaults": {"deadline": "90s"}}, 60),
        ({}, {}, 1800),
    ],
)
def test_a_worker_that_does_not_end_its_attempt_in_time_is_deleted(spec, pool, deadline_s):
    end = STARTED + deadline_s + GRACE_S
    fields = FIELDS | {"pool": pool_spec(**pool)}
    started = status_of(decide(spec, queued(), **fields))
    assert started.deadline_at == after(STARTED + deadline_s)

    early = decide(spec, started, now=after(end - 1), **fields)
    assert (early.status, early.before) == (None, ())
    assert early.requeue_after_s == 1

    late = decide(spec, started, now=after(end), **fields)
    assert late.before == (DeleteWorkerJob(OURS.name, OURS.uid),)
    failure = status_of(late).failure
    assert failure is not None
    assert failure.reason is Reason.DEADLINE_EXCEEDED
    assert f"deadline of {format_duration(Fraction(deadline_s))}" in failure.message
    assert status_of(late).deadline_at is None
    assert status_of(late).phase is Phase.PENDING
    assert events(late) == [("Warning", "DeadlineExceeded")]


def test_it_holds_while_the_queue_is_away():
    fields = FIELDS | {"entry": None, "queue_known": False, "now": after(2000)}

    assert status_of(decide({}, running(), **fields)).failure is not None


@pytest.mark.parametrize("edited", ["1s", "20h"])
def test_another_deadline_is_that_of_the_next_attempt(edited):
    started = status_of(decide({"deadline": "60s"}, queued(), **FIELDS))
    end = STARTED + 60 + GRACE_S

    assert decide({"deadline": edited}, started, now=after(end - 1), **FIELDS).before == ()
    assert decide({"deadline": edited}, started, now=after(end), **FIELDS).before != ()


def test_a_status_without_it_has_that_of_the_spec():
    assert decide({"deadline": "5s"}, running(deadline_at=None), now=after(60), **FIELDS).before != ()


def test_it_holds_for_each_attempt_by_itself():
    second = running(started_at=after(1900), deadline_at=after(3700), attempts=2, failures=1)

    decision = decide({}, second, entry=entry(EntryState.CLAIMED, attempt=2), worker_job=OURS, now=after(2000))

    assert decision.before == ()
