"""Workers that do not come up, or do not go: how it is told, and how a pool keeps from making ever more.

The failed Jobs themselves are the record of how often that happened in a row, so that it outlives a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_operator.decide.pool_workers import State, Worker, last_serial

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
NO_POD_S = 2.0
"""How soon the Job controller makes a pod, in seconds, unless something refuses it."""
WORTH_TELLING_S = 5.0
"""Most pods wait a moment for a node or an image; this long, in seconds, is worth a word."""
ASK_S = 10.0
"""How often Kubernetes is asked why a worker does not start, in seconds; also how long its volumes may take first."""
_ON_ITS_WAY = {"ContainerCreating", "PodInitializing"}
"""What a pod waits for that has a node: its image, its volumes, its address. By itself no reason to complain."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps workers from coming up."""

    serial: int
    """Of the worker that it befell."""
    message: str


def failed_starts(workers: Sequence[Worker]) -> list[Worker]:
    """Return the workers that failed without ever registering, since one last came up."""
    good = max((worker.job.serial for worker in workers if worker.came_up), default=0)
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


def trouble(observation: PoolObservation, workers: Sequence[Worker], failed: Sequence[Worker]) -> Trouble | None:
    """Return what keeps the newest worker that is kept from it from coming up, in Kubernetes' own words."""
    if observation.memory.refusal:
        return Trouble(last_serial(observation) + 1, f"no worker can be made: {observation.memory.refusal}")
    for worker in reversed(workers):
        if worker.state is State.STARTING and (message := _held_up_by(observation, worker)):
            return Trouble(worker.job.serial, f"worker {worker.job.name}{message}")
    return Trouble(failed[-1].job.serial, f"worker {failed[-1].job.name}: {_words(failed[-1])}") if failed else None


def to_explain(observation: PoolObservation, workers: Sequence[Worker]) -> tuple[str | None, float | None]:
    """Return the Job of a worker of which Kubernetes is to be asked now why it does not start, or in how many seconds.

    Pods that are refused are only told of in Events of their Job, and volumes that are not there in those of the pod.
    """
    known = observation.memory.explanation
    for worker in reversed(workers):
        if worker.state is not State.STARTING or not (worker.pod is None or worker.pod.reason in _ON_ITS_WAY):
            continue
        wait_s = (NO_POD_S if worker.pod is None else ASK_S) - worker.age.total_seconds()
        if known is not None and known.job == worker.job.name:
            wait_s = max(wait_s, ASK_S - (observation.now - known.at).total_seconds())
        return (worker.job.name, None) if wait_s <= 0 else (None, wait_s)
    return None, None


def tell_in_s(workers: Sequence[Worker]) -> float | None:
    """Return in how many seconds a worker that is still starting then is worth a word; None when none is."""
    ages_s = [worker.age.total_seconds() for worker in workers if worker.state is State.STARTING]
    waits_s = (limit_s - age_s for age_s in ages_s for limit_s in (WORTH_TELLING_S, ASK_S, REGISTER_S))
    return min((wait_s for wait_s in waits_s if wait_s > 0), default=None)


def _held_up_by(observation: PoolObservation, worker: Worker) -> str:
    """Return what keeps a worker from starting; empty when it is too early to say."""
    known, pod, age_s = observation.memory.explanation, worker.pod, worker.age.total_seconds()
    explanation = known.message if known is not None and known.job == worker.job.name else ""
    if pod is None or pod.reason in _ON_ITS_WAY:
        if explanation:
            return f" has no pod: {explanation}" if pod is None else f": {pod.reason}: {explanation}"
        if pod is None and age_s >= ASK_S:
            return f" has no pod; kubectl describe job {worker.job.name} may say why"
    elif pod.reason and age_s >= WORTH_TELLING_S:
        return f": {_words(worker)}"
    return f" has not registered for {REGISTER_S:.0f} s" if age_s >= REGISTER_S else ""


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
        return "failed to start"
    code = "" if pod.exit_code is None else f"exit code {pod.exit_code}"
    said = ", ".join(part for part in (pod.reason, code) if part) or "failed to start"
    return said + (f": {pod.message}" if pod.message else "")


def _failed(worker: Worker) -> bool:
    exit_code = worker.pod.exit_code if worker.pod is not None else None
    return worker.state is State.ENDED and (worker.job.failed > 0 or bool(exit_code))
