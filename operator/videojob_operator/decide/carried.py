"""An attempt that its worker's Job carries, for Redis is away: it begins with the Job, and not with a claim.

The Job is the record that the attempt has begun, whatever the status says yet. Its name tells which attempt it is of,
so a second one of that attempt is refused by its name; see ADR 27.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.assignment import MAX_ATTEMPT
from videojob_contract.errors import Reason
from videojob_contract.queue.payload import pack
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import ConditionType, JobRef, Phase, Stage
from videojob_operator.decide import deadline, retry
from videojob_operator.decide.attempt import current_entry, current_number, expected_end
from videojob_operator.decide.naming import carries_attempt, carrying_job_name
from videojob_operator.decide.step import uid_of
from videojob_operator.decide.types import Carry, Withdraw

if TYPE_CHECKING:
    from videojob_contract.assignment import Assignment
    from videojob_contract.resources.status import VideoJobStatus
    from videojob_operator.decide.step import Step

MAX_BYTES = 200 * 1024
"""Longest assignment that a Job carries, as it is written: all annotations of a pod together may have 256 KiB."""


def number_to_carry(status: VideoJobStatus) -> int:
    """Return the number of an attempt that would begin without Redis.

    One that waits there cannot be taken back, so it is given up: who claims it after all is refused by the next.
    """
    return current_number(status) + (status.phase is Phase.QUEUED)


def names_of_jobs(pool: str, uid: str, status: VideoJobStatus) -> tuple[str, str]:
    """Return the names that the Job would have which carries the next attempt of a VideoJob that waits."""
    number = current_number(status)
    return carrying_job_name(pool, uid, number), carrying_job_name(pool, uid, number + 1)


def may_begin(step: Step) -> bool:
    """Whether the next attempt is to begin without Redis."""
    observation, number = step.observation, number_to_carry(step.status)
    given_up = number - current_number(step.status)
    return (
        observation.may_carry
        and not observation.queue_known
        and number <= MAX_ATTEMPT
        and step.status.interruptions + given_up <= retry.INTERRUPTION_LIMIT
    )


def give_to_job(step: Step, assignment: Assignment) -> Step:
    """Begin an attempt by its Job; one that is too large for that waits for Redis."""
    if len(pack(assignment)) > MAX_BYTES:
        return step
    job = carrying_job_name(step.observation.pool_name, uid_of(step.observation), assignment.attempt)
    return _begun(step.first(Carry(job, assignment)), job, assignment.attempt)


def apply(step: Step) -> Step:
    """Say that the attempt runs that a Job carries, and since when."""
    observation, status = step.observation, step.status
    job = observation.worker_job
    if status.phase in {Phase.PENDING, Phase.QUEUED}:
        if job is None or job.owner_uid != uid_of(observation):
            return step
        names = names_of_jobs(observation.pool_name, uid_of(observation), status)
        if job.name not in names:
            return step
        entry = current_entry(step)
        if entry is not None and entry.state is EntryState.QUEUED:
            step = step.first(Withdraw(uid_of(observation), entry.attempt))
        step = _begun(step, job.name, current_number(status) + names.index(job.name))
    return _followed(step)


def _begun(step: Step, job: str, number: int) -> Step:
    message = f"attempt {number} is carried by Job {job}, as Redis cannot be reached; its worker starts"
    return (
        step.update(
            phase=Phase.RUNNING,
            reason=None,
            message=message,
            pool=step.observation.pool_name,
            attempts=number,
            interruptions=step.status.interruptions + number - current_number(step.status),
            progress=0,
            stage=Stage.INITIALIZING,
            queue_position=None,
            next_attempt_at=None,
            queued_at=step.status.queued_at or step.observation.now,
            job=JobRef(name=job),
            worker=None,
            started_at=None,
            deadline_at=None,
            eta=None,
        )
        .remember(missing_since=None)
        .accept()
        .condition(ConditionType.ADMITTED, Reason.CLAIMED, f"carried by Job {job}", holds=True)
        .condition(ConditionType.STARTED, Reason.QUEUE_UNAVAILABLE, message, holds=False)
    )


def _followed(step: Step) -> Step:
    """Say on which pod it runs, and since when: its time counts from there, and not while it waits for a node."""
    status, pod = step.status, step.observation.pod
    if status.phase is not Phase.RUNNING or status.worker is not None or pod is None:
        return step
    if status.job is None or not carries_attempt(status.job.name) or pod.job != status.job.name:
        return step
    if pod.started_at is None:
        return step.update(worker=pod.name) if pod.is_ended else step
    message = f"attempt {status.attempts} started on {pod.name}; how far it is, is not known until Redis can be reached"
    return (
        step.update(
            message=message,
            worker=pod.name,
            started_at=pod.started_at,
            eta=expected_end(status, pod.started_at),
            deadline_at=pod.started_at + timedelta(seconds=float(deadline.of_attempt(step))),
        )
        .condition(ConditionType.STARTED, Reason.STARTED, message, holds=True, at=pod.started_at)
        .event("Normal", Reason.STARTED, message)
    )
