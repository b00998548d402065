"""Every wait has a reason of one closed list, which its condition, message and Event and the documentation know."""

import re
from pathlib import Path

import pytest

from tests.unit.decide.build import after, decide, entry, events, finished, pool_spec, queued, running, status_of
from tests.unit.decide.test_template import observe_from
from tests.unit.decide.test_waiting import ready
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState, LimitReached
from videojob_contract.resources.status import ConditionStatus, ConditionType, Phase
from videojob_operator.decide.conditions import find
from videojob_operator.decide.types import Decision, Memory, Refusal
from videojob_operator.decide.videojob import decide_videojob
from videojob_operator.decide.waits import UNTIL, reason_of, until

PAGE = Path("docs/state-machine.md")
IN_QUEUE = entry(EntryState.QUEUED)


def waits(reason: Reason) -> Decision:
    return decide({}, queued(), entry=IN_QUEUE, now=after(60), pool_ready=ready(reason, "worker default-1: no image"))


WAITING = {
    Reason.SUSPENDED: lambda: decide({"suspend": True}),
    Reason.RESTORED: lambda: decide(metadata={"annotations": {"videojob.dev/restored": "true"}}),
    Reason.WAITING_FOR_START: lambda: decide({"startAt": "2027-01-01T00:00:00Z"}),
    Reason.WAITING_FOR_TEMPLATE: lambda: decide_videojob(observe_from(None)),
    Reason.WAITING_FOR_POOL: lambda: decide(pool=None, pool_refusal=Refusal(Reason.INVALID_SPEC, "too few")),
    Reason.WAITING_FOR_QUEUE: lambda: decide({"queue": "urgent"}),
    Reason.QUEUE_FULL: lambda: decide(queue_full=True),
    Reason.BACKING_OFF: lambda: decide({}, running(), entry=finished("failed", reason="DiskFull")),
    Reason.QUEUED: decide,
    Reason.WORKERS_NOT_STARTING: lambda: waits(Reason.WORKERS_NOT_STARTING),
    Reason.QUEUE_UNAVAILABLE: lambda: waits(Reason.QUEUE_UNAVAILABLE),
    Reason.QUEUE_STOPPED: lambda: decide(
        {}, queued(), entry=IN_QUEUE, pool=pool_spec(queues=[{"name": "default", "stopped": True}])
    ),
    Reason.POOL_DRAINING: lambda: decide({}, queued(), entry=IN_QUEUE, pool=pool_spec(drain=True)),
    Reason.POOL_AT_MAXIMUM: lambda: decide({}, queued(), entry=IN_QUEUE, pool_busy=10),
    Reason.LIMIT_REACHED: lambda: decide(
        {}, queued(), entry=entry(EntryState.QUEUED, waits_for=LimitReached("pool", 9, 9))
    ),
}
SAY_WHEN = {Reason.WAITING_FOR_START, Reason.BACKING_OFF}
"""Whose messages have the time at which they end."""


def test_each_of_the_list_is_tried_here():
    assert WAITING.keys() == UNTIL.keys()


@pytest.mark.parametrize("reason", UNTIL)
def test_a_wait_is_told_in_one_condition_and_in_words_that_say_what_ends_it(reason):
    status = status_of(WAITING[reason]())

    assert reason_of(status.phase, status.reason) is reason
    started, admitted = (find(status.conditions, kind) for kind in (ConditionType.STARTED, ConditionType.ADMITTED))
    assert admitted is not None
    keeps = started if status.phase is Phase.QUEUED and started is not None else admitted
    assert (keeps.reason, keeps.message) == (reason, status.message)
    assert (admitted.status is ConditionStatus.TRUE) is (status.phase is Phase.QUEUED)
    if reason in SAY_WHEN:
        assert re.search(r"starts at 2027-|follows in 10 s", status.message)
    elif reason is not Reason.QUEUED:  # whose end is the wait's own: its place and its ETA say more
        assert status.message.endswith(f"; it waits until {UNTIL[reason]}")


@pytest.mark.parametrize("reason", sorted(UNTIL.keys() - {Reason.BACKING_OFF}))
def test_a_wait_is_one_event(reason):
    decision = WAITING[reason]()
    assert [told for _, told in events(decision)] == [reason]


def test_a_reason_that_comes_and_goes_is_one_event_a_wait():
    told, memory, status = [], Memory(), queued()
    for look, busy in enumerate([10, 3, 10, 3, 10]):
        decision = decide({}, status, entry=IN_QUEUE, pool_busy=busy, now=after(60 * look), memory=memory)
        told += events(decision)
        status, memory = status_of(decision), decision.memory
    assert told == [("Normal", Reason.POOL_AT_MAXIMUM)]

    held = decide({"suspend": True}, status, entry=IN_QUEUE, now=after(600), memory=memory)
    again = decide({}, status_of(held), now=after(700), memory=held.memory)
    later = decide({}, status_of(again), entry=IN_QUEUE, pool_busy=10, now=after(800), memory=again.memory)
    assert events(later) == [("Normal", Reason.POOL_AT_MAXIMUM)]


def test_words_are_cut_so_that_what_ends_the_wait_is_still_said():
    message = until(Reason.QUEUE_FULL, "x" * 5000)
    assert len(message) == 2048
    assert message.endswith("…; it waits until Redis has room")


def test_what_a_later_version_says_is_a_reason_of_the_list_all_the_same():
    assert reason_of(Phase.QUEUED, "MadeUp") is Reason.QUEUED
    assert reason_of(Phase.PENDING, "DiskFull") is Reason.WAITING_FOR_QUEUE
    assert reason_of(Phase.RUNNING, "Suspended") is None


def test_the_page_has_the_list():
    section = PAGE.read_text().partition("## Why it waits")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", section, re.MULTILINE)
    assert dict(rows) == {reason.value: words for reason, words in UNTIL.items()}


def test_a_pool_that_makes_no_worker_is_told_of_as_what_it_is():
    decision = decide({}, queued(), entry=IN_QUEUE, pool=pool_spec(maxWorkers=0))
    assert status_of(decision).message.startswith('pool "default" makes no worker: its maxWorkers is 0; it waits until')
