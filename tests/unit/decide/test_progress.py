from datetime import timedelta

import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    decide,
    entry,
    progress,
    queued,
    running,
    status_of,
    worker_job,
)
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Stage, VideoJobStatus
from videojob_operator.decide.types import Decision, Memory

OURS = worker_job(owner_uid=UID)


def canvas(status: VideoJobStatus, percent: float, at: float, memory: Memory, **fields) -> Decision:
    claimed = entry(EntryState.CLAIMED, progress=progress(percent, message=f"{percent}", eta_s=5))
    return decide({}, status, entry=claimed, now=after(at), memory=memory, worker_job=OURS, **fields)


def test_a_render_of_ten_seconds_costs_at_most_three_writes():
    start = decide({}, queued(), entry=entry(EntryState.CLAIMED))
    status, memory, writes = status_of(start), start.memory, 0
    for tenth in range(1, 100):
        decision = canvas(status, tenth, tenth / 10, memory)
        writes += decision.status is not None
        status, memory = decision.status or status, decision.memory
    assert writes == 3
    assert status.progress == 90


def test_the_interval_is_the_callers():
    memory = Memory(patched_at=NOW)

    assert canvas(running(), 50, 29, memory, patch_interval_s=30).status is None
    assert canvas(running(), 50, 30, memory, patch_interval_s=30).status is not None


def test_it_is_looked_at_again_when_the_next_write_is_due():
    assert canvas(running(), 50, 1, Memory(patched_at=NOW)).requeue_after_s == 2


def test_after_a_restart_it_is_written_at_once():
    status = status_of(canvas(running(), 50, 1, Memory()))

    assert (status.progress, status.stage, status.message) == (50, Stage.RENDERING, "50")
    assert status.eta == after(6)


def test_it_never_goes_back_within_an_attempt():
    assert status_of(canvas(running(progress=70), 20, 60, Memory())).progress == 70


def test_only_what_has_succeeded_is_at_a_hundred():
    assert status_of(canvas(running(), 100, 60, Memory())).progress == 99


def test_nothing_new_is_nothing_to_write():
    first = canvas(running(), 50, 60, Memory())

    assert canvas(status_of(first), 50, 60, Memory()).status is None


@pytest.mark.parametrize(("position", "interval_s"), [(0, 10), (9, 10), (500, 500)])
def test_the_place_in_the_queue_is_told_the_more_rarely_the_further_back(position, interval_s):
    waiting = entry(EntryState.QUEUED, position=position)
    memory = Memory(patched_at=NOW)

    early = decide({}, queued(), entry=waiting, memory=memory, now=after(interval_s - 1))
    assert (early.status, early.requeue_after_s) == (None, 1)

    due = decide({}, queued(), entry=waiting, memory=memory, now=after(interval_s))
    assert status_of(due).queue_position == position
    assert due.memory.patched_at == NOW + timedelta(seconds=interval_s)
