"""The one place that wires the parts together."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.types import PoolKey
from videojob_operator import metrics
from videojob_operator.act.election import Election
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.ownership import Ownership
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.admission_book import AdmissionBooks
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.decide.limits import counts_days
from videojob_operator.errors import ApiError
from videojob_operator.health import Health
from videojob_operator.informer import Informer
from videojob_operator.parts import keep_up
from videojob_operator.queue_listener import QueueListener
from videojob_operator.queue_sessions import QueueSessions
from videojob_operator.rate_book import RateBook
from videojob_operator.reconcile.admission import AdmissionReconciler
from videojob_operator.reconcile.output_urls import OutputUrlReconciler
from videojob_operator.reconcile.pool import PoolReconciler
from videojob_operator.reconcile.resync import Resync
from videojob_operator.reconcile.schedule import VideoScheduleReconciler
from videojob_operator.reconcile.videojob import VideoJobReconciler
from videojob_operator.records import PoolRecord, VideoJobKey, VideoScheduleKey
from videojob_operator.store import NamespacedName
from videojob_operator.traces import Traces
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
COUNTED_PASS_S = 0.5
"""Least time between two passes over what is asked of a pool that counts days, in seconds: each may be a write."""


class Operator:
    """All parts of the operator but kopf, which feeds `informer`.

    `queue_of` returns a pool's queues, of which each call carries a token of ours, and `clock` the time.
    """

    def __init__(
        self,
        settings: Settings,
        kubernetes: Kubernetes,
        queue_of: Callable[[PoolKey, Callable[[], int | None]], OperatorApi],
        clock: Callable[[], datetime],
        *,
        traces: Traces | None = None,
    ) -> None:
        self._settings = settings
        self._tasks = asyncio.TaskGroup()
        self.cache = Cache()
        self._election = Election(
            kubernetes, settings.election, identity=settings.identity, clock=clock, on_change=self._leader_changed
        )
        self._ownership = Ownership(
            kubernetes,
            identity=settings.election or settings.identity,
            lease_s=settings.lease_s,
            clock=clock,
            on_change=self._owner_changed,
            leads=lambda: self._election.leads,
        )
        kubernetes = kubernetes.checked(self._election.check)
        self._events = Events(kubernetes)
        # Sessions tell a listener, which needs the work queues, and these reconcilers, which use sessions.
        self._sessions = QueueSessions(
            lambda pool: queue_of(pool, partial(self._ownership.token, pool)), lambda: self._listener, self._tasks
        )
        rate_book, carrying_book = RateBook(), CarryingBook()
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
                rate_book=rate_book,
                carrying_book=carrying_book,
                look_at=self._look_at,
                settings=settings,
                clock=clock,
            ),
            workers=POOL_RECONCILERS,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
            interval_of=self._pool_interval_s,
        )
        self._books = books = AdmissionBooks(on_change=lambda pool: self._admissions.add(pool))  # noqa: PLW0108 - made below
        self.cache.videojobs.follow(books.follow)
        self.cache.pools.follow(self._pool_told)
        self._admissions = WorkQueue[PoolKey](
            "admissions",
            AdmissionReconciler(
                cache=self.cache,
                books=books,
                kubernetes=kubernetes,
                owns=self._ownership.holds,
                look_at=self._look_at_in,
                writes_per_s=settings.progress_writes_per_s,
                clock=clock,
            ),
            workers=POOL_RECONCILERS,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
            interval_of=self._admission_interval_s,
        )
        self._urls = WorkQueue[VideoJobKey](
            "urls",
            OutputUrlReconciler(
                cache=self.cache, kubernetes=kubernetes, events=self._events, serves=self._serves, clock=clock
            ),
            workers=1,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
        )
        webhooks = Webhooks(kubernetes, tasks=self._tasks, clock=clock, on_posted=self._look_at)
        self.cache.videojobs.follow(webhooks.follow)
        reconciler = VideoJobReconciler(
            cache=self.cache,
            kubernetes=kubernetes,
            events=self._events,
            serves=self._serves,
            session_of=self._sessions.get,
            wake_pool=self._pools.add,
            renew_urls=self._urls.add,
            webhooks=webhooks,
            books=books,
            rate_book=rate_book,
            carrying_book=carrying_book,
            traces=traces or Traces(),
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
                serves=self._serves,
                on_made=lambda videojob: self.informer.handle(VIDEOJOBS, videojob),
                clock=clock,
            ),
            workers=SCHEDULE_RECONCILERS,
            retry_initial_s=settings.retry_initial_s,
            retry_max_s=settings.retry_max_s,
        )
        self._listener = QueueListener(
            self.cache, self._videojobs, self._pools, hold=reconciler.hold, on_refused=self._ownership.refused
        )
        self.health = Health(
            (self._videojobs, self._pools, self._schedules, self._admissions, self._urls),
            # Two resyncs without a word: the first may have come just before the watch died.
            watch_limit_s=2 * settings.resync_s + settings.stall_s,
            queue_limit_s=settings.stall_s,
            on_measure=self._measure,
            leads=lambda: self._election.leads,
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
            tasks.create_task(keep_up("election", self._election.run))
            tasks.create_task(keep_up("renewal of Leases", self._ownership.run))
            tasks.create_task(keep_up("resync", self._resync.run))
            tasks.create_task(self._pools.run())
            tasks.create_task(self._videojobs.run())
            tasks.create_task(self._schedules.run())
            tasks.create_task(self._admissions.run())
            tasks.create_task(self._urls.run())

    async def release(self) -> None:
        """Leave all to another replica, and its pools to another operator, once this one has ended."""
        await self._election.release()
        await self._ownership.release()

    def _look_at(self, videojob: NamespacedName) -> None:
        self._videojobs.add(VideoJobKey(videojob.namespace, videojob.name))

    def _look_at_in(self, videojob: VideoJobKey, seconds: float) -> None:
        if seconds:
            self._videojobs.add_after(videojob, seconds)
        else:
            self._videojobs.add(videojob)

    def _serves(self, pool: PoolKey) -> bool:
        """Whether what belongs to a pool is for this operator to see to; also where there is no such pool."""
        return self._election.leads and (pool not in self.cache.pools or self._ownership.holds(pool))

    def _leader_changed(self) -> None:
        if not self._election.leads:
            metrics.stand_by()
        for pool in self.cache.pools:
            if self._ownership.holds(pool):
                self._owner_changed(pool)
            else:
                self._pools.add(pool)  # and with it, once it is ours, all that is of it
        for videojob, record in self.cache.videojobs.items():
            if record.pool not in self.cache.pools:
                self._videojobs.add(videojob)
        for schedule in self.cache.schedules:
            self._schedules.add(schedule)

    def _owner_changed(self, pool: PoolKey) -> None:
        self._pools.add(pool)
        self._admissions.add(pool)
        # What has ended can wait: for its time to live.
        for key in sorted(self.cache.videojobs_of(pool), key=lambda key: self.cache.videojobs[key].phase.is_final):
            self._videojobs.add(key, routine=True)
        for schedule in self.cache.schedules_of(pool):
            self._schedules.add(schedule)

    def _pool_told(self, pool: PoolKey, before: PoolRecord | None, after: PoolRecord | None) -> None:
        if (before and (before.uid, before.generation)) != (after and (after.uid, after.generation)):
            self._admissions.add(pool)

    def watch_delivered(self, plural: str) -> None:
        """Note that a watch is alive."""
        metrics.watch_event(plural)
        self.health.watch_alive(plural)

    def _measure(self) -> None:
        if not self._election.leads:
            return  # who leads tells of it
        for pool in self.cache.pools:
            metrics.jobs_by_phase(pool.namespace, pool.name, self.cache.phases(pool))
            metrics.kept_out(pool.namespace, pool.name, self._books.of(pool).held)
            metrics.jobs_by_wait(pool.namespace, pool.name, self.cache.waits(pool))
        metrics.jobs_without_pool(self.cache.phases_without_pool(), self.cache.waits_without_pool())

    def _admission_interval_s(self, pool: PoolKey) -> float:
        record = self.cache.pools.get(pool)
        spec = record.accept().spec if record else None
        return COUNTED_PASS_S if spec and counts_days(spec.limits) else self._settings.pool_interval_s

    def _pool_interval_s(self, pool: PoolKey) -> float:
        return max(self._settings.pool_interval_s, WORKER_COST_S * self.cache.count_jobs(pool))
