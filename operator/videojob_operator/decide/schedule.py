"""The decision on one VideoSchedule: whether a VideoJob is due, and what keeps it, as CronJob's controller decides.

Of the times that were missed only the last is made up for. The name of a VideoJob is made of its time, so that one is
made once, whatever crashes in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType
from videojob_contract.resources.videoschedule import ConcurrencyPolicy
from videojob_contract.semantics.schedules import last_due, next_due, videojob_of
from videojob_operator.decide import history
from videojob_operator.decide.conditions import find, with_condition
from videojob_operator.decide.types import EmitEvent, ScheduleDecision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from videojob_contract.resources.videoschedule import VideoSchedule, VideoScheduleStatus
    from videojob_operator.decide.types import DeleteVideoJob, FinishedVideoJob, ScheduleObservation

MOST_ACTIVE = 32
"""Names of active VideoJobs in a status."""
LONGEST_WAIT_S = 3600.0
"""How far ahead the next look is at most: a clock may be put right meanwhile."""


@dataclass(frozen=True, slots=True)
class _Hold:
    """Why no VideoJob is made for a time that has come."""

    reason: Reason
    message: str
    passed: bool = False
    """Whether that time is over and done with."""


def decide_schedule(observation: ScheduleObservation) -> ScheduleDecision:
    """Return what to do about a VideoSchedule, from any state and after any crash."""
    schedule, status = observation.schedule, observation.status
    status = _accepted(observation, status)
    if schedule is None:
        return ScheduleDecision(_changed(observation, status), events=_told(observation, status))
    status = status.model_copy(
        update={
            "active": [job.name for job in observation.active[:MOST_ACTIVE]],
            "last_successful_time": _last_success(observation.finished) or status.last_successful_time,
            "next_schedule_time": None if schedule.spec.suspend else next_due(schedule.spec, observation.now),
        }
    )
    delete: Sequence[DeleteVideoJob] = history.surplus(schedule.spec.history, observation.finished)
    create: Mapping[str, Any] | None = None
    due = _due(observation, schedule)
    hold = _hold(observation, schedule, due)
    if due is not None and hold is None:
        create = videojob_of(schedule, due)
        if schedule.spec.concurrency_policy is ConcurrencyPolicy.REPLACE:
            delete = [*delete, *(job for job in observation.active if job.name != create["metadata"]["name"])]
    if due is not None and (hold is None or hold.passed):
        status = status.model_copy(update={"last_schedule_time": due})
    status = _ready(observation, status, hold)
    return ScheduleDecision(
        _changed(observation, status),
        delete=tuple(delete),
        create=create,
        events=_told(observation, status),
        requeue_after_s=_wait_s(observation, status, schedule, due),
    )


def _due(observation: ScheduleObservation, schedule: VideoSchedule) -> datetime | None:
    """Return the last time that has come and for which nothing was made or decided."""
    due = last_due(schedule.spec, observation.now)
    since = observation.status.last_schedule_time or observation.created_at
    return due if due is not None and due > since else None


def _hold(observation: ScheduleObservation, schedule: VideoSchedule, due: datetime | None) -> _Hold | None:
    spec = schedule.spec
    if spec.suspend:
        return _Hold(Reason.SUSPENDED, "spec.suspend is true")
    if due is None:
        return None
    at = due.isoformat(timespec="minutes")
    deadline = spec.starting_deadline
    if deadline is not None and observation.now > due + timedelta(seconds=float(deadline)):
        return _Hold(Reason.MISSED, f"no VideoJob was made for {at}: it is more than startingDeadline ago", passed=True)
    if observation.taken and observation.taken == videojob_of(schedule, due)["metadata"]["name"]:
        message = f"no VideoJob was made for {at}: {observation.taken} is there, and is none of this VideoSchedule"
        return _Hold(Reason.NAME_TAKEN, message, passed=True)
    if spec.concurrency_policy is ConcurrencyPolicy.FORBID and observation.active:
        others = ", ".join(job.name for job in observation.active[:3])
        return _Hold(Reason.STILL_ACTIVE, f"that of {at} is made when {others} has finished")
    return None


def _accepted(observation: ScheduleObservation, status: VideoScheduleStatus) -> VideoScheduleStatus:
    refusal = observation.refusal
    conditions = with_condition(
        status.conditions,
        ConditionType.ACCEPTED,
        holds=refusal is None,
        reason=Reason.ACCEPTED if refusal is None else refusal.reason,
        message="" if refusal is None else refusal.message,
        at=observation.now,
        generation=observation.generation,
    )
    status = status.model_copy(update={"conditions": conditions, "observed_generation": observation.generation})
    if refusal is None:
        return status
    return _ready(observation, status, _Hold(refusal.reason, refusal.message)).model_copy(
        update={"next_schedule_time": None}
    )


def _ready(observation: ScheduleObservation, status: VideoScheduleStatus, hold: _Hold | None) -> VideoScheduleStatus:
    # What was missed is told until the next one is made.
    known = find(status.conditions, ConditionType.READY)
    is_new = status.last_schedule_time != observation.status.last_schedule_time
    if hold is None and not is_new and known is not None and known.reason in {Reason.MISSED, Reason.NAME_TAKEN}:
        return status
    conditions = with_condition(
        status.conditions,
        ConditionType.READY,
        holds=hold is None,
        reason=Reason.READY if hold is None else hold.reason,
        message="" if hold is None else hold.message,
        at=observation.now,
        generation=observation.generation,
    )
    return status.model_copy(update={"conditions": conditions})


_WARNED = {Reason.INVALID_SPEC, Reason.NOT_SUPPORTED, Reason.MISSED, Reason.NAME_TAKEN}


def _told(observation: ScheduleObservation, status: VideoScheduleStatus) -> tuple[EmitEvent, ...]:
    """Return the Event of a change of the condition Ready to something that a person should see."""
    was = find(observation.status.conditions, ConditionType.READY)
    now = find(status.conditions, ConditionType.READY)
    if now is None or (was is not None and (was.reason, was.message) == (now.reason, now.message)):
        return ()
    if now.reason is Reason.READY:
        return ()
    return (EmitEvent("Warning" if now.reason in _WARNED else "Normal", Reason(now.reason), now.message),)


def _last_success(finished: Mapping[str, Sequence[FinishedVideoJob]]) -> datetime | None:
    return max((each.finished_at for each in finished.get("succeeded", ())), default=None)


def _changed(observation: ScheduleObservation, status: VideoScheduleStatus) -> VideoScheduleStatus | None:
    return status if status != observation.status else None


def _wait_s(
    observation: ScheduleObservation, status: VideoScheduleStatus, schedule: VideoSchedule, due: datetime | None
) -> float | None:
    """Return when to look again: at the next time, or when one that is kept has come too late."""
    if schedule.spec.suspend:
        return None
    times = [status.next_schedule_time]
    if due is not None and schedule.spec.starting_deadline is not None:
        times.append(due + timedelta(seconds=float(schedule.spec.starting_deadline) + 1))
    waits = [(time - observation.now).total_seconds() for time in times if time is not None]
    return max(0.01, min(*waits, LONGEST_WAIT_S)) if waits else LONGEST_WAIT_S
