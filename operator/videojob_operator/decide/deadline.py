"""The backstop behind the worker's own timer: an attempt that outlives its deadline is ended from here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.defaults import DEFAULT_DEADLINE
from videojob_contract.errors import Reason
from videojob_contract.resources.base import format_duration
from videojob_contract.resources.status import Phase
from videojob_operator.decide import failure

if TYPE_CHECKING:
    from fractions import Fraction

    from videojob_operator.decide.step import Step

GRACE_S = 30.0
"""How long after the deadline a worker may still be at ending its attempt by itself, in seconds."""


def apply(step: Step) -> Step:
    """End an attempt whose worker should have ended it."""
    if step.status.phase is not Phase.RUNNING or step.status.started_at is None:
        return step
    limit = _deadline(step)
    end = step.status.started_at + timedelta(seconds=float(limit) + GRACE_S)
    if step.observation.now < end:
        return step.look_again(end)
    message = f"the attempt outlived its deadline of {format_duration(limit)}, and its worker did not end it"
    return failure.end_attempt(step, failure.Cause(Reason.DEADLINE_EXCEEDED, message, worker_may_live=True))


def _deadline(step: Step) -> Fraction:
    spec, pool = step.observation.accepted.spec, step.observation.pool
    return (spec and spec.deadline) or (pool and pool.defaults and pool.defaults.deadline) or DEFAULT_DEADLINE
