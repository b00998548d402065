"""A worker has claimed the attempt: the job runs, and its worker's Job becomes its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType, JobRef, Phase, Stage
from videojob_operator.decide import admission, deadline
from videojob_operator.decide.attempt import claimed_entry, current_number, expected_end, on_our_clock
from videojob_operator.decide.step import name_of
from videojob_operator.decide.types import Adopt

if TYPE_CHECKING:
    from videojob_contract.queue.types import QueueEntry
    from videojob_operator.decide.step import Step


def apply(step: Step) -> Step:
    """Say that the job runs, since when and where; adopt the Job."""
    entry = claimed_entry(step)
    if entry is None or entry.worker is None or entry.job is None:
        return step
    is_new = step.was.attempts != entry.attempt
    starts = step.status.phase is not Phase.RUNNING or step.status.worker != entry.worker or is_new
    job = step.observation.worker_job
    # Adopted once, at the start, even if the watch has not shown the Job yet; later whenever it is seen to
    # be no one's.
    if starts if job is None or job.name != entry.job else job.owner_uid is None:
        step = step.first(Adopt(entry.job, name_of(step.observation)))
    if not starts:
        return step
    return _start(step.update(progress=0) if is_new else step, entry, entry.worker, entry.job)


def _start(step: Step, entry: QueueEntry, worker: str, job: str) -> Step:
    number = current_number(step.status)
    claimed_at = on_our_clock(step.observation, entry, entry.claimed_at) or step.observation.now
    queued_at = on_our_clock(step.observation, entry, entry.queued_at) or claimed_at
    if step.status.job is None or step.status.job.name != job:  # it was not carried by its Job
        # It may have waited and started between two looks: the status shows both, each with its time.
        step = admission.queued(step, f'attempt {number} waits in queue "{entry.queue}"', queued_at)
    message = f"attempt {number} started on {worker}"
    return (
        step.update(
            phase=Phase.RUNNING,
            reason=None,
            message=message,
            stage=Stage.INITIALIZING,
            queue_position=None,
            job=JobRef(name=job),
            worker=worker,
            started_at=claimed_at,
            eta=expected_end(step.status, claimed_at),
            deadline_at=claimed_at + timedelta(seconds=float(deadline.of_attempt(step))),
        )
        .accept()
        .condition(ConditionType.ADMITTED, Reason.CLAIMED, f"claimed by {worker}", holds=True)
        .condition(ConditionType.STARTED, Reason.STARTED, message, holds=True, at=claimed_at)
        .event("Normal", Reason.STARTED, message)
    )
