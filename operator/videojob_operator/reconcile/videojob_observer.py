"""What is known of one VideoJob: of itself, its pool, its queue and its worker."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from videojob_contract.defaults import resolve_outputs
from videojob_contract.queue.errors import NewerRecordError
from videojob_contract.queue.types import PoolKey, QueueEntry
from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.outputs import Output
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.act.queues import QueueSession
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.admission_book import AdmissionBooks
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.decide import budget, conditions
from videojob_operator.decide.attempt import left_behind
from videojob_operator.decide.backlog import Backlog
from videojob_operator.decide.pool_size import in_force
from videojob_operator.decide.types import Observation, WorkerJob, WorkerPod
from videojob_operator.rate_book import RateBook
from videojob_operator.records import VideoJobRecord

log = logging.getLogger(__name__)

COUNTED = timedelta(seconds=1)


class VideoJobObserver:
    """Looks at one VideoJob at a time."""

    def __init__(
        self,
        *,
        cache: Cache,
        session_of: Callable[[PoolKey], QueueSession | None],
        webhooks: Webhooks,
        books: AdmissionBooks,
        rate_book: RateBook,
        carrying_book: CarryingBook,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._session_of = session_of
        self._webhooks = webhooks
        self._books = books
        self._rate_book = rate_book
        self._carrying_book = carrying_book
        self._spaced: tuple[datetime, float] | None = None
        self._settings = settings
        self._clock = clock

    async def observe(self, record: VideoJobRecord) -> Observation:
        """Return what is known of a VideoJob now, and hold the places of its outputs while it waits or runs."""
        accepted = record.accept(self._cache.template_for(record))
        session = self._session_of(record.pool)
        job, pod = self._worker(record, record.job)
        entry, is_read = None, True
        try:
            entry = await self._entry(record, session)
            if entry and entry.job and entry.job != record.job:
                job, pod = self._worker(record, entry.job)
                # Once more: what the pod shows must be older than what the queue says.
                entry = await self._entry(record, session)
        except NewerRecordError as error:
            log.warning("%s", error)
            is_read = False  # and nothing is concluded from what the queue has
        if entry is None and is_read and record.phase in {Phase.PENDING, Phase.QUEUED}:
            entry = self._left_behind(record)
            job, pod = self._worker(record, entry.job if entry else None)
        if job is None and record.phase in {Phase.PENDING, Phase.QUEUED}:
            carrying = self._cache.carrying_job(record)
            job, pod = self._worker(record, carrying.name if carrying else None)
        pool = self._cache.pool_spec(record.pool)
        outputs = self._outputs(record, pool)
        if record.phase in {Phase.QUEUED, Phase.RUNNING}:
            self._cache.output_holders.hold(record.key, pool, outputs)
        now = self._clock()
        memory = record.memory
        if memory.patched_at is None:
            # After a restart, progress waits for its turn as ever, rather than being written for all at once.
            memory = replace(memory, patched_at=now)
        return Observation(
            raw=record.object,
            accepted=accepted,
            now=now,
            **self._pool_fields(record),
            queue_known=is_read and session is not None and session.known,
            queue_connecting=self._is_connecting(record.pool) or self._is_leaving(record),
            queue_full=session is not None and session.full,
            may_carry=self._carrying_book.template_for(record.pool, record.uid, now) is not None,
            entry=entry,
            worker_job=job,
            pod=pod,
            posting=self._webhooks.posting(record.key),
            posted=self._webhooks.posted(record.key),
            asked=(book := self._books.of(record.pool)).request(record.uid),
            verdict=book.verdict(record.uid),
            unlasting_urls=record.unlasting_urls,
            held_outputs=self._cache.output_holders.others(record.key, pool, outputs),
            patch_interval_s=self._settings.progress_interval_s * (spacing := self._spacing(now)),
            spacing=spacing,
            jitter=random.random(),  # noqa: S311 - spreads retries, keeps no secret
            memory=memory,
        )

    def _pool_fields(self, record: VideoJobRecord) -> dict[str, Any]:
        """Return what an observation has of the pool."""
        pool = self._cache.pools.get(record.pool)
        name = {"pool_name": record.pool.name}
        if pool is None:
            return {**name, "pool_gone": True, "other_pools": self._cache.pools_in(record.key.namespace)}
        accepted = pool.accept()
        return {
            **name,
            "pool": in_force(accepted.spec, pool.status) if accepted.spec else None,
            "terms": pool.terms,
            "pool_refusal": accepted.refusal,
            "pool_ready": conditions.find(pool.status.conditions, ConditionType.READY),
            "pool_busy": pool.status.busy,
            "learnt": self._rate_book.of(record.pool, pool.status.learnt),
            "backlog": Backlog(self._cache.loads.of(record.pool), pool.status.backlog_seconds),
        }

    @staticmethod
    def _outputs(record: VideoJobRecord, pool: RenderPoolSpec | None) -> Sequence[Output]:
        """Return what a VideoJob makes, with URIs; nothing while it or its pool cannot be read."""
        spec = record.accept().spec
        if record.phase.is_final or spec is None or pool is None:
            return ()
        return resolve_outputs(spec, pool, namespace=record.key.namespace, name=record.key.name)

    async def _entry(self, record: VideoJobRecord, session: QueueSession | None) -> QueueEntry | None:
        if session is None or not session.known:
            return None
        return await session.entry(record.uid, expected=record.phase in {Phase.QUEUED, Phase.RUNNING})

    def _left_behind(self, record: VideoJobRecord) -> QueueEntry | None:
        """Return how an attempt ended that began and ended unseen, and that the queue has lost."""
        pods = [
            pod
            for pod in self._cache.pods_with_result_of(record.uid)
            if (job := self._cache.job(record.key.namespace, pod.job)) is not None
            and (job.pool, job.uid) == (record.pool.name, pod.job_uid)
            and job.owner_uid in {None, record.uid}
        ]
        return left_behind(pods, record.uid, record.number, "") if pods else None

    def _worker(self, record: VideoJobRecord, job: str | None) -> tuple[WorkerJob | None, WorkerPod | None]:
        if job is None:
            return None, None
        namespace = record.key.namespace
        return self._cache.job(namespace, job), self._cache.pod_of(namespace, job)

    def _spacing(self, now: datetime) -> float:
        """Return how many times as rarely as they could mere progress and places are written; counted once a second."""
        if self._spaced is None or now - self._spaced[0] >= COUNTED:
            spacing = budget.spacing(
                self._cache.running,
                self._cache.loads.counts(),
                interval_s=self._settings.progress_interval_s,
                writes_per_s=self._settings.progress_writes_per_s,
            )
            self._spaced = now, spacing
        return self._spaced[1]

    def _is_connecting(self, pool: PoolKey) -> bool:
        """Whether a pool's queues will be there in a moment: it is too early to say that they are not."""
        session = self._session_of(pool)
        return pool in self._cache.pools and (session is None or session.connecting)

    def _is_leaving(self, record: VideoJobRecord) -> bool:
        """Whether the queues of another pool may still have it."""
        return any(uid == record.uid for _, uid in self._cache.stale_entries.get(record.key, ()))
