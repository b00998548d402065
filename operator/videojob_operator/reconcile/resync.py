"""The slow comparison with the API server and Redis, which finds whatever events have missed.

A watch can fall silent, and after a reconnect kopf does not tell of what was deleted meanwhile. Only names
and versions are asked for, so that comparing 10,000 objects is cheap. What differs gets time for its event to
come; what differs still was missed: it is taken in, and the watch is under suspicion until it delivers again.
"""

import asyncio
import logging
import random
from collections.abc import Iterable
from typing import Any

from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.types import PoolKey
from videojob_operator import metrics
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.queues import QueueSession
from videojob_operator.cache import Cache
from videojob_operator.errors import ApiError
from videojob_operator.health import Health
from videojob_operator.informer import Informer
from videojob_operator.records import VideoJobKey, VideoScheduleKey
from videojob_operator.store import Key
from videojob_operator.watched import WATCHED, Watched
from videojob_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""How long an event may take to tell of a difference, before it counts as missed, in seconds."""
JITTER = 0.1


class Resync:
    """Fills the cache at the start, and compares it with the API server ever after."""

    def __init__(
        self,
        *,
        cache: Cache,
        kubernetes: Kubernetes,
        informer: Informer,
        videojobs: WorkQueue[VideoJobKey],
        pools: WorkQueue[PoolKey],
        schedules: WorkQueue[VideoScheduleKey],
        sessions: Iterable[QueueSession],
        health: Health,
        namespaces: tuple[str | None, ...],
        interval_s: float,
    ) -> None:
        self._cache = cache
        self._kubernetes = kubernetes
        self._informer = informer
        self._videojobs = videojobs
        self._pools = pools
        self._schedules = schedules
        self._sessions = sessions
        self._health = health
        self._namespaces = namespaces
        self._interval_s = interval_s

    async def fill(self) -> None:
        """Take in everything there is, before anything is decided: a Job not yet seen must not look lost.

        Raises:
            ApiError: the API server refuses, or does not know our resources yet.
        """
        for watched in WATCHED:
            for namespace in self._namespaces:
                async for raw in self._kubernetes.list(watched.resource, namespace, selector=watched.selector):
                    self._informer.handle(watched, raw)
            self._health.watch_alive(watched.resource.plural)

    async def run(self) -> None:
        """Compare every now and then, until cancelled."""
        while True:
            await asyncio.sleep(self._interval_s * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreads load
            try:
                for watched in WATCHED:
                    await self._compare(watched)
            except ApiError as error:
                log.warning("a resync was cut short: %s", error)
                continue
            try:
                for session in self._sessions:
                    if session.known:
                        await self._sweep(session)
            except QueueUnavailableError as error:
                log.warning("the sweep of the queues was cut short: %s", error)
            self._look_at_all_active()

    async def _compare(self, watched: Watched[Key, Any]) -> None:
        resource, store = watched.resource, self._cache.store(watched)
        found: dict[Key, int] = {}
        for namespace in self._namespaces:
            listing = self._kubernetes.list(resource, namespace, selector=watched.selector, metadata_only=True)
            async for raw in listing:
                metadata = raw["metadata"]
                found[watched.key_of(metadata["namespace"], metadata["name"])] = int(metadata["resourceVersion"])
        known = store.versions()
        missing = {key for key, version in found.items() if known.get(key, 0) < version}
        superfluous = known.keys() - found.keys()
        if missing or superfluous:
            await asyncio.sleep(PATIENCE_S)
            known_now = store.versions()
            missing = {key for key in missing if known_now.get(key, 0) < found[key]}
            # An object that was made meanwhile is not superfluous: its version is another than before.
            superfluous = {key for key in superfluous if known_now.get(key) == known[key]}
        for key in missing | superfluous:
            await self._take_in(watched, key)
        if missing or superfluous:
            metrics.watch_missed(resource.plural, len(missing) + len(superfluous))
            log.warning("%d %s had changed without an event", len(missing) + len(superfluous), resource.plural)
        else:
            self._health.watch_alive(resource.plural)

    async def _take_in(self, watched: Watched[Key, Any], key: Key) -> None:
        raw = await self._kubernetes.get(watched.resource, key.namespace, key.name)
        if raw is None:
            self._informer.handle_missed_deletion(watched, key)
        else:
            self._informer.handle(watched, raw)

    async def _sweep(self, session: QueueSession) -> None:
        """Have a pool's queues forget VideoJobs that are gone, finished, or in another pool by now."""
        for uid in await session.queue.known_uids():
            key = self._cache.videojob_of(uid)
            record = self._cache.videojobs.get(key) if key else None
            if record is None or record.pool != session.pool:
                log.info("the queues of pool %s are told to forget %s", session.pool, uid)
                await session.queue.forget(uid)
            elif record.phase.is_final:
                self._videojobs.add(record.key)

    def _look_at_all_active(self) -> None:
        """Reconcile every pool and schedule, and every VideoJob with anything to do, spread over half the interval."""
        for pool in self._cache.pools:
            self._pools.add_after(pool, random.uniform(0, self._interval_s / 2))  # noqa: S311
        for schedule in self._cache.schedules:
            self._schedules.add_after(schedule, random.uniform(0, self._interval_s / 2))  # noqa: S311
        for key, record in self._cache.videojobs.items():
            if record.raw is not None:  # not finished, or with a rerun or a webhook to come
                self._videojobs.add_after(key, random.uniform(0, self._interval_s / 2))  # noqa: S311
