"""What the watches have shown, and indexes over it: where reconciles look instead of asking the API server."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.status import FixedTemplate, Phase
from videojob_operator.decide import carried
from videojob_operator.decide.history import KINDS
from videojob_operator.decide.naming import carries_attempt
from videojob_operator.decide.types import DeleteVideoJob, FinishedVideoJob, WorkerJob, WorkerPod
from videojob_operator.decide.waits import UNTIL
from videojob_operator.output_holders import OutputHolders
from videojob_operator.projections import ObjectKey
from videojob_operator.queue_loads import QueueLoads
from videojob_operator.records import TemplateKey, VideoJobKey, VideoJobRecord, VideoScheduleKey
from videojob_operator.spent_jobs import SpentJobs
from videojob_operator.store import Store
from videojob_operator.watched import JOBS, PODS, RENDERPOOLS, SCHEDULES, TEMPLATES, VIDEOJOBS, Watched

EVER_SINCE = datetime.fromtimestamp(0, UTC)
"""When a VideoJob finished that does not say when."""


class Cache:
    """A store of each watched resource, and who belongs to whom."""

    def __init__(self) -> None:
        self.stale_entries: dict[VideoJobKey, set[tuple[PoolKey, str]]] = {}
        """Pools and UIDs that VideoJobs had before they were deleted or moved: their queues are to forget
        them."""
        self.videojobs = VIDEOJOBS.store()
        self.videojobs.follow(self._note_stale_entry)
        self.output_holders = OutputHolders()
        self.videojobs.follow(self.output_holders.follow)
        self.loads = QueueLoads()
        self.videojobs.follow(self.loads.follow)
        self._by_uid = self.videojobs.index(lambda _, videojob: videojob.uid)
        self._by_pool = self.videojobs.index(lambda _, videojob: videojob.pool)
        self._by_phase = self.videojobs.index(lambda _, videojob: videojob.phase)
        self._by_pool_and_phase = self.videojobs.index(lambda _, videojob: (videojob.pool, videojob.phase))
        self._by_pool_and_wait = self.videojobs.index(
            lambda _, videojob: (videojob.pool, videojob.waits) if videojob.waits else None
        )
        self._running_on = self.videojobs.index(_running_on)
        self._carried = self.videojobs.index(
            lambda _, videojob: videojob.pool if videojob.job and carries_attempt(videojob.job) else None
        )
        self.pools = RENDERPOOLS.store()
        self.jobs = JOBS.store()
        self._spent_jobs = SpentJobs()
        self.jobs.follow(self._spent_jobs.follow)
        self._jobs_by_pool = self.jobs.index(
            lambda key, job: None if job.is_spent else PoolKey(key.namespace, job.pool)
        )
        self.pods = PODS.store()
        self._pods_by_job = self.pods.index(lambda key, pod: ObjectKey(key.namespace, pod.job))
        self._pods_by_result = self.pods.index(lambda _, pod: pod.result_uid)
        self.schedules = SCHEDULES.store()
        self._by_schedule = self.videojobs.index(lambda _, videojob: videojob.schedule_uid)
        self._schedule_by_uid = self.schedules.index(lambda _, schedule: schedule.uid)
        self._schedules_by_pool = self.schedules.index(lambda _, schedule: schedule.pool)
        self.templates = TEMPLATES.store()
        self._by_wanted_template = self.videojobs.index(lambda _, videojob: videojob.wants_template)
        self._stores: dict[Watched[Any, Any], Store[Any, Any]] = {
            VIDEOJOBS: self.videojobs,
            RENDERPOOLS: self.pools,
            JOBS: self.jobs,
            PODS: self.pods,
            SCHEDULES: self.schedules,
            TEMPLATES: self.templates,
        }

    def store(self, watched: Watched[Any, Any]) -> Store[Any, Any]:
        """Where objects of a watched resource are."""
        return self._stores[watched]

    def videojob_of(self, uid: str) -> VideoJobKey | None:
        """Which VideoJob has this UID."""
        return self._by_uid.last(uid)

    def videojobs_of(self, pool: PoolKey) -> list[VideoJobKey]:
        """Every VideoJob that names this pool."""
        return self._by_pool.of(pool)

    def running_jobs(self, pool: PoolKey) -> frozenset[str]:
        """Names of the worker Jobs that Running VideoJobs have as theirs."""
        jobs = (self.videojobs[key].job for key in self._by_pool_and_phase.of((pool, Phase.RUNNING)))
        return frozenset(job for job in jobs if job)

    def running_s(self, pool: PoolKey, now: datetime) -> float:
        """What should be left of what runs in a pool, in seconds, of all together."""
        ends = (self.videojobs[key].ends_at for key in self._by_pool_and_phase.of((pool, Phase.RUNNING)))
        return sum(max(0.0, (end - now).total_seconds()) for end in ends if end is not None)

    def videojob_running_on(self, namespace: str, job: str) -> VideoJobKey | None:
        """Which Running VideoJob has this worker Job as its own, adopted or not yet."""
        return self._running_on.last(ObjectKey(namespace, job))

    @property
    def running(self) -> int:
        """Number of VideoJobs that run."""
        return self._by_phase.count(Phase.RUNNING)

    def phases(self, pool: PoolKey) -> dict[str, int]:
        """How many VideoJobs of a pool are in each phase."""
        return {phase.value: self._by_pool_and_phase.count((pool, phase)) for phase in Phase}

    def waits(self, pool: PoolKey) -> dict[str, int]:
        """How many VideoJobs of a pool wait, by each reason that there is."""
        return {reason.value: self._by_pool_and_wait.count((pool, reason)) for reason in UNTIL}

    def waits_without_pool(self) -> dict[str, Counter[str]]:
        """How many VideoJobs of each namespace wait that name a pool that is not there, by reason."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for pool, reason in self._by_pool_and_wait.terms:
            if pool not in self.pools:
                found[pool.namespace][reason.value] += self._by_pool_and_wait.count((pool, reason))
        return dict(found)

    def phases_without_pool(self) -> dict[str, Counter[str]]:
        """How many VideoJobs of each namespace name a pool that is not there, by phase."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for pool, phase in self._by_pool_and_phase.terms:
            if pool not in self.pools:
                found[pool.namespace][phase.value] += self._by_pool_and_phase.count((pool, phase))
        return dict(found)

    def beyond(self, pool: PoolKey, kept: Mapping[str, int]) -> dict[str, list[FinishedVideoJob]]:
        """Every finished VideoJob of a pool, by kind, of those kinds of which there are more than are kept.

        `kept` is how many are, by kind (`history.KINDS`).
        """
        found = {}
        for kind, most in kept.items():
            terms = [(pool, phase) for phase in KINDS[kind]]
            if sum(map(self._by_pool_and_phase.count, terms)) > most:
                keys = chain.from_iterable(map(self._by_pool_and_phase.of, terms))
                found[kind] = [_finished(self.videojobs[key]) for key in keys]
        return found

    def schedule_of(self, uid: str) -> VideoScheduleKey | None:
        """Which VideoSchedule has this UID."""
        return self._schedule_by_uid.last(uid)

    def schedules_of(self, pool: PoolKey) -> list[VideoScheduleKey]:
        """Every VideoSchedule whose VideoJobs are of this pool."""
        return self._schedules_by_pool.of(pool)

    def active_of_schedule(self, uid: str) -> tuple[DeleteVideoJob, ...]:
        """VideoJobs of a VideoSchedule that have not finished, by their times, as they would be deleted."""
        videojobs = (self.videojobs[key] for key in self._by_schedule.of(uid))
        active = sorted((videojob.key.name, videojob.uid) for videojob in videojobs if not videojob.phase.is_final)
        return tuple(DeleteVideoJob(uid, name) for name, uid in active)

    def finished_of_schedule(self, uid: str) -> dict[str, list[FinishedVideoJob]]:
        """Those that have, by the kind of their end (`history.KINDS`)."""
        videojobs = [self.videojobs[key] for key in self._by_schedule.of(uid)]
        return {
            kind: [_finished(videojob) for videojob in videojobs if videojob.phase in phases]
            for kind, phases in KINDS.items()
        }

    def template_for(self, videojob: VideoJobRecord) -> FixedTemplate | None:
        """What the VideoTemplate has now that a VideoJob is to be made from."""
        template = self.templates.get(videojob.wants_template) if videojob.wants_template else None
        return template.fixed if template else None

    def waiting_for_template(self, template: TemplateKey) -> list[VideoJobKey]:
        """Every VideoJob that is to be made from a VideoTemplate, and was not accepted yet."""
        return self._by_wanted_template.of(template)

    def stale_entries_of(self, pool: PoolKey) -> list[VideoJobKey]:
        """Names of the VideoJobs that this pool's queues are to forget."""
        return [key for key, entries in self.stale_entries.items() if any(entry[0] == pool for entry in entries)]

    def queued_of(self, pool: PoolKey) -> list[VideoJobKey]:
        """Every VideoJob that waits in this pool's queues."""
        return self._by_pool_and_phase.of((pool, Phase.QUEUED))

    def pool_spec(self, key: PoolKey) -> RenderPoolSpec | None:
        """Return the spec of a pool; None when there is no such pool, or it is refused."""
        pool = self.pools.get(key)
        return pool.accept().spec if pool else None

    def pools_in(self, namespace: str) -> tuple[str, ...]:
        """Names of the RenderPools of a namespace, in order."""
        return tuple(sorted(pool.name for pool in self.pools if pool.namespace == namespace))

    def job(self, namespace: str, name: str) -> WorkerJob | None:
        """A worker Job by its name, if the operator made it."""
        job = self.jobs.get(ObjectKey(namespace, name))
        return job if job is not None and self._is_ours(namespace, job) else None

    def has_carried(self, pool: PoolKey) -> bool:
        """Whether the Job of a VideoJob of a pool carries its attempt, or did."""
        return self._carried.count(pool) > 0

    def carrying_job(self, videojob: VideoJobRecord) -> WorkerJob | None:
        """The Job that carries the next attempt of a VideoJob that waits, as its status says."""
        names = carried.names_of_jobs(videojob.pool.name, videojob.uid, videojob.status)
        jobs = (self.job(videojob.key.namespace, name) for name in names)
        return next((job for job in jobs if job is not None and job.owner_uid == videojob.uid), None)

    def active_of(self, pool: PoolKey, phase: Phase) -> list[VideoJobRecord]:
        """VideoJobs of a pool in a phase that is not final."""
        return [self.videojobs[key] for key in self._by_pool_and_phase.of((pool, phase))]

    def jobs_of(self, pool: PoolKey) -> tuple[WorkerJob, ...]:
        """Every worker Job of a pool that the operator made, and of those that are spent the newest."""
        jobs = (self.jobs[key] for key in self._jobs_that_matter(pool))
        return tuple(job for job in jobs if self._is_ours(pool.namespace, job))

    def taken_serial(self, pool: PoolKey) -> int:
        """Highest serial of a Job that is labelled as a pool's, whoever made it."""
        return max((self.jobs[key].serial for key in self._jobs_that_matter(pool)), default=0)

    def count_jobs(self, pool: PoolKey) -> int:
        """How many worker Jobs a pool has that are not spent."""
        return self._jobs_by_pool.count(pool)

    def _jobs_that_matter(self, pool: PoolKey) -> list[ObjectKey]:
        newest = self._spent_jobs.newest(pool)
        return [*self._jobs_by_pool.of(pool), *([newest] if newest else [])]

    def pods_with_result_of(self, uid: str) -> list[WorkerPod]:
        """Pods whose last word was of a VideoJob."""
        return [self.pods[key] for key in self._pods_by_result.of(uid)]

    def pod_of(self, namespace: str, job: str) -> WorkerPod | None:
        """The pod of a worker Job; its newest, should it ever have had two. One that others labelled so is none."""
        known = self.jobs.get(ObjectKey(namespace, job))
        pods = [self.pods[key] for key in self._pods_by_job.of(ObjectKey(namespace, job))]
        return next((pod for pod in reversed(pods) if known is None or pod.job_uid == known.uid), None)

    def _is_ours(self, namespace: str, job: WorkerJob) -> bool:
        """Whether a Job is a worker's by its owner: labels are anyone's to copy."""
        pool = self.pools.get(PoolKey(namespace, job.pool))
        return job.owner_uid is not None or (pool is not None and job.pool_uid == pool.uid)

    def _note_stale_entry(self, key: VideoJobKey, before: VideoJobRecord | None, after: VideoJobRecord | None) -> None:
        if before and (after is None or (before.uid, before.pool) != (after.uid, after.pool)):
            self.stale_entries.setdefault(key, set()).add((before.pool, before.uid))


def _finished(videojob: VideoJobRecord) -> FinishedVideoJob:
    return FinishedVideoJob(
        videojob.key.name, videojob.uid, videojob.finished_at or EVER_SINCE, untold=videojob.raw is not None
    )


def _running_on(key: VideoJobKey, videojob: VideoJobRecord) -> ObjectKey | None:
    if videojob.phase is Phase.RUNNING and videojob.job:
        return ObjectKey(key.namespace, videojob.job)
    return None
