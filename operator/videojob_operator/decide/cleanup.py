"""What a finished job leaves behind, and what becomes of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from videojob_operator.decide import notifications, ttl, url_renewal
from videojob_operator.decide.step import uid_of
from videojob_operator.decide.types import Decision, DeleteWorkerJob, Forget, RenewUrls

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step
    from videojob_operator.decide.types import Action, Observation, WorkerJob

LINGER_S = 60.0
"""How long a worker may take to exit after its job has finished, in seconds."""


def let_go(step: Step) -> Step:
    """Have the queue forget a job once its final status is written."""
    observation = step.observation
    if observation.queue_known and (observation.entry is not None or step.status.attempts > 0):
        step = step.then(Forget(uid_of(observation)))
    return step


def kill_worker(step: Step) -> Step:
    """Delete the Job of the current attempt first: while it lives, no other attempt may start."""
    job = step.observation.worker_job
    name = step.status.job and step.status.job.name
    return kill(step, job) if job is not None and job.name == name else step


def kill(step: Step, job: WorkerJob) -> Step:
    """Delete a Job first, if it still runs for this VideoJob."""
    return step.first(DeleteWorkerJob(job.name, job.uid)) if _is_ours(step.observation, job) else step


def of_finished(observation: Observation, finished_at: datetime | None) -> Decision:
    """Tidy up after a job in its final phase; cheaply, for every job there ever was is asked for again."""
    actions: list[Action] = []
    due: list[float] = []
    if observation.queue_known and observation.entry is not None:
        actions.append(Forget(uid_of(observation)))
    since = (observation.now - finished_at).total_seconds() if finished_at is not None else 0.0
    job = observation.worker_job
    if job is not None and _is_ours(observation, job):
        if since >= LINGER_S:
            actions.append(DeleteWorkerJob(job.name, job.uid))
        else:
            due.append(LINGER_S - since)
    ttl_s = ttl.seconds(observation)
    if ttl_s is not None and finished_at is not None:
        # With it would go what a webhook was not told yet.
        stays_s = ttl_s
        if notifications.is_pending(observation.raw.get("status") or {}):
            stays_s = max(ttl_s, notifications.PATIENCE_S)
        if since >= stays_s:
            actions.append(ttl.deletion(observation))
            return Decision(None, after=tuple(actions), memory=observation.memory)
        due.append(stays_s - since)
    renewed_at = url_renewal.due_at(observation)
    if renewed_at is not None and renewed_at <= observation.now:
        actions.append(RenewUrls())
        due.append(url_renewal.RETRY_S)
    elif renewed_at is not None:
        due.append((renewed_at - observation.now).total_seconds())
    return Decision(None, after=tuple(actions), requeue_after_s=min(due, default=None), memory=observation.memory)


def _is_ours(observation: Observation, job: WorkerJob) -> bool:
    """Whether a Job still runs for this VideoJob, whose status names it; it may not be adopted yet."""
    return not job.is_finished and not job.deleting and job.owner_uid in {None, uid_of(observation)}


def parse_status_time(text: object) -> datetime | None:
    """Read a time of a raw status; None when there is none."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
