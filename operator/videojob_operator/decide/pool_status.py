"""What a RenderPool says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionStatus, ConditionType
from videojob_operator.decide.conditions import find, with_condition
from videojob_operator.decide.pool_workers import State
from videojob_operator.decide.types import EmitEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from videojob_contract.resources.renderpool import RenderPoolStatus
    from videojob_operator.decide.pool_workers import Worker
    from videojob_operator.decide.types import PoolObservation

_REFUSALS = {Reason.INVALID_SPEC, Reason.NOT_SUPPORTED}
QUEUE_FULL = (
    "Redis is out of memory: what runs goes on, and nothing new is queued. Give it more (maxmemory), or delete what it "
    "need not hold; it is tried again every ten seconds"
)
SHARED_USER = (
    "workers share a Redis user, which reaches the queues of other pools too: the operator may make none for this one "
    "(acl|setuser)"
)
INTERVAL_S = 5.0
"""Least time between two writes of mere counts, in seconds."""


def counts(workers: Sequence[Worker], *, queued: int, desired: int) -> dict[str, Any]:
    """Return the numbers of the status."""
    states = [worker.state for worker in workers]
    return {
        "queued": queued,
        "desired": desired,
        "starting": states.count(State.STARTING) + states.count(State.MISSING),
        "idle": states.count(State.IDLE),
        "busy": states.count(State.BUSY),
    }


def accepted(observation: PoolObservation, status: RenderPoolStatus) -> RenderPoolStatus:
    """Say whether the spec can be used."""
    refusal = observation.refusal
    return _with(
        observation,
        status.model_copy(update={"observed_generation": observation.generation}),
        ConditionType.ACCEPTED,
        (refusal.reason, refusal.message) if refusal else (Reason.ACCEPTED, ""),
        holds=refusal is None,
    )


def ready(observation: PoolObservation, status: RenderPoolStatus, complaint: str) -> RenderPoolStatus:
    """Say whether workers come up and the queue is there."""
    if observation.snapshot is None:
        trouble = observation.queue_trouble
        why = (
            Reason.QUEUE_UNAVAILABLE,
            f"the queue cannot be reached: {trouble}" if trouble else "the queue is being restored",
        )
    elif observation.queue_full:
        why = (Reason.QUEUE_FULL, QUEUE_FULL)
    elif complaint:
        why = (Reason.WORKERS_NOT_STARTING, complaint)
    else:
        why = (Reason.READY, SHARED_USER if observation.shares_redis_user else "")
    return _with(observation, status, ConditionType.READY, why, holds=why[0] is Reason.READY)


def refused(observation: PoolObservation, status: RenderPoolStatus) -> RenderPoolStatus:
    """Say that no worker is made for a spec that was refused."""
    reason = observation.refusal.reason if observation.refusal else Reason.INVALID_SPEC
    why = (reason, "the spec was refused")
    return _with(observation, status, ConditionType.READY, why, holds=False)


def events(was: RenderPoolStatus, status: RenderPoolStatus) -> tuple[EmitEvent, ...]:
    """Return an Event for each condition that came to another reason."""
    told: list[EmitEvent] = []
    for condition in status.conditions:
        if condition.type is ConditionType.READY and condition.reason in _REFUSALS:
            continue  # `Accepted` says it, with the fields
        known = find(was.conditions, condition.type)
        good = condition.status is ConditionStatus.TRUE
        # That all is well is worth an Event only after it was not.
        if known.reason is not condition.reason if known is not None else not good:
            told.append(EmitEvent("Normal" if good else "Warning", condition.reason, condition.message))
    return tuple(told)


def is_urgent(was: RenderPoolStatus, status: RenderPoolStatus) -> bool:
    """Whether more than counts changed."""
    return was.conditions != status.conditions or was.observed_generation != status.observed_generation


def _with(
    observation: PoolObservation,
    status: RenderPoolStatus,
    kind: ConditionType,
    why: tuple[Reason, str],
    *,
    holds: bool,
) -> RenderPoolStatus:
    reason, message = why
    changed = with_condition(
        status.conditions,
        kind,
        holds=holds,
        reason=reason,
        message=message,
        at=observation.now,
        generation=observation.generation,
    )
    return status.model_copy(update={"conditions": changed})
