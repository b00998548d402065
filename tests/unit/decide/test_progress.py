from datetime import timedelta
from heapq import heapify, heappop, heappush

import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    decide,
    entry,
    observe,
    pool_spec,
    progress,
    queued,
    running,
    status_of,
    worker_job,
)
from videojob_contract.queue.types import EntryState, LimitReached
from videojob_contract.resources.status import Stage, VideoJobStatus
from videojob_operator.decide.backlog import Backlog, Load, rounded_up
from videojob_operator.decide.budget import POSITION_INTERVAL_S
from videojob_operator.decide.progress import placed_at
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

    crowded = decide({}, queued(), entry=waiting, memory=memory, now=after(interval_s), spacing=3)
    assert (crowded.status, crowded.requeue_after_s) == (None, 2 * interval_s)
    assert due.memory.patched_at == NOW + timedelta(seconds=interval_s)


WAITS = entry(EntryState.QUEUED, position=4)
BACKLOG = Backlog({"default": Load(10, 100.0)}, length_s=12.0)
"""Ten of ten seconds wait for ten workers, and two seconds are left of what runs."""


def expected(**fields) -> VideoJobStatus:
    return status_of(decide({}, queued(), **({"entry": WAITS, "backlog": BACKLOG} | fields)))


def test_what_waits_says_when_it_should_be_done():
    predicted = queued().predicted
    assert predicted is not None
    # Four of ten seconds are before it, for ten workers.
    assert expected().eta == after(int(2 + 4 + predicted.seconds))


def test_what_was_enqueued_just_now_says_its_place_and_its_end():
    observed = observe({}, queued(), backlog=BACKLOG)
    told = placed_at(observed, queued(), 14)
    assert (told.queue_position, told.eta) == (15, expected(entry=entry(EntryState.QUEUED, position=14)).eta)


@pytest.mark.parametrize(
    "fields",
    [
        {"pool": pool_spec(maxWorkers=0)},
        {"backlog": None},
        {"backlog": Backlog()},
        {"entry": entry(EntryState.QUEUED, waits_for=LimitReached("user", 1, 1))},
    ],
)
def test_of_what_nobody_knows_no_end_is_said(fields):
    assert expected(**fields).eta is None


def test_an_end_is_told_anew_when_it_is_off_by_seconds_and_by_a_tenth():
    told = expected()
    near = Backlog(BACKLOG.loads, length_s=20.0)
    later = {"entry": WAITS, "now": after(60), "memory": Memory(patched_at=NOW)}
    moved = told.model_copy(update={"eta": told.eta + timedelta(seconds=60)})
    assert decide({}, moved, **later, backlog=near).status is None
    far = Backlog(BACKLOG.loads, length_s=60.0)
    assert status_of(decide({}, moved, **later, backlog=far)).eta > moved.eta


def test_what_runs_ends_as_predicted_until_its_worker_says_more():
    started = running()
    assert started.predicted is not None
    assert started.eta == (started.started_at + timedelta(seconds=started.predicted.seconds)).replace(microsecond=0)
    said = status_of(canvas(started, 50, 60, Memory()))
    assert said.eta == after(65)


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (7, 7), (10, 10), (11, 15), (95, 95), (96, 100), (101, 150)])
def test_a_place_is_exact_to_ten_and_coarser_beyond(count, shown):
    assert expected(entry=entry(EntryState.QUEUED, position=count)).queue_position == shown


def test_a_queue_of_ten_thousand_is_told_in_few_writes():
    """As many as the budget allows, while one a second is rendered."""
    writes, looks, seconds = 0, [(0.0, place) for place in range(10_000)], 60.0
    told = dict.fromkeys(range(10_000), -1)
    heapify(looks)
    while looks and looks[0][0] < seconds:
        at, job = heappop(looks)
        place = max(0, job - int(at))
        writes += at > 0 and told[job] != rounded_up(place)
        told[job] = rounded_up(place)
        heappush(looks, (at + max(POSITION_INTERVAL_S, place), job))
    assert writes / seconds < 10


@pytest.mark.parametrize(("waiting", "interval_s"), [(0, 10), (5, 10), (300, 300)])
def test_what_was_just_queued_is_looked_at_again_without_being_told(waiting, interval_s):
    backlog = Backlog({"default": Load(waiting, 1.0)} if waiting else {}, length_s=1.0)
    assert decide(backlog=backlog).requeue_after_s == interval_s
    away = decide({}, queued(), queue_known=False, backlog=backlog)
    assert away.requeue_after_s is None  # all are looked at once it is back
