import pytest

from tests.unit.decide.build import UID, after, decide, ended_job, entry, finished, worker_job
from videojob_contract.queue.types import EntryState
from videojob_operator.decide.cleanup import LINGER_S, parse_status_time
from videojob_operator.decide.types import DeleteWorkerJob, Forget

DONE = {"phase": "Succeeded", "finishedAt": "2026-01-01T12:00:00.000Z", "job": {"name": "default-1"}}


@pytest.mark.parametrize("found", [finished(), entry(EntryState.QUEUED), entry(EntryState.CLAIMED)])
def test_what_the_queue_still_has_of_a_finished_job_goes(found):
    decision = decide({}, DONE, entry=found)

    assert decision.after == (Forget(UID),)
    assert decision.status is None


def test_unless_the_queue_cannot_be_reached():
    assert decide({}, DONE, entry=finished(), queue_known=False).after == ()


def test_a_worker_that_does_not_exit_is_deleted():
    job = worker_job(owner_uid=UID)

    assert decide({}, DONE, worker_job=job, now=after(LINGER_S - 1)).requeue_after_s == 1
    assert decide({}, DONE, worker_job=job, now=after(LINGER_S)).after == (DeleteWorkerJob(job.name, job.uid),)


@pytest.mark.parametrize(
    "job", [ended_job(owner_uid=UID), worker_job(owner_uid="other"), worker_job(owner_uid=UID, deleting=True)]
)
def test_others_are_left_alone(job):
    decision = decide({}, DONE, worker_job=job, now=after(1e6))

    assert (decision.after, decision.requeue_after_s) == ((), None)


@pytest.mark.parametrize("status", [{"phase": "Failed"}, {"phase": "Failed", "finishedAt": "then"}])
def test_a_finished_job_without_a_time_stays(status):
    assert decide({"ttlAfterFinished": "0s"}, status).after == ()


def test_a_final_phase_is_left_as_it_is_whatever_the_rest_says():
    decision = decide({"clips": []}, DONE | {"nonsense": 1})

    assert (decision.status, decision.before, decision.after) == (None, (), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T12:00:05Z", after(5)),
        ("2026-01-01T13:00:05+01:00", after(5)),
        ("2026-01-01T12:00:05", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_times_of_a_raw_status(text, expected):
    assert parse_status_time(text) == expected
