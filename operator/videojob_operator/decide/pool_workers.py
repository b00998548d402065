"""What each worker of a pool is doing: its Kubernetes Job, its pod and the queue, put together.

Only workers that can still accept work, or do some, hold a slot of the pool. The worker's own word counts,
and not when Kubernetes comes to see its pod end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from videojob_contract.queue.types import GRACE_S, WorkerState
from videojob_operator.decide.naming import serial_of
from videojob_operator.decide.types import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from videojob_contract.queue.types import WorkerInfo
    from videojob_operator.decide.types import PoolObservation, WorkerJob, WorkerPod


_MOST_SERIAL = 10**9
"""A worker says what its Job is called, and is not to make names longer than they may be."""


class State(StrEnum):
    """What a worker is doing."""

    STARTING = "starting"
    """It was made, and has not yet registered in the queue."""
    IDLE = "idle"
    BUSY = "busy"
    LEAVING = "leaving"
    """It takes no more work, and its pod still lives."""
    MISSING = "missing"
    """It was registered, and should be again in a moment: it was the queue that had been away."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker of the pool."""

    job: WorkerJob
    pod: WorkerPod | None
    state: State
    info: WorkerInfo | None
    """The queue's word on it."""
    age: timedelta
    outdated: bool
    """Whether its pod differs from the one that would be made now."""
    trace: Trace
    """What is remembered of it."""

    @property
    def holds_slot(self) -> bool:
        """Whether it counts against `maxWorkers`."""
        return self.state in {State.STARTING, State.IDLE, State.BUSY, State.MISSING}

    @property
    def came_up(self) -> bool:
        """Whether it ever registered: as the queue says, or what became of it shows."""
        registered = self.info is not None or self.trace.came_up
        return registered or self.job.owner_uid is not None or self.job.succeeded > 0

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
            trace=_trace(observation, job),
        )
        for job in sorted(observation.jobs, key=lambda job: job.serial)
    ]


def last_serial(observation: PoolObservation) -> int:
    """Return the highest serial that a Job of this pool is known to have had; 0 before the first."""
    # A worker whose Job is gone may be registered yet: one of the same name would be taken for it.
    registered = observation.snapshot.workers if observation.snapshot is not None else ()
    serials = (serial_of(info.job) for info in registered)
    return max(
        observation.memory.last_serial,
        observation.taken_serial,
        *(job.serial for job in observation.jobs),
        *(serial for serial in serials if serial <= _MOST_SERIAL),
    )


def traces(observation: PoolObservation, workers: Iterable[Worker]) -> dict[str, Trace]:
    """Return what is to be remembered of each worker."""
    found = {}
    for worker in workers:
        old = worker.trace
        if worker.info is not None:
            retiring = worker.info.state is WorkerState.RETIRING
            found[worker.job.name] = Trace(came_up=True, retiring=retiring)
        else:
            found[worker.job.name] = replace(old, absent_since=old.absent_since or observation.now)
    return found


def out_of_sight(known: Mapping[str, Trace]) -> dict[str, Trace]:
    """Return the same without times of absence: nobody can register while the queue is away."""
    return {name: replace(trace, absent_since=None) for name, trace in known.items()}


def back_by(worker: Worker, now: datetime) -> datetime:
    """Return by when a missing worker should have registered again."""
    return (worker.trace.absent_since or now) + timedelta(seconds=GRACE_S)


def _trace(observation: PoolObservation, job: WorkerJob) -> Trace:
    return observation.memory.traces.get(job.name) or Trace()


def _state(observation: PoolObservation, job: WorkerJob, info: WorkerInfo | None) -> State:
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
    if job.owner_uid is not None:
        return State.LEAVING
    return _absent(observation, _trace(observation, job))


def _absent(observation: PoolObservation, trace: Trace) -> State:
    if not trace.came_up:
        return State.STARTING
    absent = observation.now - (trace.absent_since or observation.now)
    return State.LEAVING if trace.retiring or absent >= timedelta(seconds=GRACE_S) else State.MISSING
