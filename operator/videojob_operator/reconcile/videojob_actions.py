"""What is done for one VideoJob: in its pool's queues, to its worker's Job, and told."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from videojob_contract.api_paths import JOBS, VIDEOJOBS
from videojob_contract.assignment import Assignment
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.payload import pack
from videojob_contract.queue.types import EnqueueState, PoolKey
from videojob_contract.resources.outputs import Output
from videojob_operator import metrics
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.queues import QueueSession
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.act.worker_job import adoption, carrying_job
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.decide.types import (
    Action,
    Adopt,
    CancelInQueue,
    Carry,
    DeleteVideoJob,
    DeleteWorkerJob,
    EmitEvent,
    Enqueue,
    Forget,
    Post,
    Release,
    RenewUrls,
    Settle,
    Withdraw,
)
from videojob_operator.errors import AttemptSpentError, NameTakenError, RefusedError
from videojob_operator.projections import owner_uid
from videojob_operator.records import VideoJobKey, VideoJobRecord
from videojob_operator.traces import Traces

log = logging.getLogger(__name__)


class VideoJobActions:
    """Does what was decided."""

    def __init__(
        self,
        *,
        cache: Cache,
        kubernetes: Kubernetes,
        events: Events,
        session_of: Callable[[PoolKey], QueueSession | None],
        renew_urls: Callable[[VideoJobKey], None],
        webhooks: Webhooks,
        carrying_book: CarryingBook,
        traces: Traces,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._kubernetes = kubernetes
        self._events = events
        self._session_of = session_of
        self._renew_urls = renew_urls
        self._webhooks = webhooks
        self._carrying_book = carrying_book
        self._traces = traces
        self._settings = settings
        self._clock = clock

    async def do(self, record: VideoJobRecord, action: Action) -> int | None:
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
        pool = self._cache.pool_spec(record.pool)
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
