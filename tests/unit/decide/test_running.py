import pytest

from tests.unit.decide.build import (
    JOB,
    NOW,
    UID,
    WORKER,
    after,
    decide,
    entry,
    events,
    finished,
    progress,
    queued,
    running,
    status_of,
    worker_job,
)
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Phase, Stage
from videojob_operator.decide.types import Adopt, Memory

CLAIMED = entry(EntryState.CLAIMED)
ADOPT = Adopt(JOB, "holiday")


def test_a_claim_starts_the_job_and_adopts_its_worker():
    decision = decide({}, queued(), entry=CLAIMED, worker_job=worker_job())

    status = status_of(decision)
    assert status.phase is Phase.RUNNING
    assert status.stage is Stage.INITIALIZING
    assert status.started_at == after(-10)
    assert (status.worker, status.job and status.job.name) == (WORKER, JOB)
    assert [(c.type, c.reason) for c in status.conditions] == [
        ("Accepted", "Accepted"),
        ("Admitted", "Claimed"),
        ("Started", "Started"),
    ]
    assert decision.before == (ADOPT,)
    assert events(decision) == [("Normal", "Started")]


def test_what_the_worker_says_meanwhile_is_in_the_same_write():
    claimed = entry(EntryState.CLAIMED, progress=progress(12.9, Stage.FETCHING))

    status = status_of(decide({}, queued(), entry=claimed, memory=Memory(patched_at=NOW)))

    assert (status.progress, status.stage) == (12, Stage.FETCHING)


def test_a_job_that_waited_and_started_between_two_looks_shows_both_with_their_times():
    decision = decide({}, {}, entry=CLAIMED)

    status = status_of(decision)
    assert status.phase is Phase.RUNNING
    assert (status.queued_at, status.started_at) == (after(-20), after(-10))
    times = {c.type.value: c.last_transition_time for c in status.conditions}
    assert times == {"Accepted": NOW, "Admitted": after(-20), "Started": after(-10)}
    assert events(decision) == [("Normal", "Queued"), ("Normal", "Started")]


@pytest.mark.parametrize("ahead_s", [-3600, 0, 3600])
def test_times_are_of_one_clock_though_that_of_redis_is_another(ahead_s):
    times = {"queued_at": after(ahead_s - 20), "claimed_at": after(ahead_s - 10), "read_at": after(ahead_s)}

    status = status_of(decide({"deadline": "60s"}, {}, entry=entry(EntryState.CLAIMED, **times)))

    assert (status.queued_at, status.started_at, status.deadline_at) == (after(-20), after(-10), after(50))


def test_a_job_that_also_ended_between_two_looks_is_written_once():
    decision = decide({}, {}, entry=finished(), worker_job=worker_job())

    assert status_of(decision).phase is Phase.SUCCEEDED
    assert [reason for _, reason in events(decision)] == ["Queued", "Started", "Succeeded"]
    assert decision.before == (ADOPT,)


def test_a_job_is_adopted_at_the_start_even_if_the_watch_has_not_shown_it():
    assert decide({}, queued(), entry=CLAIMED).before == (ADOPT,)
    assert decide({}, running(), entry=CLAIMED).before == ()


def test_an_adoption_that_was_lost_is_made_up_for():
    assert decide({}, running(), entry=CLAIMED, worker_job=worker_job()).before == (ADOPT,)
    assert decide({}, running(), entry=CLAIMED, worker_job=worker_job(owner_uid=UID)).before == ()


def test_another_worker_that_has_the_attempt_takes_the_place_of_the_first():
    other = entry(EntryState.CLAIMED, worker="default-2-xyz", job="default-2", claimed_at=after(-1))

    decision = decide({}, running(progress=40), entry=other)

    status = status_of(decision)
    assert (status.worker, status.job and status.job.name) == ("default-2-xyz", "default-2")
    assert status.started_at == after(-1)
    assert status.progress == 40
    assert status.attempts == 1
    assert decision.before == (Adopt("default-2", "holiday"),)


def test_an_older_attempt_in_the_queue_is_not_taken_for_this_one():
    status = queued(attempts=2, interruptions=1)

    decision = decide({}, status, entry=entry(EntryState.CLAIMED, attempt=1))

    assert decision.status is None
    assert [type(action).__name__ for action in decision.before] == ["Enqueue"]
