"""The decision on one VideoSchedule: whether a VideoJob is due, and what keeps it, as CronJob's controller decides.

Of the times that were missed only the last is made up for. The name of a VideoJob is made of its time, so that one is
made once, whatever crashes in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType
from videojob_contract.resources.videoschedule import ConcurrencyPolicy
from videojob_contract.semantics.schedules import in_zone, last_due, next_due, videojob_of
from videojob_operator.decide import history
from videojob_operator.decide.conditions import find, with_condition
from videojob_operator.decide.types import EmitEvent, ScheduleDecision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from videojob_contract.resources.videoschedule import VideoScheduleSpec, VideoScheduleStatus
    from videojob_operator.decide.types import FinishedVideoJob, ScheduleObservation

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
    if observation.deleting:
        return ScheduleDecision(None)
    schedule, status = observation.schedule, observation.status
    status = _accepted(observation, status)
    if schedule is None:
        return ScheduleDecision(_changed(observation, status), events=_told(observation, status))
    due, following = _due(observation, schedule.spec), next_due(schedule.spec, observation.now)
    status = status.model_copy(
        update={
            "active": [job.name for job in observation.active[:MOST_ACTIVE]],
            "last_successful_time": _last_success(observation.finished) or status.last_successful_time,
            "next_schedule_time": None if schedule.spec.suspend else following,
        }
    )
    videojob = None if due is None else videojob_of(schedule, in_zone(schedule.spec, due))
    name = "" if videojob is None else videojob["metadata"]["name"]
    is_made = _is_made(observation, name)
    hold = None if is_made else next(_holds(observation, schedule.spec, due, name), None)
    # What was made for this time stays until the status says so: it would be made once more.
    delete = [job for job in history.surplus(schedule.spec.history, observation.finished) if job.name != name]
    if due is not None and hold is None and schedule.spec.concurrency_policy is ConcurrencyPolicy.REPLACE:
        delete += [job for job in observation.active if job.name != name]
    if due is None and following is not None and (status.last_schedule_time or observation.now) > following:
        # A clock was ahead, and was put right: what it did is no reason to make none until that time comes.
        status = status.model_copy(update={"last_schedule_time": last_due(schedule.spec, observation.now)})
    if due is not None and (hold is None or hold.passed):
        status = status.model_copy(update={"last_schedule_time": due})
    status = _ready(observation, status, hold)
    return ScheduleDecision(
        _changed(observation, status),
        delete=tuple(delete),
        create=None if is_made or hold is not None else videojob,
        events=_told(observation, status),
        requeue_after_s=_wait_s(observation, schedule.spec, following, due),
    )


def _due(observation: ScheduleObservation, spec: VideoScheduleSpec) -> datetime | None:
    """Return the last time that has come and for which nothing was made or decided."""
    due = last_due(spec, observation.now)
    since = observation.status.last_schedule_time or observation.created_at
    return due if due is not None and due > since else None


def _is_made(observation: ScheduleObservation, name: str) -> bool:
    """Whether a VideoJob is there already: the operator was killed before it wrote that down."""
    finished = (each.name for kind in observation.finished.values() for each in kind)
    return name in {*(job.name for job in observation.active), *finished}


def _holds(
    observation: ScheduleObservation, spec: VideoScheduleSpec, due: datetime | None, name: str
) -> Iterator[_Hold]:
    """Yield what keeps the VideoJob of that name from being made, what is over and done with first."""
    if spec.suspend:
        yield _Hold(Reason.SUSPENDED, "spec.suspend is true")
    if due is None:
        return
    at = in_zone(spec, due).isoformat(timespec="minutes")
    deadline = spec.starting_deadline
    if deadline is not None and (observation.now - due).total_seconds() > deadline:
        yield _Hold(Reason.MISSED, f"no VideoJob was made for {at}: it is more than startingDeadline ago", passed=True)
    if observation.name_taken:
        message = f"no VideoJob was made for {at}: {name} is there, and is none of this VideoSchedule"
        yield _Hold(Reason.NAME_TAKEN, message, passed=True)
    if observation.create_refused:
        yield _Hold(Reason.FAILED_CREATE, f"that of {at} cannot be made: {observation.create_refused}")
    if spec.concurrency_policy is ConcurrencyPolicy.FORBID and observation.active:
        others = ", ".join(job.name for job in observation.active[:3])
        yield _Hold(Reason.STILL_ACTIVE, f"that of {at} is made when {others} has finished")


def _accepted(observation: ScheduleObservation, status: VideoScheduleStatus) -> VideoScheduleStatus:
    refusal = observation.refusal
    conditions = with_condition(
        status.conditions,
        ConditionType.ACCEPTED,
        holds=refusal is None,
        reason=Reason.ACCEPTED if refusal is None else refusal.reason,
        message=observation.left_out if refusal is None else refusal.message,
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


_WARNED = {Reason.INVALID_SPEC, Reason.NOT_SUPPORTED, Reason.MISSED, Reason.NAME_TAKEN, Reason.FAILED_CREATE}


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
    observation: ScheduleObservation, spec: VideoScheduleSpec, following: datetime | None, due: datetime | None
) -> float | None:
    """Return when to look again: at the next time, or when one that is kept has come too late."""
    if spec.suspend:
        return None
    waits = [LONGEST_WAIT_S]
    if following is not None:
        waits.append((following - observation.now).total_seconds())
    if due is not None and spec.starting_deadline is not None:
        left_s = float(spec.starting_deadline) + 1 - (observation.now - due).total_seconds()
        waits += [left_s] if left_s > 0 else []
    return min(waits)
