"""From observed objects to keys in the work queues of those whom they concern.

It stores what kopf's watches deliver, and what the resync finds that they missed, and acts on what has changed.
"""

from collections.abc import Callable
from typing import Any

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.cache import Cache
from videojob_operator.decide.conditions import find
from videojob_operator.decide.types import WorkerJob, WorkerPod
from videojob_operator.projections import ObjectKey
from videojob_operator.records import (
    PoolRecord,
    TemplateKey,
    TemplateRecord,
    VideoJobKey,
    VideoJobRecord,
    VideoScheduleKey,
)
from videojob_operator.store import Raw
from videojob_operator.watched import JOBS, PODS, RENDERPOOLS, SCHEDULES, TEMPLATES, VIDEOJOBS, Watched
from videojob_operator.workqueue import WorkQueue

OnChange = Callable[[Any, Any, Any], None]
"""Is given the key, and what is kept of the object: before and after."""


class Informer:
    """Keeps the cache as observed, and has those reconciled whom a change concerns."""

    def __init__(
        self,
        cache: Cache,
        videojobs: WorkQueue[VideoJobKey],
        pools: WorkQueue[PoolKey],
        schedules: WorkQueue[VideoScheduleKey],
        *,
        writes_per_s: float,
    ) -> None:
        self._cache = cache
        self._writes_per_s = writes_per_s
        self._videojobs = videojobs
        self._pools = pools
        self._schedules = schedules
        cache.videojobs.follow(self._tell_schedule)
        self._on_change: dict[Watched[Any, Any], OnChange] = {
            VIDEOJOBS: self._videojob_changed,
            RENDERPOOLS: self._pool_changed,
            JOBS: self._job_changed,
            PODS: self._pod_changed,
            SCHEDULES: lambda key, _, __: self._schedules.add(key),
            TEMPLATES: self._template_changed,
        }
        cache.pools.follow(self._pool_told)

    def handle(self, watched: Watched[Any, Any], raw: Raw, *, deleted: bool = False) -> None:
        """Put an object into the cache or out of it, and have those reconciled whom that concerns."""
        metadata = raw["metadata"]
        store, key = self._cache.store(watched), watched.key_of(metadata["namespace"], metadata["name"])
        before = store.get(key)
        if store.remove(key, metadata["uid"]) if deleted else store.put(raw):
            self._on_change[watched](key, before, store.get(key))

    def handle_missed_deletion(self, watched: Watched[Any, Any], key: Any) -> None:
        """Take out an object that the API server has no more, though no event said so."""
        store = self._cache.store(watched)
        before = store.get(key)
        if store.remove(key):
            self._on_change[watched](key, before, None)

    def _videojob_changed(self, key: VideoJobKey, _: VideoJobRecord | None, __: VideoJobRecord | None) -> None:
        self._videojobs.add(key)

    def _template_changed(self, key: TemplateKey, _: TemplateRecord | None, __: TemplateRecord | None) -> None:
        """Have those looked at that wait for a VideoTemplate; others have what they need of it."""
        for videojob in self._cache.waiting_for_template(key):
            self._videojobs.add(videojob)

    def _tell_schedule(self, _: VideoJobKey, before: VideoJobRecord | None, after: VideoJobRecord | None) -> None:
        """Have a VideoSchedule looked at when a VideoJob of it comes, goes, or is in another phase.

        Also when the operator itself wrote that, of which a watch then has nothing new to tell.
        """
        videojob = after or before
        if videojob and videojob.schedule_uid and (before and before.phase) != (after and after.phase):
            schedule = self._cache.schedule_of(videojob.schedule_uid)
            if schedule:
                self._schedules.add(schedule)

    def _pool_changed(self, key: PoolKey, before: PoolRecord | None, after: PoolRecord | None) -> None:
        self._pools.add(key)
        if before and after and (before.uid, before.generation) == (after.uid, after.generation):
            return  # only its status is new
        spread = before and after and _keeps_its_queues(before, after)
        if spread:
            self._tell_waiting(key)  # at most, why they wait is another
        for videojob in self._cache.videojobs_of(key):
            if not (spread and self._cache.videojobs[videojob].phase is Phase.QUEUED):
                self._videojobs.add(videojob)

    def _pool_told(self, key: PoolKey, before: PoolRecord | None, after: PoolRecord | None) -> None:
        """Have those told that wait what a pool says now, also where the answer to our write came before its event."""
        if before and after and (_ready(before), before.status.window) != (_ready(after), after.status.window):
            self._tell_waiting(key)

    def _tell_waiting(self, pool: PoolKey) -> None:
        """Have those reconciled that wait in a pool, as their status is to say why: spread, for each is a write."""
        for number, videojob in enumerate(self._cache.queued_of(pool)):
            self._videojobs.add_after(videojob, number / self._writes_per_s)

    def _job_changed(self, key: ObjectKey, before: WorkerJob | None, after: WorkerJob | None) -> None:
        job = after or before
        if job:
            self._worker_changed(key, job)

    def _pod_changed(self, key: ObjectKey, before: WorkerPod | None, after: WorkerPod | None) -> None:
        pod = after or before
        if pod:
            job = ObjectKey(key.namespace, pod.job)
            self._worker_changed(job, self._cache.jobs.get(job))
            self._result_told(pod)

    def _worker_changed(self, key: ObjectKey, job: WorkerJob | None) -> None:
        if job:
            self._pools.add(PoolKey(key.namespace, job.pool))
        if job and job.owner_uid:
            videojob = self._cache.videojob_of(job.owner_uid)
        else:
            videojob = self._cache.videojob_running_on(*key)
        if videojob:
            self._videojobs.add(videojob)

    def _result_told(self, pod: WorkerPod) -> None:
        """Have a VideoJob looked at whose worker has ended, and that nobody knew to be its: Redis was away."""
        videojob = self._cache.videojob_of(pod.result_uid) if pod.result_uid else None
        if videojob:
            self._videojobs.add(videojob)


def _keeps_its_queues(before: PoolRecord, after: PoolRecord) -> bool:
    """Whether what waits in a pool stays where and as it is."""
    specs = [record.accept().spec for record in (before, after)]
    queues = [{queue.name for queue in spec.queues} for spec in specs if spec is not None]
    return before.terms == after.terms and len(queues) == len(specs) and queues[0] == queues[1]


def _ready(pool: PoolRecord) -> tuple[object, object] | None:
    """Return what the condition Ready of a pool says."""
    ready = find(pool.status.conditions, ConditionType.READY)
    return None if ready is None else (ready.reason, ready.message)
