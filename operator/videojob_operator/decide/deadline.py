"""The backstop behind the worker's own timer: an attempt that outlives its deadline is ended from here."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from videojob_contract.defaults import DEFAULT_DEADLINE
from videojob_contract.errors import Reason
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.status import Phase
from videojob_operator.decide import failure

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step

GRACE_S = 30.0
"""How long after the deadline a worker may still be at ending its attempt by itself, in seconds."""


def apply(step: Step) -> Step:
    """End an attempt whose worker should have ended it."""
    if step.status.phase is not Phase.RUNNING or step.status.started_at is None:
        return step
    # An attempt has the deadline that it was given when it started; another one in the spec is the next attempt's.
    deadline_at = step.status.deadline_at or step.status.started_at + timedelta(seconds=float(of_attempt(step)))
    end = deadline_at + timedelta(seconds=GRACE_S)
    if step.observation.now < end:
        return step.look_again(end)
    limit = format_duration(Fraction((deadline_at - step.status.started_at) / timedelta(milliseconds=1)) / 1000)
    message = f"the attempt outlived its deadline of {limit}, and its worker did not end it"
    return failure.end_attempt(step, failure.Cause(Reason.DEADLINE_EXCEEDED, message, worker_may_live=True))


def of_attempt(step: Step) -> Fraction:
    """Return the deadline, in seconds, of an attempt that starts now."""
    spec, pool = step.observation.accepted.spec, step.observation.pool
    return (spec and spec.deadline) or (pool and pool.defaults and pool.defaults.deadline) or DEFAULT_DEADLINE
