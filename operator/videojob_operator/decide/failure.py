"""How an attempt failed: by its worker's word, by what became of its pod, or by silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.errors import FAILURE_CLASS, FailureClass, Reason
from videojob_contract.queue.types import GRACE_S, LEASE_S, RENEW_S
from videojob_contract.resources.status import ConditionType, Failure, Phase
from videojob_operator.decide import attempt, cleanup, retry
from videojob_operator.decide.conditions import shorten
from videojob_operator.decide.naming import carries_attempt

if TYPE_CHECKING:
    from videojob_contract.assignment import Result
    from videojob_operator.decide.step import Step
    from videojob_operator.decide.types import WorkerPod

RESTORE_S = LEASE_S + RENEW_S
"""How long a worker has to put its claim back into a queue that lost it, in seconds."""

_OUT_OF_SCRATCH = (
    "exceeds the limit",
    "exceeds the total limit",
    "exceeded its local ephemeral storage limit",
)
"""In the kubelet's messages when it evicts a pod for what the pod itself has written, not for the node's
sake."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an attempt ended without success."""

    reason: Reason
    message: str
    log: str = ""
    """The last lines of the worker's log, where it could say them."""
    worker_may_live: bool = False
    """Whether its Job is to be deleted, because nobody knows what it does."""


def apply(step: Step) -> Step:
    """End an attempt that failed: the job then waits for the next, or has failed."""
    if step.status.phase is not Phase.RUNNING:
        return step
    step, cause = _find(step)
    if cause is None:
        return step
    return end_attempt(step, cause)


def end_attempt(step: Step, cause: Cause) -> Step:
    """Count the current attempt as failed; retry it, or end the job."""
    if cause.worker_may_live:
        step = cleanup.kill_worker(step)
    if retry.may_retry(step, cause.reason):
        return retry.back_off(step, cause.reason, cause.message, cause.log)
    return finish(retry.count(step, cause.reason), cause.reason, cause.message, cause.log)


def finish(step: Step, reason: Reason, message: str, log: str = "") -> Step:
    """End the job as failed."""
    retryable = FAILURE_CLASS[reason] is not FailureClass.PERMANENT
    step = (
        step.update(
            phase=Phase.FAILED,
            reason=reason,
            message=shorten(message),
            eta=None,
            queue_position=None,
            next_attempt_at=None,
            failure=Failure(reason=reason, message=shorten(message), retryable=retryable, log=log or None),
            finished_at=step.observation.now,
        )
        .condition(ConditionType.FINISHED, reason, message, holds=True)
        .condition(ConditionType.FAILED, reason, message, holds=True)
        .event("Warning", reason, message)
    )
    return cleanup.let_go(step)


def _find(step: Step) -> tuple[Step, Cause | None]:
    result = attempt.result(step)
    if result is not None:
        return step, _of_result(result)
    pod = attempt.worker_pod(step)
    if pod is not None and pod.is_ended:
        return step, of_pod(pod)
    if not step.observation.queue_known:
        return _without_queue(step)
    worker = step.status.worker
    entry = attempt.claimed_entry(step)
    if entry is None:
        message = f"the queue lost the attempt, and worker {worker} did not take it up again"
        return _wait(step, RESTORE_S, message)
    if entry.expired:
        return _wait(step, GRACE_S, f"worker {worker} has not renewed its lease of {LEASE_S:.0f} s")
    return step.remember(missing_since=None), None


def _without_queue(step: Step) -> tuple[Step, Cause | None]:
    """Conclude nothing from silence, save of a Job that carries the attempt and has no pod any more."""
    job, ref = step.observation.worker_job, step.status.job
    if ref is None or not carries_attempt(ref.name):
        return step, None
    if step.observation.pod is None and (job is None or job.is_finished):
        return _wait(step, RESTORE_S, f"Job {ref.name}, which carried the attempt, has no pod any more")
    return step.remember(missing_since=None), None


def _of_result(result: Result) -> Cause:
    if result.result == "failed" and result.reason is not None:
        return Cause(result.reason, result.message, result.log)
    # Cancelled though nobody wanted it, or failed without a reason: the worker was stopped from outside.
    return Cause(Reason.WORKER_LOST, result.message or "the worker stopped before it was done", result.log)


def _wait(step: Step, limit_s: float, message: str) -> tuple[Step, Cause | None]:
    """Wait for a word of the worker, and then no longer.

    If it lives, it says so with its next renewal; also when it was the queue that had been away.
    """
    now = step.observation.now
    since = step.memory.missing_since or now
    step = step.remember(missing_since=since)
    end = since + timedelta(seconds=limit_s)
    if now < end:
        return step.look_again(end), None
    return step, Cause(Reason.LEASE_LOST, message, worker_may_live=True)


def of_pod(pod: WorkerPod) -> Cause:
    """Tell from an ended pod that left no result why it ended."""
    said = f": {pod.message}" if pod.message else ""
    if pod.reason == "OOMKilled":
        return Cause(Reason.OUT_OF_MEMORY, f"pod {pod.name} ran out of memory{said}")
    if pod.reason == "Evicted" and any(words in pod.message for words in _OUT_OF_SCRATCH):
        return Cause(Reason.DISK_FULL, f"pod {pod.name} was evicted{said}")
    if pod.reason in {"Evicted", "Preempting", "Preempted"} or pod.disrupted:
        return Cause(Reason.EVICTED, f"pod {pod.name} was evicted ({pod.disrupted or pod.reason}){said}")
    how = f"exit code {pod.exit_code}" if pod.exit_code is not None else pod.reason or pod.phase
    return Cause(Reason.WORKER_LOST, f"pod {pod.name} ended without a result ({how}){said}")
