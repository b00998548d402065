"""The one place that wires the parts together."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.types import PoolKey
from videojob_operator import metrics
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.ownership import Ownership
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.cache import Cache
from videojob_operator.config import Settings
from videojob_operator.errors import ApiError
from videojob_operator.health import Health
from videojob_operator.informer import Informer
from videojob_operator.parts import keep_up
from videojob_operator.queue_listener import QueueListener
from videojob_operator.queue_sessions import QueueSessions
from videojob_operator.reconcile.pool import PoolReconciler
from videojob_operator.reconcile.resync import Resync
from videojob_operator.reconcile.schedule import VideoScheduleReconciler
from videojob_operator.reconcile.videojob import VideoJobReconciler
from videojob_operator.records import VideoJobKey, VideoScheduleKey
from videojob_operator.store import NamespacedName
from videojob_operator.watched import VIDEOJOBS
from videojob_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)

WORKER_COST_S = 0.0002
"""Least time between two looks at a pool, in seconds for each of its worker Jobs. A look is at all of them, and takes a
tenth of that: so a pool of a thousand has a tenth of the event loop, and not all of it."""
POOL_RECONCILERS = 4
"""Pools reconciled at a time; apart from VideoJobs, so that 10,000 of those do not hold up the scaling."""
SCHEDULE_RECONCILERS = 2
"""VideoSchedules reconciled at a time."""
RETRY_FILL_S = 2.0


class Operator:
    """All parts of the operator but kopf, which feeds `informer`.

    `queue_of` returns a pool's queues, and `clock` the time.
    """

    def __init__(
        self,
        settings: Settings,
        kubernetes: Kubernetes,
        queue_of: Callable[[PoolKey], OperatorApi],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._tasks = asyncio.TaskGroup()
        self.cache = Cache()
        self._events = Events(kubernetes)
        # Sessions tell a listener, which needs the work queues, and these reconcilers, which use sessions.
        self._sessions = QueueSessions(queue_of, lambda: self._listener, self._tasks)
        self._ownership = Ownership(
            kubernetes,
            identity=settings.identity,
            lease_s=settings.lease_s,
            clock=clock,
            on_change=self._owner_changed,
        )
        self._pools = WorkQueue[PoolKey](
            "renderpools",
            PoolReconciler(
                cache=self.cache,
                kubernetes=kubernetes,
                events=self._events,
                open_session=self._sessions.open,
                close_session=self._sessions.close,
                leave_session=self._sessions.leave,
                ownership=self._ownership,
                settings=settings,
                clock=clock,
            ),
            workers=POOL_RECONCILERS,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
            interval_of=self._pool_interval_s,
        )
        webhooks = Webhooks(kubernetes, tasks=self._tasks, clock=clock, on_posted=self._look_at)
        self.cache.videojobs.follow(webhooks.follow)
        reconciler = VideoJobReconciler(
            cache=self.cache,
            kubernetes=kubernetes,
            events=self._events,
            owns=self._ownership.holds,
            session_of=self._sessions.get,
            wake_pool=self._pools.add,
            webhooks=webhooks,
            settings=settings,
            clock=clock,
        )
        self._videojobs = WorkQueue[VideoJobKey](
            "videojobs",
            reconciler,
            workers=settings.reconcilers,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
        )
        self._schedules = WorkQueue[VideoScheduleKey](
            "videoschedules",
            VideoScheduleReconciler(
                cache=self.cache,
                kubernetes=kubernetes,
                events=self._events,
                owns=self._ownership.holds,
                on_made=lambda videojob: self.informer.handle(VIDEOJOBS, videojob),
                clock=clock,
            ),
            workers=SCHEDULE_RECONCILERS,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
        )
        self._listener = QueueListener(self.cache, self._videojobs, self._pools, hold=reconciler.hold)
        self.health = Health(
            (self._videojobs, self._pools, self._schedules),
            # Two resyncs without a word: the first may have come just before the watch died.
            watch_limit_s=2 * settings.resync_s + settings.stall_s,
            queue_limit_s=settings.stall_s,
            on_measure=self._measure,
        )
        self.informer = Informer(
            self.cache,
            self._videojobs,
            self._pools,
            self._schedules,
            writes_per_s=settings.progress_writes_per_s,
        )
        self._resync = Resync(
            cache=self.cache,
            kubernetes=kubernetes,
            informer=self.informer,
            videojobs=self._videojobs,
            pools=self._pools,
            schedules=self._schedules,
            sessions=self._sessions,
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
            tasks.create_task(keep_up("posting of Events", self._events.run))
            tasks.create_task(keep_up("renewal of Leases", self._ownership.run))
            tasks.create_task(keep_up("resync", self._resync.run))
            tasks.create_task(self._pools.run())
            tasks.create_task(self._videojobs.run())
            tasks.create_task(self._schedules.run())

    async def release(self) -> None:
        """Leave its pools to another operator, once this one has ended."""
        await self._ownership.release()

    def _look_at(self, videojob: NamespacedName) -> None:
        self._videojobs.add(VideoJobKey(videojob.namespace, videojob.name))

    def _owner_changed(self, pool: PoolKey) -> None:
        self._pools.add(pool)
        for key in self.cache.videojobs_of(pool):
            self._videojobs.add(key)
        for schedule in self.cache.schedules_of(pool):
            self._schedules.add(schedule)

    def watch_delivered(self, plural: str) -> None:
        """Note that a watch is alive."""
        metrics.watch_event(plural)
        self.health.watch_alive(plural)

    def _measure(self) -> None:
        for pool in self.cache.pools:
            metrics.jobs_by_phase(pool.namespace, pool.name, self.cache.phases(pool))
        metrics.jobs_without_pool(self.cache.phases_without_pool())

    def _pool_interval_s(self, pool: PoolKey) -> float:
        return max(self._settings.pool_interval_s, WORKER_COST_S * self.cache.count_jobs(pool))
