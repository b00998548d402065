import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    decide,
    entry,
    events,
    pool_spec,
    queued,
    status_of,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import ConditionType, Phase, VideoJobStatus
from videojob_operator.decide.conditions import find
from videojob_operator.decide.types import EmitEvent, Enqueue, Refusal, Withdraw

LATER = {"startAt": "2026-01-01T12:01:00Z"}


def admitted(status: VideoJobStatus) -> tuple[str, str]:
    condition = find(status.conditions, ConditionType.ADMITTED)
    assert condition is not None
    return condition.status, condition.reason


@pytest.mark.parametrize(
    ("spec", "fields", "reason", "kind"),
    [
        ({"suspend": True}, {}, Reason.SUSPENDED, "Normal"),
        ({}, {"metadata": {"annotations": {"videojob.dev/restored": "true"}}}, Reason.RESTORED, "Normal"),
        (LATER, {}, Reason.WAITING_FOR_START, "Normal"),
        ({}, {"pool": None}, Reason.WAITING_FOR_POOL, "Warning"),
        ({"queue": "urgent"}, {}, Reason.WAITING_FOR_QUEUE, "Warning"),
        ({}, {"queue_known": False}, Reason.WAITING_FOR_QUEUE, "Warning"),
        ({}, {"queue_full": True}, Reason.QUEUE_FULL, "Warning"),
    ],
)
def test_a_job_is_held_back_and_says_why_once(spec, fields, reason, kind):
    decision = decide(spec, **fields)

    status = status_of(decision)
    assert status.phase is Phase.PENDING
    assert status.message
    assert status.attempts == 0
    assert admitted(status) == ("False", reason)
    assert events(decision) == [(kind, reason)]
    assert decision.before == ()

    again = decide(spec, status, **fields)
    assert (again.status, again.before, again.after) == (None, (), ())


def test_what_waits_by_other_terms_of_its_pool_is_enqueued_again_in_its_place():
    waits = entry(EntryState.QUEUED, terms="old")
    assert decide(status=queued(), entry=waits, terms="old").before == ()

    decision = decide(status=queued(), entry=waits, terms="new")

    (enqueue,) = decision.before
    assert isinstance(enqueue, Enqueue)
    assert (enqueue.assignment.terms, enqueue.assignment.attempt) == ("new", 1)
    assert (status_of(decision).phase, status_of(decision).attempts) == (Phase.QUEUED, 1)


def test_what_the_pool_does_not_allow_any_more_is_refused_while_it_waits():
    output = {"name": "main", "format": "mp4", "uri": "volume://media/a.mp4"}
    read_only = pool_spec(volumes=[{"name": "media", "readOnly": True, "source": {"emptyDir": {}}}])

    decision = decide({"outputs": [output]}, queued(), entry=entry(EntryState.QUEUED), terms="new", pool=read_only)

    assert status_of(decision).phase is Phase.FAILED


def test_an_output_where_another_writes_is_refused_with_what_to_do():
    place = "volume://media/out/team/holiday/main.mp4"

    decision = decide(held_outputs={place: "other"})

    failure = status_of(decision).failure
    assert failure is not None
    assert failure.reason is Reason.OUTPUT_FORBIDDEN
    told = (
        f'spec.outputs[0].uri: {place} goes where VideoJob "other" writes, too: wait for that, or set overwrite: true'
    )
    assert failure.message == told
    assert decision.before == ()


def test_a_missing_queue_is_told_with_those_that_there_are():
    message = status_of(decide({"queue": "urgent"})).message

    assert message.startswith('pool "default" has no queue "urgent"; it has high, default, low; it waits until')


def test_a_job_that_starts_later_is_looked_at_then():
    decision = decide(LATER)

    assert decision.requeue_after_s == 60
    assert status_of(decision).message == "starts at 2026-01-01T12:01:00Z"
    assert status_of(decide(LATER, status_of(decision), now=after(60))).phase is Phase.QUEUED


def test_the_users_own_wish_is_told_first():
    assert admitted(status_of(decide({"suspend": True} | LATER, pool=None)))[1] == Reason.SUSPENDED


@pytest.mark.parametrize("spec", [{"suspend": True}, LATER])
def test_a_queued_job_is_taken_out_of_its_queue_and_comes_back_as_the_same_attempt(spec):
    held = decide(spec, queued(), entry=entry(EntryState.QUEUED))

    assert held.before == (Withdraw(UID, 1),)
    assert status_of(held).phase is Phase.PENDING
    assert status_of(held).attempts == 0

    [back] = decide({}, status_of(held)).before
    assert isinstance(back, Enqueue)
    assert back.assignment.attempt == 1


def test_a_queued_job_that_the_queue_lost_is_enqueued_again_as_the_same_attempt_without_a_write():
    decision = decide({}, queued())

    [enqueue] = decision.before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.attempt == 1
    assert decision.status is None
    assert decision.after == ()


def test_while_the_queue_is_out_of_sight_a_queued_job_stays():
    decision = decide({}, queued(), queue_known=False)

    assert (decision.status, decision.before, decision.after) == (None, (), ())


def test_a_job_changes_queues():
    spec, two = {"queue": "high"}, {"metadata": {"generation": 2}}
    decision = decide(spec, queued(), entry=entry(EntryState.QUEUED), **two)

    [enqueue] = decision.before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.queue == "high"

    moved = decide(spec, status_of(decision), entry=entry(EntryState.QUEUED, queue="high"), **two)
    assert moved.before == ()


