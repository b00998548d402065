"""One VideoJob: observe it, decide, act, write its status once."""

import logging
from collections.abc import Callable
from datetime import datetime

from videojob_common import logs
from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator import metrics
from videojob_operator.act import status as status_patch
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.queues import QueueSession
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.admission_book import AdmissionBooks
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.decide import rates
from videojob_operator.decide.progress import placed_at
from videojob_operator.decide.types import Decision, Observation
from videojob_operator.decide.videojob import decide_refused_status, decide_spent_attempt, decide_videojob
from videojob_operator.errors import ApiError, AttemptSpentError, StatusRefusedError
from videojob_operator.rate_book import RateBook
from videojob_operator.reconcile.attempt_counts import count_attempt
from videojob_operator.reconcile.status_write import patch_status
from videojob_operator.reconcile.videojob_actions import VideoJobActions
from videojob_operator.reconcile.videojob_observer import VideoJobObserver
from videojob_operator.records import VideoJobKey, VideoJobRecord
from videojob_operator.traces import Traces

log = logging.getLogger(__name__)

_INVALID = {"Invalid", "BadRequest"}
"""The API server's reasons for a refusal that will be the same next time: a value, or a number that it cannot hold."""


class VideoJobReconciler:
    """Brings one VideoJob at a time to where it should be."""

    def __init__(
        self,
        *,
        cache: Cache,
        kubernetes: Kubernetes,
        events: Events,
        serves: Callable[[PoolKey], bool],
        session_of: Callable[[PoolKey], QueueSession | None],
        wake_pool: Callable[[PoolKey], None],
        renew_urls: Callable[[VideoJobKey], None],
        webhooks: Webhooks,
        books: AdmissionBooks,
        rate_book: RateBook,
        carrying_book: CarryingBook,
        traces: Traces,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._observer = VideoJobObserver(
            cache=cache,
            session_of=session_of,
            webhooks=webhooks,
            books=books,
            rate_book=rate_book,
            carrying_book=carrying_book,
            settings=settings,
            clock=clock,
        )
        self._actions = VideoJobActions(
            cache=cache,
            kubernetes=kubernetes,
            events=events,
            session_of=session_of,
            renew_urls=renew_urls,
            webhooks=webhooks,
            carrying_book=carrying_book,
            traces=traces,
            settings=settings,
            clock=clock,
        )
        self._cache = cache
        self._kubernetes = kubernetes
        self._serves = serves
        self._session_of = session_of
        self._wake_pool = wake_pool
        self._books = books
        self._rate_book = rate_book
        self._traces = traces
        self._unacknowledged: dict[VideoJobKey, list[tuple[QueueSession, str]]] = {}

    def hold(self, key: VideoJobKey, session: QueueSession, event_id: str) -> None:
        """Acknowledge an event of a queue once this VideoJob's status has been written."""
        self._unacknowledged.setdefault(key, []).append((session, event_id))

    async def __call__(self, key: VideoJobKey) -> float | None:
        """Reconcile; return in how many seconds to look again, or None."""
        with logs.about(namespace=key.namespace, name=key.name):
            record = self._cache.videojobs.get(key)
            if record is not None and not self._serves(record.pool):
                return None  # another's, or not yet known to be ours: once it is, all of the pool are looked at
            held = self._unacknowledged.pop(key, [])
            try:
                requeue_after_s = await self._look_at(key)
            except BaseException:
                self._unacknowledged[key] = held + self._unacknowledged.get(key, [])
                raise
            for session in {session for session, _ in held}:
                await session.ack([event_id for its, event_id in held if its is session])
            return requeue_after_s

    async def _look_at(self, key: VideoJobKey) -> float | None:
        try:
            await self._clear_stale_entries(key)
            return await self._reconcile(key)
        except AttemptSpentError as error:
            record = self._cache.videojobs.get(key)
            if record is None or record.phase.is_final:
                return None
            log.info("%s", error)
            observation = await self._observer.observe(record)
            await self._act(record, observation, decide_spent_attempt(observation, str(error)))
            return 0.0

    async def _clear_stale_entries(self, key: VideoJobKey) -> None:
        entries = self._cache.stale_entries.get(key, set())
        for pool, uid in list(entries):
            session, record = self._session_of(pool), self._cache.videojobs.get(key)
            number = record.number if record is not None and record.uid == uid else None
            if session is not None and not (session.known and await _let_go(session, uid, number)):
                continue  # its turn comes when the queue is back; what has this name now need not wait for that
            entries.discard((pool, uid))
            self._wake_pool(pool)
        if not entries:
            self._cache.stale_entries.pop(key, None)

    async def _reconcile(self, key: VideoJobKey) -> float | None:
        record = self._cache.videojobs.get(key)
        if record is None:
            return None
        if trace_id := self._traces.trace_id(record.object):
            logs.bind(trace_id=trace_id)
        observation = await self._observer.observe(record)
        decision = decide_videojob(observation)
        if decision.status is not None:
            logs.bind(attempt=decision.status.attempts)
        try:
            await self._act(record, observation, decision)
        except StatusRefusedError as error:
            log.error("%s", error)  # noqa: TRY400 - the API server's words say it all
            decision = decide_refused_status(observation, str(error))
            await self._act(record, observation, decision)
        self._books.ask(record.pool, record.uid, decision.asks)
        if decision.memory != record.memory:
            latest = self._cache.videojobs.get(key)
            if latest and latest.uid == record.uid:
                latest.memory = decision.memory
        if decision.status is not None and decision.status.phase.is_final:
            return 0.0  # what follows the end, such as its time to live, is looked at once the end is written
        return decision.requeue_after_s

    async def _act(self, record: VideoJobRecord, observation: Observation, decision: Decision) -> None:
        try:
            status = decision.status
            for action in decision.before:
                position = await self._actions.do(record, action)
                if status is not None and status.phase is Phase.QUEUED and position is not None:
                    status = placed_at(observation, status, position)
            if status is None or await self._write(record, observation, status):
                for action in decision.after:
                    await self._actions.do(record, action)
            else:
                self._cache.videojobs.remove(record.key, record.uid)  # it is gone: the queue forgets it in the next run
        finally:
            self._wake_pool_after(record, decision)  # also when an answer was lost: it may be done all the same

    def _wake_pool_after(self, record: VideoJobRecord, decision: Decision) -> None:
        if decision.before or decision.after or (decision.status and decision.status.phase is not record.phase):
            self._wake_pool(record.pool)

    async def _write(self, record: VideoJobRecord, observation: Observation, new: VideoJobStatus) -> bool:
        """Write the status; False when there is no such VideoJob any more.

        Raises:
            StatusRefusedError: the API server finds it invalid.
        """
        old = observation.raw.get("status", {})
        patch = status_patch.difference(old, new.to_dict())
        if not patch:
            return True
        # Refused if it is no longer what was looked at. Above all, one that was created anew under this name must not
        # be given the end of its predecessor; of a UID in a patch of a status, the API server takes no notice.
        body = {"metadata": {"resourceVersion": str(record.version)}, "status": patch}
        try:
            written = await patch_status(self._kubernetes, VIDEOJOBS, self._cache.videojobs, record.key, body)
        except ApiError as error:
            if error.reason in _INVALID:
                raise StatusRefusedError(str(error)) from error
            raise
        metrics.status_written("videojobs", progress_only=status_patch.tells_progress_alone(patch))
        if written is None:
            return False
        self._cache.videojobs.refresh(written)
        count_attempt(record, observation, new, self._traces.trace_id(record.object))
        self._traces.told(observation, new)
        self._learn(record, observation, new)
        return True

    def _learn(self, record: VideoJobRecord, observation: Observation, new: VideoJobStatus) -> None:
        """Have the pool learn from an attempt that has succeeded."""
        entry, job = observation.entry, observation.worker_job
        if new.phase is Phase.SUCCEEDED and not record.phase.is_final and entry and entry.result and job:
            shown = rates.ratios_of(entry.result, record.memory.estimate, observation.learnt)
            self._rate_book.learn(record.pool, job.template_hash, shown)


async def _let_go(session: QueueSession, uid: str, number: int | None) -> bool:
    """Have a pool's queues forget a VideoJob that is gone, or let one leave whose next attempt has this number."""
    return await (session.forget(uid) if number is None else session.let_leave(uid, number))
