"""What each worker of a pool is doing: its Kubernetes Job, its pod and the queue, put together.

Only workers that can still accept work, or do some, hold a slot of the pool. The worker's own word counts,
and not when Kubernetes comes to see its pod end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from videojob_contract.queue.types import WorkerState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from videojob_contract.queue.types import WorkerInfo
    from videojob_operator.decide.types import JobView, PodView, PoolObservation


class State(StrEnum):
    """What a worker is doing."""

    STARTING = "starting"
    """It was made, and has not yet registered in the queue."""
    IDLE = "idle"
    BUSY = "busy"
    LEAVING = "leaving"
    """It takes no more work, and its pod still lives."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker of the pool."""

    job: JobView
    pod: PodView | None
    state: State
    info: WorkerInfo | None
    """The queue's word on it."""
    age: timedelta
    outdated: bool
    """Whether its pod differs from the one that would be made now."""

    @property
    def holds_slot(self) -> bool:
        """Whether it counts against `maxWorkers`."""
        return self.state in {State.STARTING, State.IDLE, State.BUSY}

    @property
    def was_disrupted(self) -> bool:
        """Whether its pod was taken away for the node's sake."""
        return self.pod is not None and (bool(self.pod.disrupted) or self.pod.reason == "Evicted")


def of_pool(observation: PoolObservation) -> list[Worker]:
    """Return every worker of the pool, in the order of their serials."""
    snapshot = observation.snapshot
    infos = {info.job: info for info in snapshot.workers} if snapshot is not None else {}
    return [
        Worker(
            job=job,
            pod=observation.pods.get(job.name),
            state=_state(observation, job, infos.get(job.name)),
            info=infos.get(job.name),
            age=observation.now - job.created_at,
            outdated=job.template_hash != observation.template_hash,
        )
        for job in sorted(observation.jobs, key=lambda job: job.serial)
    ]


def last_seen(observation: PoolObservation, workers: Iterable[Worker]) -> dict[str, datetime]:
    """Return by Job when each living worker was last known to the queue."""
    known = observation.memory.seen
    return {
        worker.job.name: observation.now if worker.info is not None else known[worker.job.name]
        for worker in workers
        if worker.state is not State.ENDED and (worker.info is not None or worker.job.name in known)
    }


def _state(observation: PoolObservation, job: JobView, info: WorkerInfo | None) -> State:
    pod = observation.pods.get(job.name)
    if job.is_finished or (pod is not None and pod.is_ended):
        return State.ENDED
    if job.deleting:
        return State.LEAVING
    if info is not None:
        return {WorkerState.BUSY: State.BUSY, WorkerState.IDLE: State.IDLE}.get(info.state, State.LEAVING)
    if job.name in observation.running:
        # The queue lost it and the VideoJob did not: it is about to restore itself, or to be given up.
        return State.BUSY
    has_worked = job.owner_uid is not None or job.name in observation.memory.seen
    return State.LEAVING if has_worked else State.STARTING
