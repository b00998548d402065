"""One RenderPool: observe its workers and queues, decide, start and retire workers, write its status once."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from videojob_common import logs
from videojob_contract.api_paths import JOBS, RENDERPOOLS, SECRETS, VIDEOJOBS, Resource
from videojob_contract.errors import Reason
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.passwords import fingerprint
from videojob_contract.queue.types import PoolKey, PoolSnapshot
from videojob_contract.resources import RenderPoolSpec, RenderPoolStatus
from videojob_contract.resources.status import Phase
from videojob_operator import metrics
from videojob_operator.act import status as status_patch
from videojob_operator.act.events import Events
from videojob_operator.act.explanations import explanation
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.lease_lock import Holder
from videojob_operator.act.ownership import Ownership
from videojob_operator.act.pool_secret import passwords_of, pool_secret
from videojob_operator.act.queues import QueueSession
from videojob_operator.act.worker_job import Manifest, pod_template, template_hash, worker_job
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.decide import history, pool_status
from videojob_operator.decide.admission import CONNECTING_S
from videojob_operator.decide.naming import secret_name, serial_of
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.pool_sharing import sharing_of, weights_of
from videojob_operator.decide.types import (
    ActiveVideoJob,
    EmitEvent,
    Explanation,
    PoolDecision,
    PoolMemory,
    PoolObservation,
)
from videojob_operator.decide.without_queue import SILENT_S
from videojob_operator.errors import ApiError, NamespaceTerminatingError, NameTakenError
from videojob_operator.projections import owner_uid, parse_time
from videojob_operator.rate_book import RateBook
from videojob_operator.reconcile.status_write import patch_status
from videojob_operator.records import PoolRecord, VideoJobKey, VideoJobRecord

log = logging.getLogger(__name__)

OWNED_S = 5.0
"""How often an operator looks whether another still owns a pool, in seconds."""
SECRET_INTERVAL = timedelta(minutes=1)
"""How often a pool that starts workers makes sure that its Secret is there."""
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
        leave_session: Callable[[PoolKey], Coroutine[Any, Any, None]],
        ownership: Ownership,
        rate_book: RateBook,
        carrying_book: CarryingBook,
        look_at: Callable[[VideoJobKey], None],
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._kubernetes = kubernetes
        self._events = events
        self._rate_book = rate_book
        self._carrying_book = carrying_book
        self._look_at = look_at
        self._open_session = open_session
        self._close_session = close_session
        self._leave_session = leave_session
        self._ownership = ownership
        self._settings = settings
        self._clock = clock
        self._terminating: set[PoolKey] = set()
        self._unsettled: dict[PoolKey, set[str]] = {}
        """Names of Jobs of which nobody said whether they were created."""
        self._secrets: dict[PoolKey, tuple[str, datetime]] = {}
        self._taken_serials: dict[PoolKey, int] = {}
        """Serials of names that were found to be others', of each pool the highest."""

    async def __call__(self, key: PoolKey) -> float | None:
        """Reconcile; return in how many seconds to look again, or None."""
        with logs.about(namespace=key.namespace, pool=key.name):
            record = self._cache.pools.get(key)
            if record is None:
                self._terminating.discard(key)
                self._taken_serials.pop(key, None)
                self._unsettled.pop(key, None)
                self._secrets.pop(key, None)
                self._rate_book.forget(key)
                self._carrying_book.forget(key)
                if self._ownership.forget(key):
                    await self._close_session(key)
                metrics.forget_pool(key.namespace, key.name)
                return None
            if not self._ownership.leads:
                self._ownership.stand_by(key)
                await self._leave_session(key)
                return None  # once this replica leads, all are looked at
            holder = await self._ownership.claim(key, record.uid)
            if holder is not None:
                return await self._keep_hands_off(record, holder)
            return await self._reconcile(record)

    async def _keep_hands_off(self, record: PoolRecord, holder: Holder) -> float:
        """Leave the pool to the operator that owns it, and say so if that one lives."""
        await self._leave_session(record.key)
        self._rate_book.forget(record.key)
        self._carrying_book.forget(record.key)
        if holder.renews:
            status = pool_status.contested(
                record.status,
                f"operator {self._ownership.identity} would serve this pool too, and leaves it to {holder.identity}",
                self._clock(),
            )
            if status != record.status:
                log.warning("pool %s belongs to operator %s", record.key, holder.identity)
                await self._write(record, status)
                for event in pool_status.events(record.status, status):
                    self._emit(record, event)
        return OWNED_S

    async def _reconcile(self, record: PoolRecord) -> float | None:
        key, spec = record.key, record.accept().spec
        session = self._open_session(key)
        template: Manifest = {}
        await session.admit_workers(passwords_of(key, record.uid, self._settings))
        if spec is not None:
            await session.configure(weights_of(spec), record.terms, sharing_of(spec))
            secret = self._secret_name(record) if session.has_user else self._settings.worker_redis_secret
            template = pod_template(key.namespace, key.name, spec, self._settings, redis_secret=secret)
        if session.connecting:
            return CONNECTING_S  # or earlier, as soon as it is connected
        await self._settle(key)
        snapshot = await session.snapshot()
        observation = self._observe(record, session, snapshot, template)
        decision = decide_pool(observation)
        failure, refusal = await self._act(record, session, template, decision)
        memory = await self._remember(record, template, decision, refusal)
        if decision.status is not None:
            await self._write(record, decision.status)
        for event in decision.events:
            self._emit(record, event)
        is_news = _is_news(record.memory.explanation, memory.explanation)
        latest = self._cache.pools.get(key)
        if latest and latest.uid == record.uid:
            latest.memory = memory
        self._measure(key, spec, decision.status or observation.status, snapshot)
        if failure is not None:
            raise failure  # tried again; a quota that is used up keeps nobody from seeing what the pool does
        if key in self._terminating:
            return None
        return 0.0 if is_news else decision.requeue_after_s

    def _observe(
        self, record: PoolRecord, session: QueueSession, snapshot: PoolSnapshot | None, template: Manifest
    ) -> PoolObservation:
        key, accepted = record.key, record.accept()
        jobs = self._cache.jobs_of(key)
        now, hash_ = self._clock(), template_hash(template)
        learnt = self._rate_book.serve(key, hash_, record.status.learnt) if accepted.spec else None
        pods = ((job.name, self._cache.pod_of(key.namespace, job.name)) for job in jobs)
        return PoolObservation(
            name=key.name,
            spec=accepted.spec,
            refusal=accepted.refusal,
            left_out=accepted.left_out,
            generation=record.generation,
            status=record.status,
            now=now,
            template_hash=hash_,
            jobs=jobs,
            taken_serial=max(self._cache.taken_serial(key), self._taken_serials.get(key, 0)),
            pods={name: pod for name, pod in pods if pod is not None},
            running=self._cache.running_jobs(key),
            finished=self._cache.beyond(key, history.kept(accepted.spec.history)) if accepted.spec else {},
            snapshot=snapshot,
            queue_full=session.full,
            queue_trouble=session.trouble,
            silent_s=session.silent_s,
            **self._without_queue(key, session, now),
            learnt=learnt if learnt and learnt.rates else record.status.learnt,
            running_s=self._cache.running_s(key, now),
            loads=self._cache.loads.of(key),
            shares_redis_user=bool(self._settings.worker_redis_key) and not session.has_user,
            memory=record.memory,
        )

    def _without_queue(self, key: PoolKey, session: QueueSession, now: datetime) -> dict[str, Any]:
        """Return what an observation has of the VideoJobs of a pool whose queue has been away for long."""
        if session.silent_s < SILENT_S:
            self._carrying_book.forget(key)
            return {}
        turns, aside = self._carrying_book.turns_of(key, now), self._carrying_book.aside_of(key, now)
        waiting = [
            *(each for each in self._cache.active_of(key, Phase.PENDING) if each.waits is Reason.WAITING_FOR_QUEUE),
            *self._cache.active_of(key, Phase.QUEUED),
        ]
        at_work = [*self._cache.active_of(key, Phase.RUNNING), *(each for each in waiting if each.uid in turns)]
        return {
            "turns": turns & {each.uid for each in waiting},
            "waiting": [_active(each, now) for each in waiting if each.uid not in turns | aside],
            "at_work": [_active(each, now) for each in at_work],
        }

    async def _act(
        self, record: PoolRecord, session: QueueSession, template: Manifest, decision: PoolDecision
    ) -> tuple[BaseException | None, str]:
        """Do what was decided; return what went wrong and is to be tried again, and why a worker's Job was refused."""
        key = record.key
        for worker in decision.retire:
            await session.retire(worker)
        failures = await self._start_workers(record, session, template, decision.create)
        failures += await self._give_turns(record, session, template, decision.carry)
        refusal = next((each.words for each in failures if isinstance(each, ApiError) and each.is_refusal), "")
        failures += await self._delete(key, JOBS, [(job.job, job.uid) for job in decision.delete_jobs])
        failures += await self._delete(key, VIDEOJOBS, [(each.name, each.uid) for each in decision.delete_videojobs])
        if any(isinstance(failure, NamespaceTerminatingError) for failure in failures):
            if key not in self._terminating:
                self._terminating.add(key)
                log.info("no worker is started: the namespace is being terminated")
            return None, ""
        self._terminating.discard(key)
        return (failures[0] if failures else None), refusal

    async def _remember(
        self, record: PoolRecord, template: Manifest, decision: PoolDecision, refusal: str
    ) -> PoolMemory:
        """Return the decision's memory, with what Kubernetes says of workers that cannot be made or do not start."""
        memory, namespace = replace(decision.memory, refusal=refusal), record.key.namespace
        if decision.explain is not None:
            pod = self._cache.pod_of(namespace, decision.explain)
            said = await explanation(self._kubernetes, namespace, decision.explain, pod.name if pod else None, template)
            memory = replace(memory, explanation=Explanation(decision.explain, said, self._clock()))
        return memory

    async def _start_workers(
        self, record: PoolRecord, session: QueueSession, template: Manifest, names: Sequence[str]
    ) -> list[BaseException]:
        """Create worker Jobs, and before them the Secret with which they log in; return what went wrong."""
        if names and session.has_user:
            try:
                await self._make_secret(record)
            except ApiError as error:
                return [error]
        # Those that fail are named anew by the next decision; those that succeed are known at once, so it
        # counts them.
        results = await _some_at_a_time(self._create(record, name, template) for name in names)
        # A Job whose answer was lost may be there: one with a higher number in its place would be one too many.
        lost = {name for name, result in zip(names, results, strict=True) if _may_be_done(result)}
        self._unsettled.setdefault(record.key, set()).update(lost)
        return [result for result in results if isinstance(result, BaseException)]

    async def _give_turns(
        self, record: PoolRecord, session: QueueSession, template: Manifest, uids: tuple[str, ...]
    ) -> list[BaseException]:
        """Let VideoJobs begin without the queue; return what went wrong."""
        if uids and session.has_user:
            try:
                await self._make_secret(record)
            except ApiError as error:
                return [error]
        self._carrying_book.give(record.key, uids, template, self._clock())
        for uid in uids:
            videojob = self._cache.videojob_of(uid)
            if videojob is not None:
                self._look_at(videojob)
        return []

    async def _settle(self, key: PoolKey) -> None:
        """Find out which of the Jobs are there whose creation was not answered."""
        names = self._unsettled.get(key, set())
        for name in list(names):
            job = await self._kubernetes.get(JOBS, key.namespace, name)
            if job is not None:
                self._cache.jobs.put(job)
            names.discard(name)

    def _password(self, record: PoolRecord) -> str:
        return passwords_of(record.key, record.uid, self._settings)[0]

    def _secret_name(self, record: PoolRecord) -> str:
        words = self._password(record) + self._settings.redis_sentinel_password
        return secret_name(record.key.name, fingerprint(words))

    async def _make_secret(self, record: PoolRecord) -> None:
        """Make sure that the pool's Secret is there; not every time, but again if someone deletes it."""
        name, now = self._secret_name(record), self._clock()
        known, made_at = self._secrets.get(record.key, ("", now))
        if known != name or now - made_at >= SECRET_INTERVAL:
            secret = pool_secret(
                record.key,
                record.uid,
                name,
                user=Keys(record.key, self._settings.cluster).user,
                password=self._password(record),
                sentinel_password=self._settings.redis_sentinel_password,
            )
            await self._kubernetes.create(SECRETS, record.key.namespace, secret)
            self._secrets[record.key] = (name, now)

    async def _create(self, record: PoolRecord, name: str, template: Manifest) -> None:
        key = record.key
        manifest = worker_job(key.namespace, key.name, record.uid, name, template=template, settings=self._settings)
        job = await self._kubernetes.create(JOBS, key.namespace, manifest)
        if job is None:  # created before, by us, or by others, who may have the name
            job = await self._kubernetes.get(JOBS, key.namespace, name)
        if job is not None and owner_uid(job, "VideoJob") is None and owner_uid(job, "RenderPool") != record.uid:
            self._taken_serials[key] = max(serial_of(name), self._taken_serials.get(key, 0))
            raise NameTakenError(f"Job {name} is there, and is none of this pool: the next name is tried")
        if job is not None:
            self._cache.jobs.put(job)
        log.info("started worker %s", name)

    async def _delete(
        self, key: PoolKey, resource: Resource, objects: Sequence[tuple[str, str]]
    ) -> list[BaseException]:
        """Delete objects by their names and UIDs; return what went wrong."""
        deletions = (self._kubernetes.delete(resource, key.namespace, name, uid=uid) for name, uid in objects)
        results = await _some_at_a_time(deletions)
        return [result for result in results if isinstance(result, BaseException)]

    async def _write(self, record: PoolRecord, status: RenderPoolStatus) -> None:
        key = record.key
        # Refused if it is no longer what was looked at: another operator may have followed this one meanwhile.
        metadata = {"resourceVersion": str(record.version)}
        patch = status_patch.difference(dict(record.raw_status), status.to_dict())
        if patch:
            body = {"metadata": metadata, "status": patch}
            written = await patch_status(self._kubernetes, RENDERPOOLS, self._cache.pools, key, body)
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

    @staticmethod
    def _measure(
        key: PoolKey, spec: RenderPoolSpec | None, status: RenderPoolStatus, snapshot: PoolSnapshot | None
    ) -> None:
        states = Counter(starting=status.starting, idle=status.idle, busy=status.busy, desired=status.desired)
        metrics.pool_known(key.namespace, key.name)
        metrics.workers(key.namespace, key.name, states)
        weights = {queue.name: queue.weight for queue in spec.queues} if spec else {}
        metrics.queue_weights(key.namespace, key.name, weights)
        metrics.backlog(key.namespace, key.name, status.backlog_seconds or 0)
        if snapshot is not None:
            longest_s = max(snapshot.oldest_wait_s.values(), default=0.0)
            metrics.queue_depth(key.namespace, key.name, snapshot.queued, longest_s)


def _active(record: VideoJobRecord, now: datetime) -> ActiveVideoJob:
    spec, status, metadata = record.object["spec"], record.object["status"], record.object["metadata"]
    created_at = parse_time(metadata.get("creationTimestamp")) or now
    return ActiveVideoJob(
        record.uid,
        record.queue,
        spec.get("user") or "",
        spec.get("project") or "",
        spec.get("priority") or 0,
        parse_time(status.get("queuedAt")) or created_at,
        created_at,
    )


async def _some_at_a_time(works: Iterable[Coroutine[Any, Any, object]]) -> list[object]:
    """Do all, `AT_A_TIME` side by side; return what each gave, or the exception that it raised, in order."""
    gate = asyncio.Semaphore(AT_A_TIME)

    async def do(work: Coroutine[Any, Any, object]) -> object:
        async with gate:
            return await work

    return await asyncio.gather(*map(do, works), return_exceptions=True)


def _may_be_done(result: object) -> bool:
    """Whether a request may have been carried out though it failed."""
    return isinstance(result, BaseException) and not (isinstance(result, ApiError) and result.is_refusal)


def _is_news(before: Explanation | None, now: Explanation | None) -> bool:
    return now is not None and (before is None or (before.job, before.message) != (now.job, now.message))
