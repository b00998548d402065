"""What a RenderPool says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionStatus, ConditionType
from videojob_operator.decide.conditions import find, with_condition
from videojob_operator.decide.pool_workers import State
from videojob_operator.decide.types import EmitEvent
from videojob_operator.decide.without_queue import is_without_queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from videojob_contract.resources.renderpool import RenderPoolStatus
    from videojob_contract.resources.status import Condition
    from videojob_operator.decide.pool_health import Trouble
    from videojob_operator.decide.pool_workers import Worker
    from videojob_operator.decide.types import PoolObservation

_REFUSALS = {Reason.INVALID_SPEC, Reason.NOT_SUPPORTED}
CONTESTED_S = 60.0
"""How long the word of a second operator stands, in seconds."""
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
        (refusal.reason, refusal.message) if refusal else (Reason.ACCEPTED, observation.left_out),
        holds=refusal is None,
    )


def away(observation: PoolObservation, status: RenderPoolStatus) -> RenderPoolStatus:
    """Say that the queue is not there."""
    trouble = observation.queue_trouble
    message = f"the queue cannot be reached: {trouble}" if trouble else "the queue is being restored"
    if is_without_queue(observation):
        message = f"{message}; Jobs carry what is rendered meanwhile"
    why = (Reason.QUEUE_UNAVAILABLE, message)
    return _with(observation, status, ConditionType.READY, why, holds=False)


def ready(
    observation: PoolObservation,
    status: RenderPoolStatus,
    workers: Sequence[Worker],
    *,
    desired: int,
    trouble: Trouble | None,
) -> RenderPoolStatus:
    """Say whether workers come up: as shown by the last that did, or did not.

    While none is needed, and none is known to have failed under this spec, all is well.
    """
    known = find(status.conditions, ConditionType.READY)
    starting = [worker.job.serial for worker in workers if worker.state is State.STARTING]
    came_up = max((worker.job.serial for worker in workers if worker.came_up), default=0)
    why = (Reason.READY, SHARED_USER if observation.shares_redis_user else "")
    if observation.queue_full:
        why = (Reason.QUEUE_FULL, QUEUE_FULL)
    elif trouble is not None:
        why = (Reason.WORKERS_NOT_STARTING, trouble.message)
    elif known is not None and known.reason is Reason.WORKERS_NOT_STARTING and _is_of_this_spec(observation, known):
        # That it is quiet now shows nothing: the worker that was in trouble may have been deleted.
        if came_up < (observation.memory.troubled or min(starting, default=1)):
            why = (known.reason, known.message)
    elif not came_up and (desired or starting) and (known is None or known.reason is not Reason.READY):
        why = (Reason.WORKERS_STARTING, "no worker has registered yet")
    return _with(observation, status, ConditionType.READY, why, holds=why[0] is Reason.READY)


def contested(status: RenderPoolStatus, message: str, now: datetime) -> RenderPoolStatus:
    """Say that a second operator would serve the pool; it says so, who has no more to say of it."""
    known = find(status.conditions, ConditionType.CONTESTED)
    if known is not None and known.message == message:
        return status
    changed = with_condition(
        status.conditions,
        ConditionType.CONTESTED,
        holds=True,
        reason=Reason.OWNED_ELSEWHERE,
        message=message,
        at=now,
        generation=status.observed_generation,
    )
    return status.model_copy(update={"conditions": changed})


def uncontested(status: RenderPoolStatus, now: datetime) -> tuple[RenderPoolStatus, float | None]:
    """Take back what a second operator said a while ago, or return when to: if it is still there, it says so again."""
    known = find(status.conditions, ConditionType.CONTESTED)
    if known is None:
        return status, None
    left_s = CONTESTED_S - (now - known.last_transition_time).total_seconds()
    if left_s > 0:
        return status, left_s
    others = [condition for condition in status.conditions if condition.type is not ConditionType.CONTESTED]
    return status.model_copy(update={"conditions": others}), None


def drained(observation: PoolObservation, status: RenderPoolStatus, *, running: int) -> RenderPoolStatus:
    """Say whether anything runs still in a pool that drains; `running` is how many a worker holds."""
    if observation.spec is None or not observation.spec.drain:
        others = [condition for condition in status.conditions if condition.type is not ConditionType.DRAINED]
        return status.model_copy(update={"conditions": others})
    # Also what has ended in the queue, until its VideoJob says so.
    left = max(running, len(observation.running))
    why = (Reason.DRAINING, f"{left} still run") if left else (Reason.DRAINED, "nothing runs")
    return _with(observation, status, ConditionType.DRAINED, why, holds=not left)


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
        good = (condition.status is ConditionStatus.TRUE) is (condition.type is not ConditionType.CONTESTED)
        if condition.type is ConditionType.DRAINED:
            if known is None or known.reason is not condition.reason:
                told.append(EmitEvent("Normal", condition.reason, condition.message))
            continue
        if condition.reason is Reason.WORKERS_STARTING or (good and known and known.reason is Reason.WORKERS_STARTING):
            continue
        # That all is well is worth an Event only after it was not.
        if known.reason is not condition.reason if known is not None else not good:
            told.append(EmitEvent("Normal" if good else "Warning", condition.reason, condition.message))
    return tuple(told)


def _is_of_this_spec(observation: PoolObservation, condition: Condition) -> bool:
    return condition.observed_generation == observation.generation


def is_urgent(was: RenderPoolStatus, status: RenderPoolStatus) -> bool:
    """Whether more than counts changed."""
    return _urgent(was) != _urgent(status)


def _urgent(status: RenderPoolStatus) -> object:
    told = [
        condition if condition.type is not ConditionType.DRAINED else condition.reason
        for condition in status.conditions
    ]
    return told, status.observed_generation, status.window


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
