"""Which attempt is the current one, where it is in the queue, and how it ended.

`status.attempts` counts the attempts that were enqueued. Each that ended without success is counted once
more, in `failures` or in `interruptions`; so the current attempt, enqueued or yet to be, is always the one
after those, and after the `earlierAttempts` of before a rerun.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from videojob_contract.assignment import Result
from videojob_contract.queue.types import EntryState
from videojob_operator.decide.step import uid_of

if TYPE_CHECKING:
    from datetime import datetime

    from videojob_contract.queue.types import QueueEntry
    from videojob_contract.resources.status import VideoJobStatus
    from videojob_operator.decide.step import Step
    from videojob_operator.decide.types import Observation, WorkerPod


def current_number(status: VideoJobStatus) -> int:
    """Return the number of the current attempt, counted from 1; a rerun counts on."""
    return status.earlier_attempts + status.failures + status.interruptions + 1


def catch_up(step: Step) -> Step:
    """Believe the queue when it knows a later attempt than the status, which then was lost or restored."""
    entry = step.observation.entry
    behind = 0 if entry is None else entry.attempt - current_number(step.status)
    if entry is None or behind <= 0:
        return step
    return step.update(attempts=entry.attempt, interruptions=step.status.interruptions + behind)


def current_entry(step: Step) -> QueueEntry | None:
    """Return what the queue has of the current attempt; None too when it cannot be believed."""
    observation = step.observation
    entry = observation.entry
    if entry is None or not observation.queue_known or entry.attempt != current_number(step.status):
        return None
    return entry


def on_our_clock(observation: Observation, entry: QueueEntry, moment: datetime | None) -> datetime | None:
    """Return when something in the queue was, by the clock of `observation.now`: Redis' own may be another."""
    if moment is None or entry.read_at is None:
        return moment
    return observation.now - max(entry.read_at - moment, timedelta())


def claimed_entry(step: Step) -> QueueEntry | None:
    """Return the current attempt's entry when a worker holds it, or has finished it."""
    entry = current_entry(step)
    return entry if entry and entry.state in {EntryState.CLAIMED, EntryState.FINISHED} else None


def worker_pod(step: Step) -> WorkerPod | None:
    """Return the pod of the worker that has the current attempt."""
    pod = step.observation.pod
    return pod if pod is not None and pod.name == step.status.worker else None


def result(step: Step) -> Result | None:
    """Return how the current attempt ended, as its worker said in the queue or as its pod's last word."""
    entry = claimed_entry(step)
    if entry is not None and entry.result is not None:
        return entry.result
    pod = worker_pod(step)
    return _last_message(step.observation, pod, current_number(step.status)) if pod and pod.is_ended else None


def _last_message(observation: Observation, pod: WorkerPod, number: int) -> Result | None:
    try:
        said = Result.model_validate_json(pod.termination_message)
    except ValidationError:
        # Empty, or cut short: a worker that crashed left no result.
        return None
    return said if said.uid == uid_of(observation) and said.attempt == number else None
