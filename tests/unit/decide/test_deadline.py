import pytest

from tests.unit.decide.build import (
    UID,
    after,
    decide,
    entry,
    events,
    pool_spec,
    running,
    status_of,
    worker_job,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
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

    early = decide(spec, running(), now=after(end - 1), **fields)
    assert (early.status, early.before) == (None, ())
    assert early.requeue_after_s == 1

    late = decide(spec, running(), now=after(end), **fields)
    assert late.before == (DeleteWorkerJob(OURS.name, OURS.uid),)
    failure = status_of(late).failure
    assert failure is not None
    assert failure.reason is Reason.DEADLINE_EXCEEDED
    assert status_of(late).phase is Phase.PENDING
    assert events(late) == [("Warning", "DeadlineExceeded")]


def test_it_holds_while_the_queue_is_away():
    fields = FIELDS | {"entry": None, "queue_known": False, "now": after(2000)}

    assert status_of(decide({}, running(), **fields)).failure is not None


def test_it_holds_for_each_attempt_by_itself():
    second = running(started_at=after(1900), attempts=2, failures=1)

    decision = decide({}, second, entry=entry(EntryState.CLAIMED, attempt=2), worker_job=OURS, now=after(2000))

    assert decision.before == ()
