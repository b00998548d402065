"""One VideoJob: observe it, decide, act, write its status once."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from videojob_common import logs
from videojob_contract.api_paths import JOBS, VIDEOJOBS
from videojob_contract.defaults import resolve_outputs
from videojob_contract.errors import Reason
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.errors import NewerRecordError
from videojob_contract.queue.types import PoolKey, QueueEntry
from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.outputs import Output
from videojob_contract.resources.status import ConditionType, Phase, VideoJobStatus
from videojob_operator import metrics
from videojob_operator.act import status as status_patch
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.queues import QueueSession
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.act.worker_job import adoption
from videojob_operator.cache import Cache
from videojob_operator.config import Settings
from videojob_operator.decide import conditions
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.types import (
    Action,
    Adopt,
    CancelInQueue,
    Decision,
    DeleteVideoJob,
    DeleteWorkerJob,
    EmitEvent,
    Enqueue,
    Forget,
    Observation,
    Post,
    Release,
    Settle,
    Withdraw,
    WorkerJob,
    WorkerPod,
)
from videojob_operator.decide.videojob import decide_refused_status, decide_videojob
from videojob_operator.errors import ApiError, RefusedError, StatusRefusedError
from videojob_operator.records import VideoJobKey, VideoJobRecord

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
        owns: Callable[[PoolKey], bool],
        session_of: Callable[[PoolKey], QueueSession | None],
        wake_pool: Callable[[PoolKey], None],
        webhooks: Webhooks,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._kubernetes = kubernetes
        self._events = events
        self._owns = owns
        self._session_of = session_of
        self._wake_pool = wake_pool
        self._webhooks = webhooks
        self._settings = settings
        self._clock = clock
        self._unacknowledged: dict[VideoJobKey, list[tuple[QueueSession, str]]] = {}

    def hold(self, key: VideoJobKey, session: QueueSession, event_id: str) -> None:
        """Acknowledge an event of a queue once this VideoJob's status has been written."""
        self._unacknowledged.setdefault(key, []).append((session, event_id))

    async def __call__(self, key: VideoJobKey) -> float | None:
        """Reconcile; return in how many seconds to look again, or None."""
        with logs.about(namespace=key.namespace, name=key.name):
            record = self._cache.videojobs.get(key)
            if record is not None and record.pool in self._cache.pools and not self._owns(record.pool):
                return (
                    None  # another operator's, or not yet known to be ours: once it is, all of the pool are looked at
                )
            held = self._unacknowledged.pop(key, [])
            try:
                await self._clear_stale_entries(key)
                requeue_after_s = await self._reconcile(key)
            except BaseException:
                self._unacknowledged[key] = held + self._unacknowledged.get(key, [])
                raise
            for session in {session for session, _ in held}:
                await session.ack([event_id for its, event_id in held if its is session])
            return requeue_after_s

    async def _clear_stale_entries(self, key: VideoJobKey) -> None:
        entries = self._cache.stale_entries.get(key, set())
        for pool, uid in list(entries):
            session = self._session_of(pool)
            if session is not None and not (session.known and await session.forget(uid)):
                continue  # its turn comes when the queue is back; what has this name now need not wait for that
            entries.discard((pool, uid))
            self._wake_pool(pool)
        if not entries:
            self._cache.stale_entries.pop(key, None)

    async def _reconcile(self, key: VideoJobKey) -> float | None:
        record = self._cache.videojobs.get(key)
        if record is None:
            return None
        observation = await self._observe(record)
        decision = decide_videojob(observation)
        if decision.status is not None:
            logs.bind(attempt=decision.status.attempts)
        try:
            await self._act(record, observation, decision)
        except StatusRefusedError as error:
            log.error("%s", error)  # noqa: TRY400 - the API server's words say it all
            decision = decide_refused_status(observation, str(error))
            await self._act(record, observation, decision)
        if decision.memory != record.memory:
            latest = self._cache.videojobs.get(key)
            if latest and latest.uid == record.uid:
                latest.memory = decision.memory
        if decision.status is not None and decision.status.phase.is_final:
            return 0.0  # what follows the end, such as its time to live, is looked at once the end is written
        return decision.requeue_after_s

    def _is_connecting(self, pool: PoolKey) -> bool:
        """Whether a pool's queues will be there in a moment: it is too early to say that they are not."""
        session = self._session_of(pool)
        return pool in self._cache.pools and (session is None or session.connecting)

    # --- observe

    async def _observe(self, record: VideoJobRecord) -> Observation:
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
        pool = self._spec_of(record.pool)
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
            accepted=record.accept(),
            now=now,
            **self._pool_fields(record),
            queue_known=is_read and session is not None and session.known,
            queue_connecting=self._is_connecting(record.pool),
            queue_full=session is not None and session.full,
            entry=entry,
            worker_job=job,
            pod=pod,
            posting=self._webhooks.posting(record.key),
            posted=self._webhooks.posted(record.key),
            held_outputs=self._cache.output_holders.others(record.key, pool, outputs),
            patch_interval_s=self._patch_interval_s(),
            jitter=random.random(),  # noqa: S311 - spreads retries, keeps no secret
            memory=memory,
        )

    def _pool_fields(self, record: VideoJobRecord) -> dict[str, Any]:
        """Return what an observation has of the pool."""
        pool = self._cache.pools.get(record.pool)
        if pool is None:
            return {"other_pools": self._cache.pools_in(record.key.namespace)}
        accepted = pool.accept()
        return {
            "pool": accepted.spec,
            "terms": pool.terms,
            "pool_refusal": accepted.refusal,
            "pool_ready": conditions.find(pool.status.conditions, ConditionType.READY),
            "pool_busy": pool.status.busy,
        }

    def _spec_of(self, key: PoolKey) -> RenderPoolSpec | None:
        pool = self._cache.pools.get(key)
        return pool.accept().spec if pool else None

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

    def _worker(self, record: VideoJobRecord, job: str | None) -> tuple[WorkerJob | None, WorkerPod | None]:
        if job is None:
            return None, None
        namespace = record.key.namespace
        return self._cache.job(namespace, job), self._cache.pod_of(namespace, job)

    def _patch_interval_s(self) -> float:
        return max(self._settings.progress_interval_s, self._cache.running / self._settings.progress_writes_per_s)

    # --- act

    async def _act(self, record: VideoJobRecord, observation: Observation, decision: Decision) -> None:
        try:
            for action in decision.before:
                await self._do(record, action)
            if decision.status is None or await self._write(record, observation, decision.status):
                for action in decision.after:
                    await self._do(record, action)
            else:
                self._cache.videojobs.remove(record.key, record.uid)  # it is gone: the queue forgets it in the next run
        finally:
            self._wake_pool_after(record, decision)  # also when an answer was lost: it may be done all the same

    def _wake_pool_after(self, record: VideoJobRecord, decision: Decision) -> None:
        if decision.before or decision.after or (decision.status and decision.status.phase is not record.phase):
            self._wake_pool(record.pool)

    async def _do(self, record: VideoJobRecord, action: Action) -> None:
        namespace, name = record.key
        match action:
            case EmitEvent():
                log.info("%s: %s", action.reason, action.message)
                self._events.emit(
                    "VideoJob",
                    namespace,
                    name,
                    record.uid,
                    type_=action.type,
                    reason=action.reason,
                    message=action.message,
                )
            case Post():
                self._webhooks.post(record.key, action.message, action.receiver, action.rules, keeps=action.keeps)
            case Settle():
                self._webhooks.settle(record.key, action.message)
            case Adopt():
                await self._adopt(record, action.job)
            case DeleteWorkerJob():
                await self._kubernetes.delete(JOBS, namespace, action.job, uid=action.uid)
            case DeleteVideoJob():
                await self._kubernetes.delete(VIDEOJOBS, namespace, action.name, uid=action.uid)
            case _:
                if isinstance(action, Enqueue):
                    self._hold_outputs(record, action.assignment.spec.outputs or ())
                session = self._session_of(record.pool)
                if session is not None:
                    with session.in_touch():
                        await self._do_in_queue(session.queue, action)

    def _hold_outputs(self, record: VideoJobRecord, outputs: Sequence[Output]) -> None:
        pool = self._spec_of(record.pool)
        others = self._cache.output_holders.others(record.key, pool, outputs)
        if others:  # since it was observed: the next look refuses it
            raise RefusedError(f"its outputs go where {', '.join(sorted(set(others.values())))} writes, too")
        self._cache.output_holders.hold(record.key, pool, outputs)

    async def _adopt(self, record: VideoJobRecord, job: str) -> None:
        known = self._cache.job(record.key.namespace, job)
        if known is None or known.pool != record.pool.name:
            # A worker says which Job is its own, and it reads untrusted media: only a worker Job of this pool is.
            log.warning("Job %s is no worker of pool %s, and is not adopted", job, record.pool)
            return
        patched = await self._kubernetes.patch(JOBS, record.key.namespace, job, adoption(record.key.name, record.uid))
        if patched is not None:
            self._cache.jobs.refresh(patched)

    @staticmethod
    async def _do_in_queue(queue: OperatorApi, action: Enqueue | Withdraw | CancelInQueue | Release | Forget) -> None:
        match action:
            case Enqueue():
                answer = await queue.enqueue(
                    action.queue, action.assignment, action.since, action.demand, again=action.again
                )
                if not answer.accepted:
                    raise RefusedError(f"attempt {action.assignment.attempt} was refused as {answer.state}")
            case Withdraw():
                await queue.withdraw(action.uid, action.attempt)
            case CancelInQueue():
                await queue.cancel(action.uid)
            case Release():
                await queue.release(action.uid, action.attempt)
            case Forget():
                await queue.forget(action.uid)

    async def _write(self, record: VideoJobRecord, observation: Observation, new: VideoJobStatus) -> bool:
        """Write the status; False when there is no such VideoJob any more.

        Raises:
            StatusRefusedError: the API server finds it invalid.
        """
        old = observation.raw.get("status", {})
        patch = status_patch.difference(old, new.to_dict())
        if not patch:
            return True
        namespace, name = record.key
        # Refused if it is no longer what was looked at. Above all, one that was created anew under this name must not
        # be given the end of its predecessor; of a UID in a patch of a status, the API server takes no notice.
        body = {"metadata": {"resourceVersion": str(record.version)}, "status": patch}
        try:
            written = await self._kubernetes.patch(VIDEOJOBS, namespace, name, body, subresource="status")
        except ApiError as error:
            if error.reason in _INVALID:
                raise StatusRefusedError(str(error)) from error
            raise
        metrics.status_written("videojobs", progress_only=status_patch.tells_progress_alone(patch))
        if written is None:
            return False
        self._cache.videojobs.refresh(written)
        _count(record, observation, new)
        return True


