"""The decision on one VideoJob: the policies, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videojob_contract.resources.base import read_status
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator.decide import (
    acceptance,
    admission,
    attempt,
    cancel,
    carried,
    cleanup,
    completion,
    deadline,
    failure,
    moving,
    notifications,
    progress,
    refused_status,
    rerun,
    running,
    spent_attempt,
    suspend,
    waiting,
)
from videojob_operator.decide.step import Step, uid_of
from videojob_operator.decide.types import Decision, Observation

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the worker did comes before what the user wants, and both before what to do next: a result that is
# there is never thrown away, and a job that is cancelled is never retried.
POLICIES = (
    attempt.catch_up,
    running.apply,
    carried.apply,
    completion.apply,
    cancel.apply,
    failure.apply,
    suspend.apply,
    deadline.apply,
    moving.apply,
    acceptance.apply,
    rerun.stop_earlier_attempt,
    admission.apply,
    waiting.apply,
    progress.apply,
)

_FINAL = {phase.value for phase in Phase if phase.is_final}


def decide_videojob(observation: Observation) -> Decision:
    """Return what to do about a VideoJob, from any state and after any crash."""
    raw_status = observation.raw.get("status") or {}
    if raw_status.get("phase") in _FINAL:
        return _decide_finished(observation, raw_status)
    if observation.raw["metadata"].get("deletionTimestamp"):
        return Decision(None, after=cancel.when_deleted(uid_of(observation)), memory=observation.memory)
    step = _first_step(observation)
    for policy in POLICIES:
        step = policy(step)
        if step.settled or step.status.phase.is_final:
            break
    return notifications.apply(acceptance.observed_generation(step)).decision()


def decide_refused_status(observation: Observation, words: str) -> Decision:
    """Return what to do about a VideoJob whose next status the API server finds invalid, in these words."""
    return notifications.apply(refused_status.end_job(_first_step(observation), words)).decision()


def decide_spent_attempt(observation: Observation, words: str) -> Decision:
    """Return what to do about a VideoJob whose next attempt is not to be, in these words."""
    return notifications.apply(spent_attempt.skip(_first_step(observation), words)).decision()


def _decide_finished(observation: Observation, raw_status: Mapping[str, Any]) -> Decision:
    tidied = cleanup.of_finished(observation, cleanup.parse_status_time(raw_status.get("finishedAt")))
    again = rerun.is_wanted(observation.raw["spec"], raw_status) and not observation.raw["metadata"].get(
        "deletionTimestamp"
    )
    if not (again or notifications.is_pending(raw_status) or observation.posted):
        return tidied
    step = _first_step(observation)
    if not step.status.phase.is_final:  # it cannot be read, and is left as it is
        return tidied
    if again:
        return notifications.apply(rerun.begin(step)).decision()
    told = notifications.apply(step).decision()
    due = [at for at in (told.requeue_after_s, tidied.requeue_after_s) if at is not None]
    return replace(told, after=(*told.after, *tidied.after), requeue_after_s=min(due, default=None))


def _first_step(observation: Observation) -> Step:
    # From one that cannot be read it starts over: the queue knows which attempt it is.
    status = read_status(VideoJobStatus, observation.raw.get("status"))
    return Step(observation, was=status, status=status, memory=observation.memory)
