from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType
from videojob_contract.resources.videoschedule import VideoScheduleStatus
from videojob_contract.validation import parse_videoschedule
from videojob_operator.decide import conditions
from videojob_operator.decide.schedule import LONGEST_WAIT_S, decide_schedule
from videojob_operator.decide.types import (
    DeleteVideoJob,
    FinishedVideoJob,
    Refusal,
    ScheduleDecision,
    ScheduleObservation,
)

CREATED = datetime(2026, 5, 1, 5, tzinfo=UTC)
SIX = datetime(2026, 5, 1, 6, tzinfo=UTC)
NAME = f"news-{int(SIX.timestamp()) // 60}"


def decide(now: datetime = SIX, status: VideoScheduleStatus | None = None, **fields: Any) -> ScheduleDecision:
    spec = {"schedule": "0 6 * * *", "template": {"spec": {"clips": [{"color": "#203040", "duration": "1s"}]}}}
    spec |= fields.pop("spec", {})
    return decide_schedule(
        ScheduleObservation(
            schedule=parse_videoschedule({"metadata": {"name": "news"}, "spec": spec}),
            status=status or VideoScheduleStatus(),
            generation=1,
            created_at=CREATED,
            now=now,
            **fields,
        )
    )


def made(decision: ScheduleDecision) -> str | None:
    return None if decision.create is None else decision.create["metadata"]["name"]


def after(decision: ScheduleDecision) -> VideoScheduleStatus:
    assert decision.status is not None
    return decision.status


def ready(decision: ScheduleDecision) -> tuple[str, str]:
    condition = conditions.find(after(decision).conditions, ConditionType.READY)
    assert condition is not None
    return condition.reason, condition.message


def job(name: str, at: datetime = SIX, *, untold: bool = False) -> FinishedVideoJob:
    return FinishedVideoJob(name, f"uid-{name}", at, untold)


def test_before_its_time_nothing_is_made_and_the_next_look_is_at_that_time():
    decision = decide(SIX - timedelta(minutes=10))

    assert made(decision) is None
    assert decision.requeue_after_s == 600
    assert after(decision).next_schedule_time == SIX
    assert after(decision).last_schedule_time is None


def test_at_its_time_one_is_made_and_once():
    decision = decide()
    assert made(decision) == NAME
    assert after(decision).last_schedule_time == SIX
    assert ready(decision) == (Reason.READY, "")

    assert made(decide(SIX + timedelta(seconds=5), after(decision))) is None


def test_a_crash_before_the_status_is_written_makes_the_same_one_again():
    assert made(decide(SIX + timedelta(minutes=7))) == NAME


def test_after_days_without_an_operator_only_the_last_is_made_up_for():
    decision = decide(SIX + timedelta(days=10, hours=3))
    assert after(decision).last_schedule_time == SIX + timedelta(days=10)
    assert made(decide(SIX + timedelta(days=10, hours=4), after(decision))) is None


def test_one_that_comes_too_late_is_not_made_and_told_of_until_the_next_is():
    deadline = {"startingDeadline": "10m"}
    in_time = decide(SIX + timedelta(minutes=10), spec=deadline)
    assert made(in_time) == NAME

    late = decide(SIX + timedelta(minutes=11), spec=deadline)
    assert made(late) is None
    assert ready(late)[0] == Reason.MISSED
    assert [(event.type, event.reason) for event in late.events] == [("Warning", Reason.MISSED)]

    later = decide(SIX + timedelta(hours=2), after(late), spec=deadline)
    assert (later.create, later.events) == (None, ())
    assert later.status is None or ready(later)[0] == Reason.MISSED
    tomorrow = decide(SIX + timedelta(days=1), after(late), spec=deadline)
    assert ready(tomorrow)[0] == Reason.READY


