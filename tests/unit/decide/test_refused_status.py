import pytest

from tests.unit.decide.build import UID, entry, events, finished, observe, queued, running, status_of, worker_job
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Phase
from videojob_operator.decide.types import DeleteWorkerJob, Forget
from videojob_operator.decide.videojob import decide_refused_status, decide_videojob

WORDS = "422 status.outputs[0].width: Invalid value"


@pytest.mark.parametrize("entry_", [finished(), entry(EntryState.CLAIMED)])
def test_a_running_job_ends_as_failed_with_what_was_refused(entry_):
    observation = observe(status=running(), entry=entry_, worker_job=worker_job(owner_uid=UID))
    decision = decide_refused_status(observation, WORDS)
    status = status_of(decision)

    assert (status.phase, status.failures, status.attempts) == (Phase.FAILED, 1, 1)
    assert status.failure is not None
    assert (status.failure.reason, status.failure.retryable) == (Reason.STATUS_REFUSED, False)
    assert WORDS in status.failure.message
    assert status.outputs is None
    assert DeleteWorkerJob("default-1", "job-1") in decision.before
    assert Forget(UID) in decision.after
    assert events(decision) == [("Warning", Reason.STATUS_REFUSED)]


def test_one_that_waits_has_had_no_failed_attempt():
    decision = decide_refused_status(observe(status=queued(), entry=entry(EntryState.QUEUED)), WORDS)

    assert (status_of(decision).phase, status_of(decision).failures) == (Phase.FAILED, 0)


def test_it_stays_failed():
    observation = observe(status=running(), entry=finished())
    status = status_of(decide_refused_status(observation, WORDS))

    assert decide_videojob(observe({"cancel": True}, status)).status is None


def test_words_without_end_are_cut_short():
    status = status_of(decide_refused_status(observe(status=running()), "x" * 10_000))

    assert len(status.message) <= 2048
