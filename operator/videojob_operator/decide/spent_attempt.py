"""An attempt that cannot be the next.

A worker of another pool had begun it, the queue was told to give it up, or it was in the time since a backup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide import retry
from videojob_operator.decide.admission import is_restored
from videojob_operator.decide.attempt import current_number

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step


def skip(step: Step, words: str) -> Step:
    """Count it as an interruption, with the time that the job waited."""
    if step.status.phase not in {Phase.PENDING, Phase.QUEUED}:
        return step
    number = current_number(step.status)
    message = f"attempt {number + 1} follows: {words}"
    # What is kept of a backup is so until it waits: there may be more such attempts, of the time since.
    because = Reason.RESTORED if is_restored(step.status) else Reason.WORKER_LOST
    return (
        retry.count(step, Reason.WORKER_LOST)
        .update(phase=Phase.PENDING, reason=Reason.WORKER_LOST, message=message, attempts=number, pool=None)
        .condition(ConditionType.ADMITTED, because, message, holds=False)
        .event("Normal", Reason.WORKER_LOST, message)
        .settle()
        .look_again_in(0)
    )
