"""One VideoJob: observe it, decide, act, write its status once."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from videojob_common import logs
from videojob_contract.api_paths import JOBS, VIDEOJOBS
from videojob_contract.assignment import Assignment
from videojob_contract.defaults import resolve_outputs
from videojob_contract.errors import Reason
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.errors import NewerRecordError
from videojob_contract.queue.payload import pack
from videojob_contract.queue.types import EnqueueState, PoolKey, QueueEntry
from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.outputs import Output
from videojob_contract.resources.status import ConditionType, Phase, VideoJobStatus
from videojob_operator import metrics
from videojob_operator.act import status as status_patch
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.queues import QueueSession
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.act.worker_job import adoption, carrying_job
from videojob_operator.admission_book import AdmissionBooks
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.decide import budget, conditions, rates
from videojob_operator.decide.attempt import current_number, left_behind
from videojob_operator.decide.backlog import Backlog
from videojob_operator.decide.pool_size import in_force
from videojob_operator.decide.progress import placed_at
from videojob_operator.decide.types import (
    Action,
    Adopt,
    CancelInQueue,
    Carry,
    Decision,
    DeleteVideoJob,
    DeleteWorkerJob,
    EmitEvent,
    Enqueue,
    Forget,
    Observation,
    Post,
    Release,
    RenewUrls,
    Settle,
    Withdraw,
    WorkerJob,
    WorkerPod,
)
from videojob_operator.decide.videojob import decide_refused_status, decide_spent_attempt, decide_videojob
from videojob_operator.errors import ApiError, AttemptSpentError, NameTakenError, RefusedError, StatusRefusedError
from videojob_operator.projections import owner_uid
from videojob_operator.rate_book import RateBook
from videojob_operator.reconcile.status_write import patch_status
from videojob_operator.records import VideoJobKey, VideoJobRecord
from videojob_operator.traces import Traces

log = logging.getLogger(__name__)

COUNTED = timedelta(seconds=1)
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
        self._cache = cache
        self._kubernetes = kubernetes
        self._events = events
        self._serves = serves
        self._session_of = session_of
        self._wake_pool = wake_pool
        self._renew_urls = renew_urls
        self._webhooks = webhooks
        self._books = books
        self._rate_book = rate_book
        self._carrying_book = carrying_book
        self._traces = traces
        self._spaced: tuple[datetime, float] | None = None
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
            observation = await self._observe(record)
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

    def _is_leaving(self, record: VideoJobRecord) -> bool:
        """Whether the queues of another pool may still have it."""
        return any(uid == record.uid for _, uid in self._cache.stale_entries.get(record.key, ()))

    async def _reconcile(self, key: VideoJobKey) -> float | None:
        record = self._cache.videojobs.get(key)
        if record is None:
            return None
        if trace_id := self._traces.trace_id(record.object):
            logs.bind(trace_id=trace_id)
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
        self._books.ask(record.pool, record.uid, decision.asks)
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

    # --- act

    async def _act(self, record: VideoJobRecord, observation: Observation, decision: Decision) -> None:
        try:
            status = decision.status
            for action in decision.before:
                position = await self._do(record, action)
                if status is not None and status.phase is Phase.QUEUED and position is not None:
                    status = placed_at(observation, status, position)
            if status is None or await self._write(record, observation, status):
                for action in decision.after:
                    await self._do(record, action)
            else:
                self._cache.videojobs.remove(record.key, record.uid)  # it is gone: the queue forgets it in the next run
        finally:
            self._wake_pool_after(record, decision)  # also when an answer was lost: it may be done all the same

    def _wake_pool_after(self, record: VideoJobRecord, decision: Decision) -> None:
        if decision.before or decision.after or (decision.status and decision.status.phase is not record.phase):
            self._wake_pool(record.pool)

    async def _do(self, record: VideoJobRecord, action: Action) -> int | None:
        """Act; return the place in its queue that the VideoJob has by that, if it has one."""
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
            case RenewUrls():
                self._renew_urls(record.key)
            case Adopt() | Carry() | DeleteWorkerJob():
                await self._do_to_job(record, action)
            case DeleteVideoJob():
                await self._kubernetes.delete(VIDEOJOBS, namespace, action.name, uid=action.uid)
            case _:
                if isinstance(action, Enqueue):
                    action = replace(action, assignment=self._given_out(record, action.assignment))
                session = self._session_of(record.pool)
                if session is not None:
                    with session.in_touch():
                        return await self._do_in_queue(session.queue, action)
        return None

    async def _do_to_job(self, record: VideoJobRecord, action: Adopt | Carry | DeleteWorkerJob) -> None:
        match action:
            case Adopt():
                await self._adopt(record, action.job)
            case Carry():
                await self._carry(record, action)
            case DeleteWorkerJob():
                await self._kubernetes.delete(JOBS, record.key.namespace, action.job, uid=action.uid)

    def _given_out(self, record: VideoJobRecord, assignment: Assignment) -> Assignment:
        """Hold the outputs of an attempt that a worker is to have, and name its trace to that."""
        self._hold_outputs(record, assignment.spec.outputs or ())
        trace_id = self._traces.trace_id(record.object)
        return assignment.model_copy(update={"trace_id": trace_id}) if trace_id else assignment

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

    async def _carry(self, record: VideoJobRecord, action: Carry) -> None:
        namespace, name = record.key
        assignment = self._given_out(record, action.assignment)
        template = self._carrying_book.template_for(record.pool, record.uid, self._clock())
        if template is None:
            raise RefusedError("it is another one's turn by now")
        manifest = carrying_job(
            namespace,
            record.pool.name,
            action.job,
            videojob=name,
            uid=record.uid,
            payload=pack(assignment),
            template=template,
            settings=self._settings,
        )
        job = await self._kubernetes.create(JOBS, namespace, manifest)
        if job is None:  # created before, and its answer was lost
            job = await self._kubernetes.get(JOBS, namespace, action.job)
        if job is None or owner_uid(job, "VideoJob") != record.uid:
            raise NameTakenError(f"Job {action.job} is there, and is another's")
        self._cache.jobs.put(job)
        self._carrying_book.end(record.pool, record.uid)
        metrics.attempt_carried(record.pool.namespace, record.pool.name)

    @staticmethod
    async def _do_in_queue(
        queue: OperatorApi, action: Enqueue | Withdraw | CancelInQueue | Release | Forget
    ) -> int | None:
        match action:
            case Enqueue():
                answer = await queue.enqueue(
                    action.queue, action.assignment, action.since, action.demand, again=action.again
                )
                if answer.state is EnqueueState.STALE:
                    raise AttemptSpentError(f"attempt {action.assignment.attempt} was given up")
                if not answer.accepted:
                    raise RefusedError(f"attempt {action.assignment.attempt} was refused as {answer.state}")
                return answer.position
            case Withdraw():
                if not await queue.withdraw(action.uid, action.attempt) and action.strictly:
                    raise RefusedError(f"attempt {action.attempt} waits in its queue no more")
            case CancelInQueue():
                await queue.cancel(action.uid)
            case Release():
                await queue.release(action.uid, action.attempt)
            case Forget():
                await queue.forget(action.uid)
        return None

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
        _count(record, observation, new, self._traces.trace_id(record.object))
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


def _count(record: VideoJobRecord, observation: Observation, new: VideoJobStatus, trace_id: str | None) -> None:
    """Tell the metrics of an attempt that started or ended with this write."""
    pool, entry = record.pool, observation.entry
    old = observation.raw.get("status", {})
    if new.phase is Phase.RUNNING and record.phase is not Phase.RUNNING:
        if new.attempts == new.earlier_attempts + 1 and entry and entry.claimed_at and entry.queued_at:
            wait_s = (entry.claimed_at - entry.queued_at).total_seconds()
            metrics.claimed(pool.namespace, pool.name, entry.queue, wait_s, trace_id)
        return
    lost = new.failures + new.interruptions > old.get("failures", 0) + old.get("interruptions", 0)
    attempted = new.attempts >= current_number(new)  # a spec that is refused is no attempt
    if not (lost or (new.phase.is_final and attempted)) or record.phase.is_final:
        return
    spent_s = _spent_s(observation)
    if new.phase is Phase.SUCCEEDED:
        metrics.attempt_ended(pool.namespace, pool.name, "succeeded", Reason.SUCCEEDED, spent_s)
        if entry and entry.result:
            predicted_s = new.predicted.seconds if new.predicted else None
            took = entry.result.render_s, entry.result.video_s
            metrics.rendered(pool.namespace, pool.name, *took, predicted_s=predicted_s, trace_id=trace_id)
    elif new.reason is Reason.SUSPENDED:
        metrics.attempt_ended(pool.namespace, pool.name, "suspended", Reason.SUSPENDED, spent_s)
    elif new.phase is Phase.CANCELLED:
        metrics.attempt_ended(pool.namespace, pool.name, "cancelled", Reason.CANCELLED, spent_s)
    elif new.failure is not None:
        metrics.attempt_ended(pool.namespace, pool.name, "failed", new.failure.reason, spent_s)


def _spent_s(observation: Observation) -> float:
    """Return how long an attempt that has ended took its worker, which says so if it can."""
    entry = observation.entry
    if entry is None or entry.claimed_at is None:
        return 0.0
    return entry.result.render_s if entry.result else (observation.now - entry.claimed_at).total_seconds()