def _count(record: VideoJobRecord, observation: Observation, new: VideoJobStatus) -> None:
    """Tell the metrics of an attempt that started or ended with this write."""
    pool, entry = record.pool, observation.entry
    old = observation.raw.get("status", {})
    if new.phase is Phase.RUNNING and record.phase is not Phase.RUNNING:
        if new.attempts == new.earlier_attempts + 1 and entry and entry.claimed_at and entry.queued_at:
            wait_s = (entry.claimed_at - entry.queued_at).total_seconds()
            metrics.claimed(pool.namespace, pool.name, entry.queue, wait_s)
        return
    lost = new.failures + new.interruptions > old.get("failures", 0) + old.get("interruptions", 0)
    attempted = new.attempts >= current_number(new)  # a spec that is refused is no attempt
    if not (lost or (new.phase.is_final and attempted)) or record.phase.is_final:
        return
    if new.phase is Phase.SUCCEEDED:
        metrics.attempt_ended(pool.namespace, pool.name, "succeeded", Reason.SUCCEEDED)
        if entry and entry.result:
            metrics.rendered(pool.namespace, pool.name, entry.result.render_s, entry.result.video_s)
    elif new.reason is Reason.SUSPENDED:
        metrics.attempt_ended(pool.namespace, pool.name, "suspended", Reason.SUSPENDED)
    elif new.phase is Phase.CANCELLED:
        metrics.attempt_ended(pool.namespace, pool.name, "cancelled", Reason.CANCELLED)
    elif new.failure is not None:
        metrics.attempt_ended(pool.namespace, pool.name, "failed", new.failure.reason)
