"""Workers that do not come up, or do not go: how it is told, and how a pool keeps from making ever more.

The failed Jobs themselves are the record of how often that happened in a row, so that it outlives a restart.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_operator.decide.pool_workers import State, Worker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from videojob_operator.decide.types import PoolObservation

REGISTER_S = 120.0
"""How long a worker may take to register, in seconds; twice as long after each that was replaced for it."""
LONGEST_REGISTER_S = 1800.0
LEAVE_S = 60.0
"""How long a worker that the queue knows no more may take to exit, in seconds."""
KEEP_ENDED_S = 60.0
"""How long the Job of a retired worker stays, in seconds."""
KEEP_FAILED_S = 600.0
"""How long the Job of a worker that failed to start stays for whoever looks into it, in seconds."""
KEEP_FAILED = 5
"""How many of those stay."""
_FIRST_PAUSE_S = 5.0
_WORTH_TELLING_S = 15.0
"""Most pods wait a moment for a node or an image; this long is worth a word."""


def failed_starts(workers: Sequence[Worker]) -> list[Worker]:
    """Return the workers that failed without ever registering, since one last came up."""
    good = max((worker.job.serial for worker in workers if _came_up(worker)), default=0)
    return [worker for worker in workers if worker.job.serial > good and _failed(worker) and not worker.was_disrupted]


def paused_until(observation: PoolObservation, failed: Sequence[Worker]) -> datetime | None:
    """Return until when no worker is made, because the last ones failed to start."""
    if not failed:
        return None
    last = max(worker.job.finished_at or observation.now for worker in failed)
    return last + timedelta(seconds=_FIRST_PAUSE_S * 2 ** (min(len(failed), KEEP_FAILED) - 1))


def delete_at(observation: PoolObservation, worker: Worker, failed: Sequence[Worker]) -> datetime | None:
    """Return when a worker's Job is to be deleted, as things are; None when it is not.

    What has ended while a VideoJob owned it is left to its own time to live: its logs are of use. One that leaves is no
    VideoJob's any more, for one that runs on it would make it busy.
    """
    if worker.job.deleting:
        return None
    match worker.state:
        case State.STARTING:
            return _overdue_at(observation, worker)
        case State.LEAVING if worker.info is None:
            return _absent_since(observation, worker) + timedelta(seconds=LEAVE_S)
        case State.ENDED if worker.job.owner_uid is None:
            return _litter_at(observation, worker, failed)
        case _:
            return None


def is_overdue(observation: PoolObservation, worker: Worker) -> bool:
    """Whether a worker should have registered by now, and is to be replaced."""
    at = _overdue_at(observation, worker) if worker.state is State.STARTING else None
    return at is not None and at <= observation.now


def complaint(workers: Sequence[Worker], failed: Sequence[Worker]) -> str:
    """Return what keeps workers from coming up, in Kubernetes' own words; empty when nothing does."""
    for worker in reversed(workers):
        if worker.state is State.STARTING and worker.age >= timedelta(seconds=_WORTH_TELLING_S):
            if worker.pod is not None and worker.pod.reason:
                return _words(worker)
            if worker.age >= timedelta(seconds=REGISTER_S):
                return f"worker {worker.job.name} has not registered for {REGISTER_S:.0f} s"
    return _words(failed[-1]) if failed else ""


def tell_in_s(workers: Sequence[Worker]) -> float | None:
    """Return in how many seconds a worker that is still starting then is worth a word; None when none is."""
    ages_s = [worker.age.total_seconds() for worker in workers if worker.state is State.STARTING]
    waits_s = (limit_s - age_s for age_s in ages_s for limit_s in (_WORTH_TELLING_S, REGISTER_S))
    return min((wait_s for wait_s in waits_s if wait_s > 0), default=None)


def _overdue_at(observation: PoolObservation, worker: Worker) -> datetime | None:
    if worker.outdated and (worker.pod is None or worker.pod.started_at is None):
        # What keeps it from starting may be mended in the new template.
        return observation.now
    if worker.pod is not None and worker.pod.reason == "Unschedulable":
        # Another one would have to wait for a node as well, and behind all others.
        return None
    limit_s = min(REGISTER_S * 2**observation.memory.replaced, LONGEST_REGISTER_S)
    return _absent_since(observation, worker) + timedelta(seconds=limit_s)


def _absent_since(observation: PoolObservation, worker: Worker) -> datetime:
    # As this operator noticed: before its start the worker may well have been there.
    return worker.trace.absent_since or observation.now


def _litter_at(observation: PoolObservation, worker: Worker, failed: Sequence[Worker]) -> datetime | None:
    if worker.job.finished_at is None or (worker.pod is not None and worker.pod.termination_message):
        # It may hold a result that no VideoJob has read yet; if none does, its own TTL deletes it.
        return None
    if worker in failed[:-KEEP_FAILED]:
        return observation.now
    keep_s = KEEP_FAILED_S if worker in failed else KEEP_ENDED_S
    return worker.job.finished_at + timedelta(seconds=keep_s)


def _words(worker: Worker) -> str:
    pod = worker.pod
    if pod is None:
        return f"worker {worker.job.name}: failed to start"
    code = "" if pod.exit_code is None else f"exit code {pod.exit_code}"
    said = ", ".join(part for part in (pod.reason, code) if part) or "failed to start"
    return f"worker {worker.job.name}: {said}" + (f": {pod.message}" if pod.message else "")


def _failed(worker: Worker) -> bool:
    exit_code = worker.pod.exit_code if worker.pod is not None else None
    return worker.state is State.ENDED and (worker.job.failed > 0 or bool(exit_code))


def _came_up(worker: Worker) -> bool:
    registered = worker.info is not None or worker.trace.came_up
    return registered or worker.job.owner_uid is not None or worker.job.succeeded > 0