def test_forbidden_beside_another_it_waits_for_that_and_no_longer_than_the_deadline():
    forbid = {"concurrencyPolicy": "Forbid", "startingDeadline": "1h"}
    active = (DeleteVideoJob("uid", "news-1"),)
    held = decide(spec=forbid, active=active)

    assert made(held) is None
    assert ready(held) == (Reason.STILL_ACTIVE, "that of 2026-05-01T06:00+00:00 is made when news-1 has finished")
    assert after(held).active == ["news-1"]
    assert held.requeue_after_s == 3600

    assert made(decide(SIX + timedelta(minutes=30), after(held), spec=forbid)) == NAME
    too_late = decide(SIX + timedelta(hours=1, seconds=1), after(held), spec=forbid, active=active)
    assert ready(too_late)[0] == Reason.MISSED


def test_allowed_beside_another_it_is_made():
    assert made(decide(active=(DeleteVideoJob("uid", "news-1"),))) == NAME


def test_in_place_of_another_that_is_deleted():
    replace, others = {"concurrencyPolicy": "Replace"}, (DeleteVideoJob("uid", "news-1"),)
    decision = decide(spec=replace, active=others)
    assert made(decision) == NAME
    assert decision.delete == others

    # But not what a run that crashed has made for this very time.
    again = decide(spec=replace, active=(*others, DeleteVideoJob("uid-2", NAME)))
    assert again.delete == others


@pytest.mark.parametrize("policy", ["Allow", "Forbid", "Replace"])
@pytest.mark.parametrize(
    "found", [{"active": (DeleteVideoJob("uid", NAME),)}, {"finished": {"succeeded": [job(NAME)]}}]
)
def test_what_was_made_before_a_crash_is_written_down_and_neither_waited_for_nor_made_again(policy, found):
    decision = decide(
        SIX + timedelta(minutes=1), spec={"concurrencyPolicy": policy, "history": {"succeeded": 0}}, **found
    )
    assert (made(decision), decision.delete) == (None, ())
    assert after(decision).last_schedule_time == SIX
    assert ready(decision)[0] == Reason.READY


def test_what_the_api_server_refuses_is_told_and_tried_again_until_the_deadline():
    spec = {"startingDeadline": "10m"}
    refused = decide(create_refused="exceeded quota: videojobs", spec=spec)
    assert made(refused) is None
    assert ready(refused) == (
        Reason.FAILED_CREATE,
        "that of 2026-05-01T06:00+00:00 cannot be made: exceeded quota: videojobs",
    )
    assert [(event.type, event.reason) for event in refused.events] == [("Warning", Reason.FAILED_CREATE)]
    assert decide(create_refused="exceeded quota: videojobs", status=after(refused), spec=spec).events == ()

    assert made(decide(SIX + timedelta(minutes=1), after(refused), spec=spec)) == NAME
    late = decide(SIX + timedelta(minutes=11), after(refused), spec=spec, create_refused="exceeded quota")
    assert ready(late)[0] == Reason.MISSED


def test_a_clock_that_was_ahead_and_is_put_right_keeps_the_next_from_nothing():
    ahead = VideoScheduleStatus(last_schedule_time=SIX + timedelta(days=400))
    right = decide(SIX + timedelta(hours=1), ahead)
    assert made(right) is None
    assert after(right).last_schedule_time == SIX
    assert made(decide(SIX + timedelta(days=1), after(right))) is not None
    # One that is a little ahead of another waits for its time alone.
    assert made(decide(SIX - timedelta(seconds=5), VideoScheduleStatus(last_schedule_time=SIX))) is None
    assert made(decide(SIX, VideoScheduleStatus(last_schedule_time=SIX))) is None


def test_one_that_is_being_deleted_makes_none_and_is_left_as_it_is():
    decision = decide(deleting=True, active=(DeleteVideoJob("uid", "news-1"),), finished={"succeeded": [job("a")] * 9})
    assert decision == ScheduleDecision(None)


def test_a_deadline_is_as_long_when_the_clock_is_changed_meanwhile():
    # At 02:00 it is 03:00.
    spec = {"schedule": "30 1 * * *", "timeZone": "Europe/Berlin", "startingDeadline": "2h"}
    due = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    early = VideoScheduleStatus(last_schedule_time=due - timedelta(days=1))
    assert made(decide(due + timedelta(minutes=119), early, spec=spec))
    assert made(decide(due + timedelta(minutes=121), early, spec=spec)) is None


