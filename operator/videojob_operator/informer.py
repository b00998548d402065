"""Takes observed objects in: into the cache, and as keys into the work queues of those whom they concern."""

from collections.abc import Mapping
from typing import Any

from videojob_contract.queue.types import PoolKey
from videojob_operator.cache import Cache, ObjectKey, VideoJobKey, pool_of
from videojob_operator.workqueue import WorkQueue

Raw = Mapping[str, Any]


class Informer:
    """Takes in what kopf's watches observe, and what the resync finds that they missed."""

    def __init__(self, cache: Cache, videojobs: WorkQueue[VideoJobKey], pools: WorkQueue[PoolKey]) -> None:
        self._cache = cache
        self._videojobs = videojobs
        self._pools = pools

    def take(self, plural: str, raw: Raw, *, deleted: bool = False) -> None:
        """Put an object into the cache or out of it, and have those reconciled whom that concerns."""
        take = {
            "videojobs": self._videojob,
            "renderpools": self._pool,
            "jobs": self._job,
            "pods": self._pod,
        }[plural]
        take(raw, deleted)

    def gone(self, plural: str, key: ObjectKey) -> None:
        """Take out an object that the API server has no more, though no event said so."""
        match plural:
            case "videojobs":
                self._cache.remove_videojob(VideoJobKey(*key))
                self._videojobs.add(VideoJobKey(*key))
            case "renderpools":
                self._cache.remove_pool(PoolKey(*key))
                self._pools.add(PoolKey(*key))
            case "jobs":
                job = self._cache.job(*key)
                self._cache.remove_job(key)
                self._concerns(key.namespace, job.pool if job else "", key.name, job.owner_uid if job else None)
            case "pods":
                self._cache.remove_pod(key)

    def pool_changed(self, key: PoolKey) -> None:
        """Have a pool and every VideoJob in it reconsidered."""
        self._pools.add(key)
        for videojob in self._cache.videojobs_of(key):
            self._videojobs.add(videojob)

    def _videojob(self, raw: Raw, deleted: bool) -> None:  # noqa: FBT001 - the one signature of all four
        metadata = raw["metadata"]
        key = VideoJobKey(metadata["namespace"], metadata["name"])
        changed = self._cache.remove_videojob(key, metadata["uid"]) if deleted else self._cache.put_videojob(raw)
        if changed:
            self._videojobs.add(key)

    def _pool(self, raw: Raw, deleted: bool) -> None:  # noqa: FBT001
        metadata = raw["metadata"]
        key = PoolKey(metadata["namespace"], metadata["name"])
        before = self._cache.pools.get(key)
        changed = self._cache.remove_pool(key, metadata["uid"]) if deleted else self._cache.put_pool(raw)
        if not changed:
            return
        after = self._cache.pools.get(key)
        if before and after and (before.uid, before.generation) == (after.uid, after.generation):
            self._pools.add(key)  # only its status is new
        else:
            self.pool_changed(key)

    def _job(self, raw: Raw, deleted: bool) -> None:  # noqa: FBT001
        metadata = raw["metadata"]
        key = ObjectKey(metadata["namespace"], metadata["name"])
        before = self._cache.job(*key)
        changed = self._cache.remove_job(key, metadata["uid"]) if deleted else self._cache.put_job(raw)
        if changed:
            job = self._cache.job(*key) or before
            self._concerns(key.namespace, pool_of(raw).name, key.name, job.owner_uid if job else None)

    def _pod(self, raw: Raw, deleted: bool) -> None:  # noqa: FBT001
        metadata = raw["metadata"]
        key = ObjectKey(metadata["namespace"], metadata["name"])
        pod = self._cache.pod(key)
        changed = self._cache.remove_pod(key) if deleted else self._cache.put_pod(raw)
        pod = self._cache.pod(key) or pod
        if changed and pod:
            job = self._cache.job(key.namespace, pod.job)
            self._concerns(key.namespace, pool_of(raw).name, pod.job, job.owner_uid if job else None)

    def _concerns(self, namespace: str, pool: str, job: str, owner_uid: str | None) -> None:
        self._pools.add(PoolKey(namespace, pool))
        videojob = self._cache.videojob_of(owner_uid) if owner_uid else self._cache.videojob_running_on(namespace, job)
        if videojob:
            self._videojobs.add(videojob)
