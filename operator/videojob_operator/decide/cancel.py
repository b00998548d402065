"""The user wants it to end, or has deleted it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide import attempt, cleanup
from videojob_operator.decide.step import uid_of
from videojob_operator.decide.types import Action, CancelInQueue, Forget

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step

GRACE_S = 10.0
"""How long a worker has to answer before its Job is deleted, in seconds: it stops within a frame, then
cleans up."""

_MESSAGE = "cancelled by spec.cancel"


def when_deleted(uid: str) -> tuple[Action, ...]:
    """What is left to do when a VideoJob is gone: its worker is told, and the queue refuses its UID."""
    return (Forget(uid),)


def apply(step: Step) -> Step:
    """Cancel in any phase: what waits ends at once, what runs when its worker has stopped."""
    if step.status.phase.is_final or not _is_wanted(step):
        return step
    if step.status.phase is not Phase.RUNNING:
        if entry := attempt.current_entry(step):  # whose enqueueing may not have come into the status
            step = step.update(attempts=entry.attempt)
        if step.observation.queue_known and step.status.attempts == attempt.current_number(step.status):
            step = step.first(CancelInQueue(uid_of(step.observation)))
        return _finish(step)
    if _has_stopped(step):
        return _finish(step)
    if _is_lost(step):
        return _finish(cleanup.kill_worker(step))  # it may be at work all the same, and a rerun would make it two
    since = step.memory.cancelled_at or step.observation.now
    step = step.remember(cancelled_at=since)
    waited = (step.observation.now - since).total_seconds()
    if waited >= GRACE_S:
        return _finish(cleanup.kill_worker(step))
    entry = attempt.claimed_entry(step)
    if entry is not None and not entry.cancelling:
        step = step.first(CancelInQueue(uid_of(step.observation)))
    return step.look_again_in(GRACE_S - waited)


def _is_wanted(step: Step) -> bool:
    # From the object as it is: a spec that cannot be read otherwise can still be cancelled.
    spec = step.observation.raw.get("spec")
    if isinstance(spec, dict) and spec.get("cancel") is True:
        return True
    entry = attempt.current_entry(step)
    # Of a rerun, that is what was left of before: the next attempt has another number.
    return entry is not None and entry.state is EntryState.CANCELLED and step.status.rerun == 0


def _has_stopped(step: Step) -> bool:
    if attempt.result(step) is not None:
        return True
    pod = attempt.worker_pod(step)
    return pod is not None and pod.is_ended


def _is_lost(step: Step) -> bool:
    entry = attempt.claimed_entry(step)
    return entry is not None and entry.expired


def _finish(step: Step) -> Step:
    step = (
        step.update(
            phase=Phase.CANCELLED,
            reason=None,
            message=_MESSAGE,
            eta=None,
            queue_position=None,
            next_attempt_at=None,
            finished_at=step.observation.now,
        )
        .condition(ConditionType.FINISHED, Reason.CANCELLED, _MESSAGE, holds=True)
        .condition(ConditionType.FAILED, Reason.CANCELLED, _MESSAGE, holds=True)
        .event("Normal", Reason.CANCELLED, _MESSAGE)
    )
    return cleanup.let_go(step)
