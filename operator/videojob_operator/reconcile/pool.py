"""One RenderPool: observe its workers and queues, decide, start and retire workers, write its status once."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from videojob_common import logs
from videojob_contract.api_paths import JOBS, RENDERPOOLS
from videojob_contract.queue.types import PoolKey, PoolSnapshot
from videojob_contract.resources import RenderPoolStatus
from videojob_operator import metrics
from videojob_operator.act import status as status_patch
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.queues import CONNECTING_S, QueueSession
from videojob_operator.act.worker_job import Manifest, pod_template, template_hash, worker_job
from videojob_operator.cache import Cache
from videojob_operator.config import Settings
from videojob_operator.decide.naming import serial_of
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.types import EmitEvent, PoolDecision, PoolObservation
from videojob_operator.errors import ApiError, NamespaceTerminatingError, NameTakenError
from videojob_operator.projections import owner_uid
from videojob_operator.records import PoolRecord

log = logging.getLogger(__name__)

_TERMINATING = "the namespace is being terminated"
AT_A_TIME = 8
"""Worker Jobs created at a time: the API server should have others to serve."""


class PoolReconciler:
    """Brings one RenderPool at a time to where it should be."""

    def __init__(
        self,
        *,
        cache: Cache,
        kubernetes: Kubernetes,
        events: Events,
        open_session: Callable[[PoolKey], QueueSession],
        close_session: Callable[[PoolKey], Coroutine[Any, Any, None]],
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._kubernetes = kubernetes
        self._events = events
        self._open_session = open_session
        self._close_session = close_session
        self._settings = settings
        self._clock = clock
        self._failure_told: dict[PoolKey, str] = {}
        self._taken_serials: dict[PoolKey, int] = {}
        """Serials of names that were found to be others', of each pool the highest."""

    async def __call__(self, key: PoolKey) -> float | None:
        """Reconcile; return in how many seconds to look again, or None."""
        with logs.about(namespace=key.namespace, pool=key.name):
            record = self._cache.pools.get(key)
            if record is None:
                self._failure_told.pop(key, None)
                self._taken_serials.pop(key, None)
                await self._close_session(key)
                metrics.forget_pool(key.namespace, key.name)
                return None
            return await self._reconcile(record)

    async def _reconcile(self, record: PoolRecord) -> float | None:
        key, spec = record.key, record.accept().spec
        session = self._open_session(key)
        template: Manifest = {}
        if spec is not None:
            await session.configure({queue.name: queue.weight for queue in spec.queues}, record.terms)
            template = pod_template(key.namespace, key.name, spec, self._settings)
        if session.connecting:
            return CONNECTING_S  # or earlier, as soon as it is connected
        snapshot = await session.snapshot()
        observation = self._observe(record, snapshot, template)
        decision = decide_pool(observation)
        failure = await self._act(record, session, template, decision)
        if decision.status is not None:
            await self._write(record, decision.status)
        for event in decision.events:
            self._emit(record, event)
        latest = self._cache.pools.get(key)
        if latest and latest.uid == record.uid:
            latest.memory = decision.memory
        self._measure(key, decision.status or observation.status, snapshot)
        if failure is not None:
            raise failure  # tried again; a quota that is used up keeps nobody from seeing what the pool does
        return decision.requeue_after_s

    def _observe(self, record: PoolRecord, snapshot: PoolSnapshot | None, template: Manifest) -> PoolObservation:
        key, accepted = record.key, record.accept()
        jobs = self._cache.jobs_of(key)
        pods = ((job.name, self._cache.pod_of(key.namespace, job.name)) for job in jobs)
        return PoolObservation(
            name=key.name,
            spec=accepted.spec,
            refusal=accepted.refusal,
            generation=record.generation,
            status=_read(record.status),
            now=self._clock(),
            template_hash=template_hash(template),
            jobs=jobs,
            taken_serial=max(self._cache.taken_serial(key), self._taken_serials.get(key, 0)),
            pods={name: pod for name, pod in pods if pod is not None},
            running=self._cache.running_jobs(key),
            snapshot=snapshot,
            memory=record.memory,
        )

    async def _act(
        self, record: PoolRecord, session: QueueSession, template: Manifest, decision: PoolDecision
    ) -> BaseException | None:
        """Do what was decided; return why a worker could not be created, if that is to be tried again."""
        key = record.key
        for worker in decision.retire:
            await session.queue.retire(worker)
        for job in decision.delete_jobs:
            await self._kubernetes.delete(JOBS, key.namespace, job.job, uid=job.uid)
        gate = asyncio.Semaphore(AT_A_TIME)
        # Those that fail are named anew by the next decision; those that succeed are known at once, so it
        # counts them.
        results = await asyncio.gather(
            *(self._create(record, name, template, gate) for name in decision.create), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        if any(isinstance(failure, NamespaceTerminatingError) for failure in failures):
            if self._failure_told.get(key) != _TERMINATING:
                self._failure_told[key] = _TERMINATING
                log.info("no worker is started: the namespace is being terminated")
            return None
        if failures:
            self._tell_failure(record, failures[0])
            return failures[0]
        self._failure_told.pop(key, None)
        return None

    async def _create(self, record: PoolRecord, name: str, template: Manifest, gate: asyncio.Semaphore) -> None:
        key = record.key
        manifest = worker_job(key.namespace, key.name, record.uid, name, template=template, settings=self._settings)
        async with gate:
            job = await self._kubernetes.create(JOBS, key.namespace, manifest)
            if job is None:  # created before, by us, or by others, who may have the name
                job = await self._kubernetes.get(JOBS, key.namespace, name)
        if job is not None and owner_uid(job, "VideoJob") is None and owner_uid(job, "RenderPool") != record.uid:
            self._taken_serials[key] = max(serial_of(name), self._taken_serials.get(key, 0))
            raise NameTakenError(f"Job {name} is there, and is none of this pool: the next name is tried")
        if job is not None:
            self._cache.jobs.put(job)
        log.info("started worker %s", name)

    async def _write(self, record: PoolRecord, status: RenderPoolStatus) -> None:
        key = record.key
        patch = status_patch.difference(dict(record.status), status.to_dict())
        if patch:
            written = await self._kubernetes.patch(
                RENDERPOOLS, key.namespace, key.name, {"status": patch}, subresource="status"
            )
            metrics.status_written("renderpools", progress_only=False)
            if written is not None:
                self._cache.pools.refresh(written)

    def _emit(self, record: PoolRecord, event: EmitEvent) -> None:
        log.info("%s: %s", event.reason, event.message)
        self._events.emit(
            "RenderPool",
            record.key.namespace,
            record.key.name,
            record.uid,
            type_=event.type,
            reason=event.reason,
            message=event.message,
        )

    def _tell_failure(self, record: PoolRecord, error: BaseException) -> None:
        """Post an Event, once for each kind of failure in a row: the creation is tried again and again."""
        kind = f"{error.code} {error.reason}" if isinstance(error, ApiError) else type(error).__name__
        if self._failure_told.get(record.key) == kind:
            return
        self._failure_told[record.key] = kind
        self._events.emit(
            "RenderPool",
            record.key.namespace,
            record.key.name,
            record.uid,
            type_="Warning",
            reason="FailedCreate",
            message=f"a worker Job could not be created: {error}",
        )

    @staticmethod
    def _measure(key: PoolKey, status: RenderPoolStatus, snapshot: PoolSnapshot | None) -> None:
        states = Counter(starting=status.starting, idle=status.idle, busy=status.busy, desired=status.desired)
        metrics.workers(key.namespace, key.name, states)
        if snapshot is not None:
            longest_s = max(snapshot.oldest_wait_s.values(), default=0.0)
            metrics.queue_depth(key.namespace, key.name, snapshot.queued, longest_s)


def _read(status: Mapping[str, Any]) -> RenderPoolStatus:
    try:
        return RenderPoolStatus.model_validate(status)
    except ValidationError:
        return RenderPoolStatus()  # not of this version's making: it is written anew
