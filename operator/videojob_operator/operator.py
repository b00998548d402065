"""The one place that wires the parts together, and the listener of the queues."""

import asyncio
import logging
import socket
from contextlib import suppress

from redis.asyncio import Redis

from videojob_contract.queue.events import Claimed, Event, Finished, Registered, StageChanged, WorkerRetired
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import Phase
from videojob_operator import metrics
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.queues import QueueSession
from videojob_operator.cache import Cache
from videojob_operator.config import Settings
from videojob_operator.errors import ApiError
from videojob_operator.health import Health
from videojob_operator.informer import Informer
from videojob_operator.reconcile.pool import PoolReconciler
from videojob_operator.reconcile.resync import Resync
from videojob_operator.reconcile.videojob import VideoJobReconciler
from videojob_operator.records import VideoJobKey
from videojob_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)

WORKER_COST_S = 0.0002
"""Least time between two looks at a pool, in seconds for each of its worker Jobs. A look is at all of them, and takes a
tenth of that: so a pool of a thousand has a tenth of the event loop, and not all of it."""
POOL_RECONCILERS = 4
"""Pools reconciled at a time; apart from VideoJobs, so that 10,000 of those do not hold up the scaling."""
RETRY_FILL_S = 2.0


class Operator:
    """All parts of the operator but kopf, which feeds `informer`."""

    def __init__(self, settings: Settings, kubernetes: Kubernetes, redis: Redis) -> None:
        self._settings = settings
        self._redis = redis
        self._sessions: dict[PoolKey, tuple[QueueSession, asyncio.Task[None]]] = {}
        self._tasks = asyncio.TaskGroup()
        self.cache = Cache()
        self._events = Events(kubernetes)
        self._reconciler = VideoJobReconciler(
            cache=self.cache,
            kubernetes=kubernetes,
            events=self._events,
            session_of=self._session_of,
            wake_pool=self._wake_pool,
            settings=settings,
        )
        self._videojobs = WorkQueue[VideoJobKey](
            "videojobs",
            self._reconciler,
            workers=settings.reconcilers,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
        )
        self._pools = WorkQueue[PoolKey](
            "renderpools",
            PoolReconciler(
                cache=self.cache,
                kubernetes=kubernetes,
                events=self._events,
                open_session=self._open_session,
                close_session=self._close_session,
                settings=settings,
            ),
            workers=POOL_RECONCILERS,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
            interval_of=self._pool_interval_s,
        )
        self.health = Health(
            (self._videojobs, self._pools),
            # Two resyncs without a word: the first may have come just before the watch died.
            watch_limit_s=2 * settings.resync_s + settings.stall_s,
            queue_limit_s=settings.stall_s,
            on_measure=self._measure,
        )
        self.informer = Informer(self.cache, self._videojobs, self._pools)
        self._resync = Resync(
            cache=self.cache,
            kubernetes=kubernetes,
            informer=self.informer,
            videojobs=self._videojobs,
            sessions=lambda: (session for session, _ in self._sessions.values()),
            health=self.health,
            namespaces=settings.namespaces or (None,),
            interval_s=settings.resync_s,
        )

    async def fill(self) -> None:
        """Learn what there is.

        Waits for an API server that is not there yet, or does not know our resources yet.
        """
        while True:
            try:
                await self._resync.fill()
            except ApiError as error:
                log.warning("waiting for the API server: %s", error)
                await asyncio.sleep(RETRY_FILL_S)
            else:
                return

    async def run(self) -> None:
        """Work until cancelled, or until a part fails in a way that only a new start can mend."""
        async with self._tasks as tasks:
            tasks.create_task(self._events.run())
            tasks.create_task(self._resync.run())
            tasks.create_task(self._pools.run())
            tasks.create_task(self._videojobs.run())

    def watch_delivered(self, plural: str) -> None:
        """Note that a watch is alive."""
        metrics.watch_event(plural)
        self.health.watch_alive(plural)

    def _measure(self) -> None:
        for pool in self.cache.pools:
            metrics.jobs_by_phase(pool.namespace, pool.name, self.cache.phases(pool))

    def _pool_interval_s(self, pool: PoolKey) -> float:
        return max(self._settings.pool_interval_s, WORKER_COST_S * self.cache.count_jobs(pool))

    def _wake_pool(self, pool: PoolKey) -> None:
        self._pools.add(pool)

    # --- sessions with the queues

    def _session_of(self, pool: PoolKey) -> QueueSession | None:
        found = self._sessions.get(pool)
        return found[0] if found else None

    def _open_session(self, pool: PoolKey) -> QueueSession:
        if pool not in self._sessions:
            session = QueueSession(OperatorQueue(pool, self._redis), self, consumer=socket.gethostname())
            self._sessions[pool] = (session, self._tasks.create_task(session.run()))
        return self._sessions[pool][0]

    async def _close_session(self, pool: PoolKey) -> None:
        found = self._sessions.pop(pool, None)
        if found is not None:
            found[1].cancel()
            with suppress(asyncio.CancelledError):
                await found[1]
        self._wake_stale_entries(pool)
        await OperatorQueue(pool, self._redis).delete_pool()

    # --- what the sessions see

    async def queue_event(self, session: QueueSession, event: Event) -> None:
        """Have those reconciled whom an event concerns."""
        match event:
            case Claimed(uid=uid) | Finished(uid=uid):
                self._pools.add(session.pool)
                key = self.cache.videojob_of(uid)
                if key is not None:
                    self._reconciler.hold(key, session, event.id)
                    self._videojobs.add(key)
                    return
            case Registered() | WorkerRetired():
                self._pools.add(session.pool)
            case StageChanged():
                pass  # progress is looked at in its turn
        await session.ack([event.id])

    def lease_expired(self, session: QueueSession, uid: str) -> None:
        """Have the VideoJob of an ended lease reconciled."""
        key = self.cache.videojob_of(uid)
        if key is not None and self.cache.videojobs[key].pool == session.pool:
            self._videojobs.add(key)

    def queue_known(self, pool: PoolKey) -> None:
        """Have everything that belongs into a queue put there."""
        self._pools.add(pool)
        self._wake_stale_entries(pool)
        for key in self.cache.videojobs_of(pool):
            if not self.cache.videojobs[key].phase.is_final:
                self._videojobs.add(key)

    def _wake_stale_entries(self, pool: PoolKey) -> None:
        for key in self.cache.stale_entries_of(pool):
            self._videojobs.add(key)

    def has_active(self, pool: PoolKey) -> bool:
        """Whether a worker could hold a VideoJob of this pool."""
        phases = self.cache.phases(pool)
        return bool(phases[Phase.QUEUED.value] or phases[Phase.RUNNING.value])
