"""The user wants a running job to make room: its attempt is stopped, and another follows when it may go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide import cleanup, retry
from videojob_operator.decide.attempt import current_number

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step


def apply(step: Step) -> Step:
    """Stop the attempt of a job that runs: it is an interruption, and what it has made so far is lost."""
    spec = step.observation.accepted.spec
    is_cancelled = step.memory.cancelled_at is not None  # and its worker has its time to say so
    if step.status.phase is not Phase.RUNNING or spec is None or not spec.suspend or is_cancelled:
        return step
    number = current_number(step.status)
    message = f"attempt {number} was stopped: spec.suspend is true"
    step = retry.leave(cleanup.kill_worker(step), Reason.SUSPENDED, message, number)
    return (
        step.update(interruptions=step.status.interruptions + 1, queued_at=None)
        .condition(ConditionType.ADMITTED, Reason.SUSPENDED, message, holds=False)
        .event("Normal", Reason.SUSPENDED, message)
        .settle()
    )
