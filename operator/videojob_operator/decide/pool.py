"""The decision on one RenderPool: what it says of itself, and which workers come and go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_operator.decide import (
    backlog,
    history,
    pool_health,
    pool_scaling,
    pool_size,
    pool_status,
    pool_workers,
    without_queue,
)
from videojob_operator.decide.types import DeleteWorkerJob, PoolDecision, PoolMemory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from videojob_contract.resources.renderpool import RenderPoolStatus
    from videojob_operator.decide.pool_workers import Worker
    from videojob_operator.decide.types import PoolObservation


LONGEST_WAIT_S = 3600.0
"""How far ahead the next look for a window's sake is at most, in seconds."""
AFTER_ACTION_S = 2.0
"""How soon a pool is looked at again after something was done for it, in seconds."""


def decide_pool(observation: PoolObservation) -> PoolDecision:
    """Return what to do about a RenderPool, from any state and after any crash."""
    decision = _decide_workers(observation)
    surplus = history.surplus(observation.spec.history, observation.finished) if observation.spec else ()
    return replace(_sooner(decision, AFTER_ACTION_S), delete_videojobs=surplus) if surplus else decision


def _decide_workers(observation: PoolObservation) -> PoolDecision:
    status, contested_s = pool_status.uncontested(observation.status, observation.now)
    status = pool_status.accepted(observation, status)
    snapshot = observation.snapshot
    if observation.spec is None:
        status = pool_status.refused(observation, status)
        return _told(observation, status, PoolDecision(None, memory=observation.memory))
    spec = observation.spec
    active = pool_size.active_window(spec.windows, observation.now, observation.memory.active_window)
    status = status.model_copy(update={"window": pool_size.status_of(spec, active)})
    border_s = None if active.until is None else (active.until - observation.now).total_seconds()
    observation = replace(observation, memory=replace(observation.memory, active_window=active))
    workers = pool_workers.of_pool(observation)
    failed = pool_health.failed_starts(workers)
    trouble = pool_health.trouble(observation, workers, failed)
    if snapshot is None:
        # Who is busy is not known now: no worker is made to wait, and none retired.
        status = pool_status.away(observation, status)
        memory = replace(observation.memory, traces=pool_workers.out_of_sight(observation.memory.traces))
        carry = without_queue.whose_turn(observation, pool_size.in_force(spec, status))
        decision = _sooner(PoolDecision(None, carry=carry, memory=memory), _at_border(border_s))
        return _told(observation, status, _sooner(decision, _without_queue_in_s(observation)))
    spec = pool_size.in_force(spec, status)
    scaling = pool_scaling.scale(observation, spec, snapshot, workers, failed)
    status = pool_status.ready(observation, status, workers, desired=scaling.desired, trouble=trouble)
    status = pool_status.drained(observation, status, running=snapshot.claimed)
    deletions, next_deletion = _deletions(observation, workers, failed)
    explain, ask_in_s = pool_health.to_explain(observation, workers)
    numbers = pool_status.counts(workers, queued=snapshot.total_queued, desired=scaling.desired)
    left_s = backlog.length_s(observation.loads, observation.running_s, spec)
    numbers |= {"backlog_seconds": None if left_s is None else backlog.two_digits(left_s), "learnt": observation.learnt}
    decision = PoolDecision(
        status=None,
        create=scaling.create,
        delete_jobs=deletions,
        retire=scaling.retire,
        explain=explain,
        requeue_after_s=scaling.look_again_in_s,
        memory=_memory(observation, workers, trouble),
    )
    for wait_s in (
        ask_in_s,
        pool_health.tell_in_s(workers),
        contested_s,
        _tell_backlog_in_s(left_s),
        _at_border(border_s),
    ):
        decision = _sooner(decision, wait_s)
    if next_deletion is not None:
        decision = _sooner(decision, (next_deletion - observation.now).total_seconds())
    if decision.create or decision.delete_jobs or decision.retire:
        # No event need come of it: a Job whose pods are refused stays as it was made.
        decision = _sooner(decision, AFTER_ACTION_S)
    return _told(observation, status.model_copy(update=numbers), decision)


def _at_border(border_s: float | None) -> float | None:
    """Return when to look at a pool again whose windows change then: a clock may be put right meanwhile."""
    return None if border_s is None else min(border_s, LONGEST_WAIT_S)


def _without_queue_in_s(observation: PoolObservation) -> float | None:
    """Return when to look again at a pool whose queue is away: when it is to do without, then for whoever may begin."""
    if without_queue.is_without_queue(observation):
        return AFTER_ACTION_S
    return without_queue.SILENT_S - observation.silent_s if observation.silent_s else None


def _tell_backlog_in_s(left_s: float | None) -> float | None:
    """Return when the backlog is another without anything else: it is worked off."""
    return max(pool_status.INTERVAL_S, left_s / 10) if left_s else None


def _deletions(
    observation: PoolObservation, workers: Sequence[Worker], failed: Sequence[Worker]
) -> tuple[tuple[DeleteWorkerJob, ...], datetime | None]:
    """Return the Jobs to delete now, and when the next is."""
    times = [(pool_health.delete_at(observation, worker, failed), worker.job) for worker in workers]
    now = observation.now
    return (
        tuple(DeleteWorkerJob(job.name, job.uid) for at, job in times if at is not None and at <= now),
        min((at for at, _ in times if at is not None and at > now), default=None),
    )


def _memory(observation: PoolObservation, workers: Sequence[Worker], trouble: pool_health.Trouble | None) -> PoolMemory:
    memory = observation.memory
    if any(worker.info is not None and not worker.outdated for worker in workers):
        replaced = 0
    else:
        overdue = (pool_health.is_overdue(observation, worker) for worker in workers if not worker.outdated)
        replaced = memory.replaced + any(overdue)
    return PoolMemory(
        last_serial=pool_workers.last_serial(observation),
        traces=pool_workers.traces(observation, workers),
        replaced=replaced,
        explanation=memory.explanation,
        troubled=memory.troubled if trouble is None else trouble.serial,
        patched_at=memory.patched_at,
        active_window=memory.active_window,
    )


def _told(observation: PoolObservation, status: RenderPoolStatus, decision: PoolDecision) -> PoolDecision:
    """Add the status to a decision: at once when more than counts changed, else within the budget."""
    was, now = observation.status, observation.now
    if status == was:
        return decision
    patched_at = decision.memory.patched_at
    next_patch = now if patched_at is None else patched_at + timedelta(seconds=pool_status.INTERVAL_S)
    if now < next_patch and not pool_status.is_urgent(was, status):
        return _sooner(decision, (next_patch - now).total_seconds())
    return replace(
        decision,
        status=status,
        events=pool_status.events(was, status),
        memory=replace(decision.memory, patched_at=now),
    )


def _sooner(decision: PoolDecision, in_s: float | None) -> PoolDecision:
    """Have the decision looked at again that soon, if it is not to be sooner."""
    waits = [wait_s for wait_s in (decision.requeue_after_s, in_s) if wait_s is not None]
    return replace(decision, requeue_after_s=min(waits, default=None))
