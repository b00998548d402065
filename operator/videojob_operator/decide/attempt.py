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
from videojob_contract.queue.types import EntryState, QueueEntry
from videojob_operator.decide.step import uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

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
    if entry is None or entry.attempt != current_number(step.status):
        return None
    # How it ended stays true, whoever says it.
    return entry if observation.queue_known or entry.state is EntryState.FINISHED else None


def on_our_clock(observation: Observation, entry: QueueEntry, moment: datetime | None) -> datetime | None:
    """Return when something in the queue was, by the clock of `observation.now`: Redis' own may be another."""
    if moment is None or entry.read_at is None:
        return moment
    return observation.now - max(entry.read_at - moment, timedelta())


def expected_end(status: VideoJobStatus, started_at: datetime) -> datetime | None:
    """Return when an attempt should be done, until its worker says more."""
    if status.predicted is None:
        return None
    return (started_at + timedelta(seconds=status.predicted.seconds)).replace(microsecond=0)  # as it is read


def claimed_entry(step: Step) -> QueueEntry | None:
    """Return the current attempt's entry when a worker holds it, or has finished it."""
    entry = current_entry(step)
    return entry if entry and entry.state in {EntryState.CLAIMED, EntryState.FINISHED} else None


def left_behind(pods: Iterable[WorkerPod], uid: str, number: int, queue: str) -> QueueEntry | None:
    """Return what the queue would have of an attempt that one of these pods has ended, as its last word says.

    For when Redis was emptied before anyone saw that it had begun: it is not to be done once more.
    """
    for pod in pods:
        said = _last_word(pod) if pod.is_ended else None
        if said is not None and (said.uid, said.attempt) == (uid, number):
            return QueueEntry(
                uid,
                EntryState.FINISHED,
                number,
                queue,
                claimed_at=pod.started_at,
                worker=pod.name,
                job=pod.job,
                result=said,
            )
    return None


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
    said = _last_word(pod)
    return said if said and (said.uid, said.attempt) == (uid_of(observation), number) else None


def _last_word(pod: WorkerPod) -> Result | None:
    try:
        return Result.model_validate_json(pod.termination_message, extra="ignore")
    except ValidationError:
        # Empty, or cut short: a worker that crashed left no result.
        return None
