"""Why a job in its queue does not start: no worker comes up, all are busy that there may be, or a limit is reached."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionStatus, ConditionType, Phase
from videojob_operator.decide import conditions, waits
from videojob_operator.decide.budget import within_budget

if TYPE_CHECKING:
    from videojob_contract.queue.types import LimitReached
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_operator.decide.step import Step

_NO_TROUBLE = {Reason.WORKERS_STARTING, Reason.QUEUE_FULL}
"""Of a pool that is not ready, but for what is in its queue already."""
_OF_TURNS = {None, Reason.POOL_AT_MAXIMUM, Reason.LIMIT_REACHED}
"""What `for_its_turn` says."""
TELL_S = 5.0
"""Most jobs are claimed at once, or wait a moment for a worker to start; this long, in seconds, is worth a word."""
INTERVAL_S = 10.0
"""Least time between two writes that only put the same trouble in other words, in seconds."""


def apply(step: Step) -> Step:
    """Say what keeps the pool's workers from coming; each job is told at once when that begins and when it ends."""
    admitted = conditions.find(step.status.conditions, ConditionType.ADMITTED)
    if step.status.phase is not Phase.QUEUED or admitted is None or admitted.status is not ConditionStatus.TRUE:
        return step
    stop = _stop(step)
    if stop is not None:
        return _told(step, "Normal", *stop)
    ready = step.observation.pool_ready
    if ready is None or ready.status is ConditionStatus.TRUE or ready.reason in _NO_TROUBLE:
        if step.status.reason in _OF_TURNS:
            return step
        return _all_is_well(step, admitted.message)
    tell_at = admitted.last_transition_time + timedelta(seconds=TELL_S)
    if step.observation.now < tell_at:
        return step.look_again(tell_at)
    told = _told(step, "Warning", ready.reason, ready.message)
    return within_budget(step, told, INTERVAL_S) if step.status.reason is ready.reason else told


def _stop(step: Step) -> tuple[Reason, str] | None:
    """Return why nothing of its queue is given to workers, if that is so."""
    spec, pool = step.observation.accepted.spec, step.observation.pool
    if spec is None or pool is None:
        return None
    if pool.drain:
        return Reason.POOL_DRAINING, f'pool "{spec.pool}" drains'
    if any(queue.name == spec.queue and queue.stopped for queue in pool.queues):
        return Reason.QUEUE_STOPPED, f'queue "{spec.queue}" of pool "{spec.pool}" is stopped'
    return None


def for_its_turn(step: Step, limit: LimitReached | None) -> Step:
    """Say what a job waits for of which nothing worse is known: for room under a limit, or among the workers."""
    spec, pool = step.observation.accepted.spec, step.observation.pool
    admitted = conditions.find(step.status.conditions, ConditionType.ADMITTED)
    known = step.status.reason
    if spec is None or pool is None or admitted is None or known not in _OF_TURNS:
        return step
    if limit is not None:
        return _told(step, "Normal", Reason.LIMIT_REACHED, _reached(limit, spec))
    if step.observation.pool_busy < pool.max_workers:
        return step if known is None else _all_is_well(step, admitted.message)
    message = f'pool "{spec.pool}" is at its maximum: all {pool.max_workers} workers of its maxWorkers render'
    if pool.max_workers == 0:
        message = f'pool "{spec.pool}" makes no worker: its maxWorkers is 0'
    return _told(step, "Normal", Reason.POOL_AT_MAXIMUM, message)


def _told(step: Step, kind: Literal["Normal", "Warning"], reason: Reason, why: str) -> Step:
    """Say why it waits and what ends that, and once in each wait by an Event: a reason may come and go."""
    message = waits.until(reason, why)
    told = step.update(reason=reason, message=message).condition(ConditionType.STARTED, reason, message, holds=False)
    if reason in step.memory.told:
        return told
    return told.event(kind, reason, message).remember(told=step.memory.told | {reason})


def _all_is_well(step: Step, message: str) -> Step:
    """Say that nothing keeps it but its turn."""
    step = step.condition(ConditionType.STARTED, Reason.QUEUED, message, holds=False)
    return step.update(reason=None, message=message)


def _reached(limit: LimitReached, spec: VideoJobSpec) -> str:
    names = {
        "user": f'user "{spec.user}"' if spec.user else "VideoJobs without a user",
        "project": f'project "{spec.project}"',
        "pool": f'pool "{spec.pool}"',
    }
    return f"limit running of {names[limit.kind]}: {limit.running} of {limit.most} used"
