"""The user wants a job that waits to wait in another pool: it leaves the one before it comes to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide.attempt import current_entry, current_number
from videojob_operator.decide.step import uid_of
from videojob_operator.decide.types import Withdraw

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step


def apply(step: Step) -> Step:
    """Take the job out of the queue of the pool that it is to leave, with the time that it waited.

    What a worker has claimed meanwhile stays where it is, for this attempt.
    """
    observation = step.observation
    wanted = observation.raw["spec"].get("pool", "default")
    if step.status.phase is not Phase.QUEUED or wanted == observation.pool_name:
        return step
    entry = current_entry(step)
    if entry is not None and entry.state is EntryState.QUEUED:
        step = step.first(Withdraw(uid_of(observation), entry.attempt, strictly=True))
    elif not (observation.queue_known or observation.pool_gone):
        return step  # where it is cannot be seen
    message = f'it waits in pool "{wanted}" now, and no more in "{observation.pool_name}"'
    return (
        step.update(
            phase=Phase.PENDING,
            reason=Reason.MOVED,
            message=message,
            pool=None,
            admitted_at=None,
            queue_position=None,
            attempts=current_number(step.status) - 1,
        )
        .condition(ConditionType.ADMITTED, Reason.MOVED, message, holds=False)
        .event("Normal", Reason.MOVED, message)
        .settle()
        .look_again_in(0)
    )
