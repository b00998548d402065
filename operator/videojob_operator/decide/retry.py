"""Which failures are tried again, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.assignment import MAX_ATTEMPT
from videojob_contract.errors import FAILURE_CLASS, FailureClass, Reason
from videojob_contract.resources.status import ConditionType, Failure, Phase
from videojob_contract.resources.videojob import Retry
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.conditions import shorten
from videojob_operator.decide.step import uid_of
from videojob_operator.decide.types import Release

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step

INTERRUPTION_LIMIT = 10
"""How often an attempt may be lost to the infrastructure: a job that kills its node each time must end
too."""

_ONCE = {FailureClass.OUT_OF_MEMORY, FailureClass.DEADLINE}


def terms(step: Step) -> Retry:
    """Return how the job is to be retried: its own wish, its pool's, or the built-in one."""
    spec, pool = step.observation.accepted.spec, step.observation.pool
    return (spec and spec.retry) or (pool and pool.defaults and pool.defaults.retry) or Retry()


def may_retry(step: Step, reason: Reason) -> bool:
    """Whether another attempt follows one that failed for this reason."""
    status = step.status
    kind = FAILURE_CLASS[reason]
    if current_number(status) >= MAX_ATTEMPT:
        return False  # whoever said that it is
    if kind is FailureClass.INFRASTRUCTURE:
        return status.interruptions < INTERRUPTION_LIMIT
    if status.failures >= terms(step).limit:
        return False
    if kind in _ONCE:
        return status.failure is None or FAILURE_CLASS[status.failure.reason] is not kind
    return kind is FailureClass.TRANSIENT


def count(step: Step, reason: Reason) -> Step:
    """Count the current attempt among the failures or the interruptions: it is over."""
    if FAILURE_CLASS[reason] is FailureClass.INFRASTRUCTURE:
        return step.update(interruptions=step.status.interruptions + 1)
    return step.update(failures=step.status.failures + 1)


def back_off(step: Step, reason: Reason, message: str, log: str = "") -> Step:
    """Let the job wait for its next attempt."""
    number = current_number(step.status)
    step = count(step, reason)
    wait_s = _wait_s(step, reason)
    again = step.observation.now + timedelta(seconds=wait_s)
    interrupted = FAILURE_CLASS[reason] is FailureClass.INFRASTRUCTURE
    kept = step.status.failure if interrupted else None
    when = f"attempt {number + 1} follows {f'in {wait_s:.0f} s' if wait_s else 'at once'}"
    summary = shorten(f"attempt {number} failed: {message}; {when}")
    return (
        leave(step, reason, message, number)
        .update(
            reason=Reason.BACKING_OFF,
            message=summary,
            # Nothing is wrong with what was interrupted: it goes before what came after it.
            queued_at=step.status.queued_at if interrupted else None,
            next_attempt_at=again,
            # An interruption between two attempts that ran out of memory does not make the second one the
            # first.
            failure=kept or Failure(reason=reason, message=shorten(message), retryable=True, log=log or None),
        )
        .condition(ConditionType.ADMITTED, Reason.BACKING_OFF, summary, holds=False)
        .event("Warning", reason, summary)
        .look_again(again)
        # It is on record that this attempt is over before the next one is enqueued.
        .settle()
    )


def leave(step: Step, reason: Reason, message: str, number: int) -> Step:
    """Have the job wait again, and the queue refuse whoever still holds the attempt of that number."""
    return (
        step.update(
            phase=Phase.PENDING,
            reason=reason,
            progress=0,
            stage=None,
            message=message,
            eta=None,
            job=None,
            worker=None,
            pool=None,
            started_at=None,
            deadline_at=None,
        )
        .remember(missing_since=None)
        .condition(ConditionType.STARTED, reason, message, holds=False)
        .then(Release(uid_of(step.observation), number, reason))
    )


def _wait_s(step: Step, reason: Reason) -> float:
    backoff = terms(step).backoff
    if FAILURE_CLASS[reason] is FailureClass.INFRASTRUCTURE:
        # Nothing is wrong with the job: the first time it goes on at once, elsewhere.
        before = step.status.interruptions - 2
    else:
        before = step.status.failures - 1
    if before < 0:
        return 0.0
    wait_s = min(float(backoff.initial) * backoff.factor**before, float(backoff.max))
    return wait_s * (1 + backoff.jitter * (2 * step.observation.jitter - 1))