@pytest.mark.parametrize("expression", ["30 2 * * *", "*/20 * * * *", "0 * * * *"])
def test_in_the_hour_that_comes_twice_the_next_look_is_not_at_once(expression):
    now = datetime(2026, 10, 25, 1, 5, tzinfo=UTC)  # 02:05 in Berlin, for the second time
    decision = decide(now, spec={"schedule": expression, "timeZone": "Europe/Berlin"})
    assert decision.requeue_after_s is not None
    assert decision.requeue_after_s >= 15 * 60
    settled = decide(now, after(decision), spec={"schedule": expression, "timeZone": "Europe/Berlin"})
    assert (settled.status, settled.create) == (None, None)


def test_suspended_it_makes_none_and_then_the_last_that_it_would_have_made():
    suspended = decide(SIX + timedelta(days=3), spec={"suspend": True})
    assert made(suspended) is None
    assert ready(suspended)[0] == Reason.SUSPENDED
    assert after(suspended).next_schedule_time is None
    assert suspended.requeue_after_s is None
    assert made(decide(SIX + timedelta(days=3, hours=1), after(suspended)))


def test_a_name_that_is_anothers_is_left_to_it_and_told():
    decision = decide(name_taken=True)
    assert made(decision) is None
    assert ready(decision) == (
        Reason.NAME_TAKEN,
        f"no VideoJob was made for 2026-05-01T06:00+00:00: {NAME} is there, and is none of this VideoSchedule",
    )
    assert after(decision).last_schedule_time == SIX
    assert made(decide(SIX + timedelta(days=1), after(decision)))


def test_the_oldest_finished_ones_go_and_the_last_success_is_noted():
    finished = {
        "succeeded": [job(f"news-{n}", SIX - timedelta(days=n)) for n in range(1, 6)],
        "failed": [job("bad-1", SIX - timedelta(days=9)), job("bad-2", SIX - timedelta(days=8), untold=True)],
    }
    decision = decide(finished=finished)
    assert [each.name for each in decision.delete] == ["news-5", "news-4", "bad-1"]
    assert after(decision).last_successful_time == SIX - timedelta(days=1)

    decision = decide(finished=finished, spec={"history": {"succeeded": 0}})
    assert len(decision.delete) == 5
    assert decide(SIX, after(decision)).status is None  # it stays, though those that succeeded are gone


def test_a_schedule_that_is_refused_says_why_and_makes_none():
    observation = ScheduleObservation(
        schedule=None,
        status=VideoScheduleStatus(),
        generation=2,
        created_at=CREATED,
        now=SIX,
        refusal=Refusal(Reason.INVALID_SPEC, "spec.schedule: cannot be read"),
    )
    decision = decide_schedule(observation)
    assert made(decision) is None
    assert ready(decision) == (Reason.INVALID_SPEC, "spec.schedule: cannot be read")
    assert [event.type for event in decision.events] == ["Warning"]
    assert after(decision).observed_generation == 2


def test_a_next_time_that_is_far_off_is_looked_at_again_before():
    assert decide(SIX, spec={"schedule": "0 0 29 2 *"}).requeue_after_s == LONGEST_WAIT_S


@pytest.mark.parametrize("spec", [{}, {"suspend": True}, {"concurrencyPolicy": "Forbid"}, {"startingDeadline": "1s"}])
@pytest.mark.parametrize("minutes", [-30, 0, 1, 60, 3000])
def test_it_comes_to_rest(spec, minutes):
    now, active = SIX + timedelta(minutes=minutes), (DeleteVideoJob("uid", "news-1"),)
    first = decide(now, spec=spec, active=active)
    second = decide(now, after(first), spec=spec, active=active)
    assert (second.status, second.create, second.events, second.delete) == (None, None, (), ())
