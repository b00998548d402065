"""Whose turn it is while Redis is away: VideoJobs begin by Jobs that carry their attempts; see ADR 27.

What the queue knew of shares is out of sight. From what the VideoJobs say come the weights of queues, by how many run
of each, and in a queue the priority, then since when they wait. Limits of what runs hold, and so does `maxWorkers`.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.resources.renderpool import Order
from videojob_operator.decide.pool_sharing import weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_operator.decide.types import ActiveVideoJob, PoolObservation, WorkerJob

SILENT_S = 30.0
"""How long Redis may not answer before a pool does without it, in seconds. Most outages are shorter, and over before a
worker would have started; and by then those that have nothing to do have left (`ALONE_S` of the worker)."""


def is_without_queue(observation: PoolObservation) -> bool:
    """Whether a pool does without the queue."""
    return observation.snapshot is None and observation.silent_s >= SILENT_S


def whose_turn(observation: PoolObservation, spec: RenderPoolSpec) -> tuple[str, ...]:
    """Return the UIDs of the VideoJobs that are to begin now, in order; `spec` is with the size that holds now."""
    if not is_without_queue(observation):
        return ()
    alive = [job for job in observation.jobs if _lives(observation, job)]
    free = spec.max_workers - len(alive) - len(observation.turns)
    unclaimed = [job for job in alive if job.owner_uid is None]
    waiting = _startable(observation, alive, others_may_claim=bool(unclaimed))
    room = _Room(spec, observation.at_work, strangers=len(unclaimed))
    turns: list[str] = []
    while len(turns) < free:
        chosen = room.next_of(waiting)
        if chosen is None:
            break
        waiting.remove(chosen)
        room.take(chosen)
        turns.append(chosen.uid)
    return tuple(turns)


def _lives(observation: PoolObservation, job: WorkerJob) -> bool:
    """Whether a worker may be at work, or come to be: also one that is being deleted, or has no pod yet."""
    pod = observation.pods.get(job.name)
    return not job.is_finished and not (pod is not None and pod.is_ended)


def _startable(
    observation: PoolObservation, alive: Sequence[WorkerJob], *, others_may_claim: bool
) -> list[ActiveVideoJob]:
    """Return those of which no worker can be at work.

    A worker that is no VideoJob's yet may have claimed any that Redis ever had. One was never there that came after it
    was found away; for as long again, as clocks differ.
    """
    owners = {job.owner_uid for job in alive}
    never_there = observation.now - timedelta(seconds=observation.silent_s - SILENT_S)
    return sorted(
        (
            each
            for each in observation.waiting
            if each.uid not in owners
            and each.uid not in observation.turns
            and not (others_may_claim and each.created_at <= never_there)
        ),
        key=lambda each: (each.since, each.uid),
    )


class _Room:
    """What may still begin: by queue, and under the limits of what runs."""

    def __init__(self, spec: RenderPoolSpec, at_work: Sequence[ActiveVideoJob], *, strangers: int) -> None:
        self._is_fifo = spec.order is Order.FIFO
        self._weights: Mapping[str, int] = {name: weight for name, weight in weights_of(spec).items() if weight > 0}
        limits = spec.limits.running if spec.limits else None
        self._most = {kind: most for kind, most in limits or () if most is not None}
        self._queues: Counter[str] = Counter()
        self._running: Counter[tuple[str, str]] = Counter()
        self._running["pool", ""] = strangers
        for each in at_work:
            self.take(each)

    def take(self, videojob: ActiveVideoJob) -> None:
        """Count one more that runs."""
        self._queues[videojob.queue] += 1
        self._running.update(self._counted(videojob))

    def next_of(self, waiting: Sequence[ActiveVideoJob]) -> ActiveVideoJob | None:
        """Return who is next of those that wait, longest first; None when nobody may begin."""
        allowed = [each for each in waiting if each.queue in self._weights and self._has_room(each)]
        return min(allowed, key=self._rank, default=None)

    def _rank(self, videojob: ActiveVideoJob) -> tuple[float, int, str, int]:
        weight = self._weights[videojob.queue]
        priority = 0 if self._is_fifo else videojob.priority
        return self._queues[videojob.queue] / weight, -weight, videojob.queue, -priority

    def _has_room(self, videojob: ActiveVideoJob) -> bool:
        return all(
            self._running[kind, name] < self._most[kind] for kind, name in self._counted(videojob) if kind in self._most
        )

    @staticmethod
    def _counted(videojob: ActiveVideoJob) -> list[tuple[str, str]]:
        project = [("project", videojob.project)] if videojob.project else []
        return [("user", videojob.user), *project, ("pool", "")]
