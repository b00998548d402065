"""What a job is told that waits in its queue."""

from typing import Any

import pytest

from tests.unit.decide.build import after, decide, entry, pool_spec, queued, status_of
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState, LimitReached
from videojob_contract.resources.status import Condition, ConditionStatus, ConditionType, VideoJobStatus
from videojob_operator.decide.conditions import find
from videojob_operator.decide.types import Decision, Memory
from videojob_operator.decide.waiting import INTERVAL_S, TELL_S
from videojob_operator.decide.waits import until

WAITS = entry(EntryState.QUEUED)


def ready(reason: Reason, message: str = "") -> Condition:
    status = ConditionStatus.TRUE if reason is Reason.READY else ConditionStatus.FALSE
    return Condition(
        type=ConditionType.READY, status=status, reason=reason, message=message, last_transition_time=after(0)
    )


NO_QUOTA = ready(Reason.WORKERS_NOT_STARTING, "worker default-1 has no pod: exceeded quota")


def look(status: VideoJobStatus, at: float, pool_ready: Condition, **fields: Any) -> Decision:
    memory = fields.pop("memory", Memory(patched_at=after(at)))
    return decide({}, status, entry=WAITS, now=after(at), pool_ready=pool_ready, memory=memory, **fields)


def started(status: VideoJobStatus) -> tuple[str, str, str]:
    condition = find(status.conditions, ConditionType.STARTED)
    assert condition is not None
    return condition.status, condition.reason, condition.message


def test_a_pool_in_trouble_is_told_of_after_a_moment():
    early = look(queued(), TELL_S - 1, NO_QUOTA)
    assert early.status is None
    assert early.requeue_after_s == 1

    told = status_of(look(queued(), TELL_S, NO_QUOTA))
    words = until(NO_QUOTA.reason, NO_QUOTA.message)
    assert (told.phase, told.reason, told.message) == ("Queued", NO_QUOTA.reason, words)
    assert started(told) == ("False", NO_QUOTA.reason, words)


@pytest.mark.parametrize("quiet", [ready(Reason.READY), ready(Reason.WORKERS_STARTING, "no worker has registered yet")])
def test_a_worker_that_only_starts_is_not_worth_a_word(quiet):
    assert look(queued(), 60, quiet).status is None


def test_the_end_of_the_trouble_is_told_at_once():
    told = status_of(look(queued(), TELL_S, NO_QUOTA))

    over = status_of(look(told, TELL_S + 1, ready(Reason.READY)))
    assert (over.reason, over.message) == (None, queued().message)
    assert started(over) == ("False", Reason.QUEUED, queued().message)


def test_the_same_trouble_in_other_words_is_written_within_the_budget():
    told = look(queued(), TELL_S, NO_QUOTA)
    other = ready(Reason.WORKERS_NOT_STARTING, "worker default-2: ImagePullBackOff")

    early = look(status_of(told), TELL_S + 1, other, memory=told.memory)
    assert early.status is None
    assert early.requeue_after_s == INTERVAL_S - 1
    late = look(status_of(told), TELL_S + INTERVAL_S, other, memory=told.memory)
    assert status_of(late).message == until(other.reason, other.message)


def test_another_trouble_is_told_at_once():
    told = look(queued(), TELL_S, NO_QUOTA)
    away = ready(Reason.QUEUE_UNAVAILABLE, "the queue cannot be reached")

    decision = look(status_of(told), TELL_S + 1, away, memory=told.memory)
    assert status_of(decision).reason is Reason.QUEUE_UNAVAILABLE


@pytest.mark.parametrize(
    ("spec", "busy", "words"),
    [({}, 10, "all 10 workers of its maxWorkers render"), ({"maxWorkers": 0}, 0, "makes no worker")],
)
def test_a_pool_at_its_maximum_is_told_of_with_the_place_in_the_queue(spec, busy, words):
    fields = {"pool": pool_spec(**spec), "pool_busy": busy}
    memory = Memory(patched_at=after(0))

    early = look(queued(), 9, ready(Reason.READY), memory=memory, **fields)
    assert early.status is None

    told = status_of(look(queued(), 10, ready(Reason.READY), memory=memory, **fields))
    assert (told.reason, told.queue_position) == (Reason.POOL_AT_MAXIMUM, 0)
    assert words in told.message
    assert started(told) == ("False", told.reason, told.message)

    room = status_of(look(told, 30, ready(Reason.READY), memory=memory, pool_busy=1))
    assert (room.reason, room.message) == (None, queued().message)


@pytest.mark.parametrize(
    ("spec", "limit", "words"),
    [
        ({"user": "ann"}, LimitReached("user", 3, 3), 'limit running of user "ann": 3 of 3 used'),
        ({}, LimitReached("user", 4, 3), "limit running of VideoJobs without a user: 4 of 3 used"),
        ({"project": "film"}, LimitReached("project", 1, 1), 'limit running of project "film": 1 of 1 used'),
        ({}, LimitReached("pool", 9, 9), 'limit running of pool "default": 9 of 9 used'),
    ],
)
def test_a_limit_that_is_reached_is_told_of_with_how_much_of_it_is_used(spec, limit, words):
    waits = entry(EntryState.QUEUED, user=spec.get("user", ""), waits_for=limit)
    fields = {"pool_ready": ready(Reason.READY), "pool_busy": 10, "memory": Memory(patched_at=after(0))}

    told = status_of(decide(spec, queued(), entry=waits, now=after(10), **fields))
    assert (told.reason, told.message) == (Reason.LIMIT_REACHED, until(Reason.LIMIT_REACHED, words))
    assert started(told) == ("False", told.reason, told.message)

    room = entry(EntryState.QUEUED, user=spec.get("user", ""))
    after_it = status_of(decide(spec, told, entry=room, now=after(30), **(fields | {"pool_busy": 1})))
    assert (after_it.reason, after_it.message) == (None, queued().message)


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"drain": True}, Reason.POOL_DRAINING, 'pool "default" drains; it waits until'),
        ({"queues": [{"name": "default", "stopped": True}]}, Reason.QUEUE_STOPPED, 'queue "default" of pool "default"'),
    ],
)
def test_what_keeps_a_queue_from_giving_anything_out_is_told_at_once_and_before_all_else(spec, reason, words):
    told = status_of(look(queued(), 0, NO_QUOTA, pool=pool_spec(**spec)))
    assert (told.phase, told.reason) == ("Queued", reason)
    assert words in told.message
    assert started(told) == ("False", reason, told.message)

    over = status_of(look(told, 1, ready(Reason.READY)))
    assert (over.reason, over.message) == (None, queued().message)
    assert over.queued_at == queued().queued_at


def test_another_queue_that_is_stopped_concerns_nobody_here():
    others = [{"name": "default"}, {"name": "low", "stopped": True}]
    assert look(queued(), 0, ready(Reason.READY), pool=pool_spec(queues=others)).status is None