def test_the_time_since_when_it_waits_is_its_place_and_is_written():
    decision = decide()
    [enqueue] = decision.before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.since == status_of(decision).queued_at == NOW

    [again] = decide({}, queued(), now=after(60)).before
    assert isinstance(again, Enqueue)
    assert again.since == NOW


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"queue": "high"}, ['attempt 1 waits in queue "high" now']),
        ({"user": "ann"}, ['attempt 1 waits for user "ann" now']),
        ({"priority": -7}, ["attempt 1 waits with priority -7 now"]),
        ({"queue": "low", "user": "ann"}, ['attempt 1 waits in queue "low", for user "ann" now']),
        ({"deadline": "1m"}, []),
    ],
)
def test_a_move_takes_effect_at_once_keeps_the_time_waited_and_is_one_event(spec, words):
    two = {"metadata": {"generation": 2}, "now": after(60)}
    moved = decide(spec, queued(), entry=entry(EntryState.QUEUED), **two)

    [enqueue] = moved.before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.since == status_of(moved).queued_at == NOW
    asked = (enqueue.queue, enqueue.demand.user, enqueue.demand.priority)
    assert asked == (spec.get("queue", "default"), spec.get("user", ""), spec.get("priority", 0))
    assert [action.message for action in moved.after if isinstance(action, EmitEvent)] == words
    assert status_of(moved).message == (words or [queued().message])[0]

    there = entry(EntryState.QUEUED, queue=asked[0], user=asked[1], priority=asked[2])
    again = decide(spec, status_of(moved), entry=there, **two)
    assert (again.before, again.after) == ((), ())


@pytest.mark.parametrize(
    ("spec", "fields", "kept"),
    [
        ({"suspend": True}, {}, False),
        (LATER, {}, False),
        ({}, {"pool": None}, True),
        ({}, {"queue_full": True}, True),
        ({"queue": "urgent"}, {}, True),
    ],
)
def test_only_who_wishes_to_wait_longer_gives_up_its_place(spec, fields, kept):
    assert status_of(decide(spec, queued(), **fields)).queued_at == (NOW if kept else None)


def test_a_write_that_was_lost_after_enqueueing_is_made_up_for():
    decision = decide({}, {}, entry=entry(EntryState.QUEUED))

    assert status_of(decision).phase is Phase.QUEUED
    assert len(decision.before) == 1  # enqueueing again does nothing
    assert status_of(decision).queued_at == after(-20)  # where it is by then


def test_a_pool_that_went_away_is_waited_for():
    decision = decide({}, queued(), pool=None, queue_known=False)

    assert status_of(decision).phase is Phase.PENDING
    assert admitted(status_of(decision))[1] == Reason.WAITING_FOR_POOL
    assert status_of(decide({}, status_of(decision), pool=pool_spec())).attempts == 1


def test_what_waits_in_a_full_queue_stays_there():
    decision = decide({}, queued(), entry=entry(EntryState.QUEUED), queue_full=True)

    assert (status_of(decision).phase, decision.before, decision.after) == (Phase.QUEUED, (), ())


def test_what_a_full_queue_lost_is_held_back_and_queued_as_the_same_attempt_when_there_is_room():
    held = status_of(decide({}, queued(), queue_full=True))

    assert (held.phase, held.attempts) == (Phase.PENDING, 0)
    [back] = decide({}, held).before
    assert isinstance(back, Enqueue)
    assert back.assignment.attempt == 1


def test_a_changed_spec_that_a_full_queue_does_not_take_does_not_run_as_it_was():
    decision = decide({}, queued(), entry=entry(EntryState.QUEUED), queue_full=True, metadata={"generation": 2})

    assert decision.before == (Withdraw(UID, 1),)
    assert admitted(status_of(decision)) == ("False", Reason.QUEUE_FULL)


def test_while_the_queue_is_being_connected_to_nothing_is_said_of_it():
    decision = decide({}, queue_known=False, queue_connecting=True)

    assert (decision.status, decision.before, decision.after) == (None, (), ())
    assert decision.requeue_after_s == 1


@pytest.mark.parametrize("spec", [{"suspend": True}, LATER, {"cancel": True}, {"clips": []}, {"queue": "urgent"}])
def test_what_needs_no_queue_is_said_while_it_is_being_connected_to(spec):
    connecting = status_of(decide(spec, queue_known=False, queue_connecting=True))

    assert connecting == status_of(decide(spec))


def message(decision):
    return status_of(decision).message


def test_a_pool_that_is_not_there_is_told_with_those_that_are():
    assert message(decide(pool=None)).startswith('the namespace has no RenderPool "default"; it has none; ')
    assert message(decide(pool=None, other_pools=("a", "b"))).startswith(
        'the namespace has no RenderPool "default"; it has a, b; '
    )
    many = tuple(f"pool-{number}" for number in range(1000))
    assert message(decide(pool=None, other_pools=many)).partition("; it waits")[0].endswith("pool-9, …")


def test_a_pool_that_was_refused_is_told_with_why():
    refusal = Refusal(Reason.INVALID_SPEC, "spec.maxWorkers: too few")

    assert "was refused: spec.maxWorkers: too few" in message(decide(pool=None, pool_refusal=refusal))


def test_the_reason_stands_beside_the_message():
    assert status_of(decide(pool=None)).reason is Reason.WAITING_FOR_POOL
    assert status_of(decide()).reason is None


@pytest.mark.parametrize(("held", "pool"), [({"suspend": True}, True), (LATER, True), ({"suspend": True}, False)])
def test_what_is_held_back_is_predicted_as_well_once_its_pool_is_known(held, pool):
    status = status_of(decide(held) if pool else decide(held, pool=None))
    assert status.predicted == (queued().predicted if pool else None)
