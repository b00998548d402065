import pytest

from tests.unit.decide.build import UID, after, decide, pool_spec
from videojob_operator.decide.types import DeleteVideoJob

DONE = {"phase": "Succeeded", "finishedAt": "2026-01-01T12:00:00.000Z"}
DAY = pool_spec(defaults={"ttlAfterFinished": "24h"})


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Cancelled"])
def test_a_finished_job_is_deleted_after_its_time(phase):
    status = DONE | {"phase": phase}

    early = decide({"ttlAfterFinished": "1h"}, status, now=after(3599))
    assert (early.after, early.requeue_after_s) == ((), 1)

    late = decide({"ttlAfterFinished": "1h"}, status, now=after(3600))
    assert late.after == (DeleteVideoJob(UID, "holiday"),)


def test_the_pool_says_how_long_when_the_job_does_not():
    assert decide({}, DONE, pool=DAY, now=after(86400)).after == (DeleteVideoJob(UID, "holiday"),)
    assert decide({"ttlAfterFinished": "48h"}, DONE, pool=DAY, now=after(86400)).after == ()


def test_without_either_it_stays_for_ever():
    decision = decide({}, DONE, now=after(1e9))

    assert (decision.after, decision.requeue_after_s) == ((), None)


@pytest.mark.parametrize("ttl", ["soon", 5])
def test_a_time_that_cannot_be_read_deletes_nothing(ttl):
    assert decide({"ttlAfterFinished": ttl}, DONE, now=after(1e9)).after == ()


def test_a_time_of_nothing_deletes_at_once():
    assert decide({"ttlAfterFinished": "0s"}, DONE).after == (DeleteVideoJob(UID, "holiday"),)
