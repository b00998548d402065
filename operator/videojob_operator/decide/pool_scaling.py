"""How many workers there should be, which to make and which to let go.

    desired = clamp(busy + min(startable, surge) + minIdle, 0, maxWorkers)

Nobody kills a worker that may be busy. An idle one is retired by a token that it takes from the queue in the
same step as it would a claim; a Job is only deleted when its worker has not come up, or is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_operator.decide import pool_health, pool_workers
from videojob_operator.decide.naming import worker_job_name
from videojob_operator.decide.pool_sharing import startable
from videojob_operator.decide.pool_workers import State, Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videojob_contract.queue.types import PoolSnapshot
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_operator.decide.types import PoolObservation


@dataclass(frozen=True, slots=True)
class Scaling:
    """What a pool's size should be, and the way there."""

    desired: int
    create: tuple[str, ...] = ()
    retire: tuple[str, ...] = ()
    """Workers, by the names of their pods."""
    look_again_in_s: float | None = None
    """When an idle worker's time, or a pause after failed starts, is over."""


def desired_workers(spec: RenderPoolSpec, *, busy: int, queued: int) -> int:
    """Return how many workers there should be."""
    return max(0, min(busy + min(queued, spec.surge) + spec.min_idle, spec.max_workers))


def scale(
    observation: PoolObservation,
    spec: RenderPoolSpec,
    snapshot: PoolSnapshot,
    workers: Sequence[Worker],
    failed: Sequence[Worker],
) -> Scaling:
    """Return the way from the workers that there are to those that there should be."""
    holding = [worker for worker in workers if worker.holds_slot and not pool_health.is_overdue(observation, worker)]
    busy = sum(worker.state is State.BUSY for worker in holding)
    desired = desired_workers(spec, busy=busy, queued=startable(spec, snapshot))
    create, paused_s = _create(observation, spec, holding, desired=desired, failed=failed)
    retire, idle_s = _retire(spec, snapshot, holding, desired)
    missing = [pool_workers.back_by(worker, observation.now) for worker in holding if worker.state is State.MISSING]
    missing_s = (min(missing) - observation.now).total_seconds() if missing else None
    waits = [wait_s for wait_s in (paused_s, idle_s, missing_s) if wait_s is not None]
    return Scaling(desired, create, retire, min(waits, default=None))


def _create(
    observation: PoolObservation,
    spec: RenderPoolSpec,
    holding: Sequence[Worker],
    *,
    desired: int,
    failed: Sequence[Worker],
) -> tuple[tuple[str, ...], float | None]:
    """Return the names of the Jobs to create, or in how many seconds to look again."""
    current = sum(not _is_outdated_idle(worker) for worker in holding)
    count = max(0, min(desired - current, spec.max_workers - len(holding)))
    pause = pool_health.paused_until(observation, failed)
    if pause is not None and count > 0:
        if observation.now < pause:
            return (), (pause - observation.now).total_seconds()
        # One at a time until one comes up.
        count = 0 if any(worker.state is State.STARTING for worker in holding) else 1
    serial = pool_workers.last_serial(observation)
    return tuple(worker_job_name(observation.name, serial + 1 + n) for n in range(count)), None


def _retire(
    spec: RenderPoolSpec, snapshot: PoolSnapshot, holding: Sequence[Worker], desired: int
) -> tuple[tuple[str, ...], float | None]:
    """Return the idle workers to retire, and in how many seconds the next one has been idle for its time.

    Workers that start do not stand in for idle ones until they have registered.
    """
    idle = [worker for worker in holding if worker.state is State.IDLE]
    ready = len(idle) + sum(worker.state is State.BUSY for worker in holding)
    # One that is missing may have left: nobody makes room for it before it is back.
    over = sum(worker.state is not State.MISSING for worker in holding) - spec.max_workers
    starting = any(worker.state is State.STARTING for worker in holding)
    # An outdated one makes room for its successor where there is no other room for it.
    swaps = int(over == 0 and ready <= desired and not starting and any(map(_is_outdated_idle, idle)))
    excess = max(ready - desired, over, swaps)
    chosen: list[str] = []
    wait_s: float | None = None
    for worker in sorted(idle, key=lambda worker: (not worker.outdated, -_idle_for(worker, snapshot))):
        if len(chosen) >= excess or worker.info is None:
            break
        left_s = float(spec.idle_timeout) - _idle_for(worker, snapshot).total_seconds()
        if worker.outdated or len(chosen) < over or left_s <= 0:
            chosen.append(worker.info.id)
        else:
            # They are in the order of their idleness: the others have longer to go.
            wait_s = left_s
            break
    return tuple(chosen), wait_s


def _is_outdated_idle(worker: Worker) -> bool:
    return worker.state is State.IDLE and worker.outdated


def _idle_for(worker: Worker, snapshot: PoolSnapshot) -> timedelta:
    # Both times are Redis' own.
    return snapshot.at - worker.info.since if worker.info is not None else timedelta()
