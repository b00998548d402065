"""A small world to decide in: VideoJobs, a pool, the fake queue, workers, and an operator that crashes.

Time passes only in `tick`. Workers behave as the real ones do towards the queue; what the operator sees of
Kubernetes can lag; of what the operator knows only what it has written survives a restart.
"""

import json
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from tests.unit.decide.build import POOL_SPEC, SPEC
from videojob_contract.assignment import Progress, Result
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.fake import FakeOperatorQueue, FakeServer, FakeWorkerQueue
from videojob_contract.queue.types import (
    GRACE_S,
    RENEW_S,
    Claim,
    PoolKey,
    PoolSnapshot,
    QueueEntry,
    RenewOutcome,
    Retired,
)
from videojob_contract.resources.renderpool import RenderPoolSpec, RenderPoolStatus
from videojob_contract.resources.status import Phase, Stage, VideoJobStatus
from videojob_operator.decide.naming import serial_of
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.specs import accept_videojob
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
    Memory,
    Observation,
    PoolDecision,
    PoolMemory,
    PoolObservation,
    Release,
    Withdraw,
    WorkerJob,
    WorkerPod,
)
from videojob_operator.decide.videojob import decide_videojob

KEY = PoolKey("team", "default")
START_S = 1_767_268_800  # 2026-01-01T12:00Z
POD_START_S = 2.0
JOB_CONTROLLER_S = 3.0
"""How long after a pod's end its Job is seen to be finished."""

LEGAL = {
    Phase.PENDING: set(Phase),
    Phase.QUEUED: set(Phase),
    Phase.RUNNING: set(Phase) - {Phase.QUEUED},
    Phase.SUCCEEDED: {Phase.SUCCEEDED},
    Phase.FAILED: {Phase.FAILED},
    Phase.CANCELLED: {Phase.CANCELLED},
}
T = TypeVar("T")


class CrashError(Exception):
    """The operator ends here."""


def crash_at(count: int, crash_after: int) -> None:
    """End the operator here, if it is to."""
    if count == crash_after:
        raise CrashError


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a call of the fake queue, none of which waits here."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("the fake queue waited")


@dataclass
class Worker:
    """A worker's pod and the process in it."""

    job: WorkerJob
    pod: WorkerPod
    queue: FakeWorkerQueue
    claim: Claim | None = None
    percent: float = 0.0
    renewed_at: float = 0.0
    cut_off: bool = False
    """It cannot reach the queue."""
    disturbed: bool = False
    """It could not reach the queue at some time: another may rightly have taken its place."""
    outcome: Result | None = None
    ended_at: float | None = None

    @property
    def lives(self) -> bool:
        return self.ended_at is None


@dataclass
class Job:
    """A VideoJob as the API server has it, and what the operator remembers of it."""

    uid: str
    spec: dict[str, Any]
    generation: int = 1
    status: dict[str, Any] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    writes: int = 0
    events: list[str] = field(default_factory=list)
    done: bool = False
    """A worker's success was accepted by the queue, and not lost with it."""

    @property
    def raw(self) -> dict[str, Any]:
        metadata = {"namespace": "team", "name": self.uid, "uid": self.uid, "generation": self.generation}
        return {"metadata": metadata, "spec": self.spec, "status": self.status}

    @property
    def phase(self) -> Phase:
        return Phase(self.status.get("phase", "Pending"))


class World:
    """Everything, and the steps that it takes."""

    def __init__(self, **pool: Any) -> None:
        self.time = float(START_S)
        self.server = FakeServer(lambda: self.time)
        self.queue = FakeOperatorQueue(KEY, self.server)
        self.pool = RenderPoolSpec.model_validate(POOL_SPEC | {"idleTimeout": "20s"} | pool)
        self.pool_status = RenderPoolStatus()
        self.pool_memory = PoolMemory()
        self.jobs: dict[str, Job] = {}
        self.workers: dict[str, Worker] = {}
        self.seen: dict[str, tuple[WorkerJob, WorkerPod]] = {}
        self.lagging = False
        self.known = False
        self.applied = 0
        self.stale_entries: set[str] = set()
        """Deleted VideoJobs that the queue is still to forget."""
        run(self.queue.configure({queue.name: queue.weight for queue in self.pool.queues}))
        self.connect()
        self.tick(GRACE_S)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    # --- users

    def apply(self, **spec: Any) -> Job:
        self.applied += 1
        uid = f"video-{self.applied}"
        backoff = {"initial": "1s", "max": "4s"}
        job = self.jobs[uid] = Job(uid, SPEC | {"retry": {"limit": 3, "backoff": backoff}} | spec)
        return job

    def change(self, job: Job, **spec: Any) -> None:
        job.spec = job.spec | spec
        job.generation += 1

    # --- time, workers and Kubernetes

    def tick(self, seconds: float) -> None:
        """Let time pass, in steps of a second."""
        end = self.time + seconds
        while self.time < end:
            self.time = min(self.time + 1, end)
            for worker in list(self.workers.values()):
                self._live(worker)
            self._collect()
            self.connect()
            self.watch()

    def _live(self, worker: Worker) -> None:
        if not worker.lives:
            finished = self.time - (worker.ended_at or 0) >= JOB_CONTROLLER_S
            if finished and worker.job.finished_at is None:
                good = worker.pod.exit_code == 0
                worker.job = replace(
                    worker.job, active=0, succeeded=int(good), failed=int(not good), finished_at=self.now
                )
            return
        if worker.pod.phase == "Pending":
            if (self.now - worker.job.created_at).total_seconds() >= POD_START_S:
                worker.pod = replace(worker.pod, phase="Running", ready=True, started_at=self.now)
            return
        if worker.cut_off or not self.server.available:
            worker.disturbed = worker.disturbed or worker.claim is not None
            return
        if worker.claim is None:
            self._claim(worker)
        elif self.time - worker.renewed_at >= RENEW_S:
            worker.renewed_at = self.time
            outcome = run(worker.queue.renew(worker.claim))
            if outcome is RenewOutcome.LOST:
                self.exit(worker, 0)
            elif outcome is RenewOutcome.CANCELLED or run(worker.queue.wait_signal(worker.claim, 0)):
                self.finish(worker, "cancelled")

    def _claim(self, worker: Worker) -> None:
        answer = run(worker.queue.claim(0))
        if isinstance(answer, Retired):
            self.exit(worker, 0)
        elif answer is not None:
            uid = answer.assignment.uid
            others = [other for other in self.rendering(uid) if not other.disturbed]
            assert not others, f"{uid} is claimed twice"
            assert uid not in self.jobs or self.jobs[uid].phase not in {Phase.SUCCEEDED, Phase.FAILED}
            worker.claim, worker.renewed_at = answer, self.time

    def rendering(self, uid: str) -> list[Worker]:
        return [w for w in self.workers.values() if w.lives and w.claim and w.claim.assignment.uid == uid]

    def report(self, worker: Worker, percent: float) -> None:
        """Let a worker say how far it is."""
        assert worker.claim is not None
        worker.percent = max(worker.percent, percent)
        if self.reaches(worker):
            run(worker.queue.report(worker.claim, Progress(stage=Stage.RENDERING, percent=worker.percent)))

    def reaches(self, worker: Worker) -> bool:
        return self.server.available and not worker.cut_off

    def finish(self, worker: Worker, kind: str, reason: str | None = None) -> None:
        """Let a worker end its attempt in its own way: to the queue, and to its termination log."""
        assert worker.claim is not None
        given = worker.claim.assignment
        result = Result.model_validate({"uid": given.uid, "attempt": given.attempt, "result": kind, "reason": reason})
        if self.reaches(worker):
            accepted = run(worker.queue.finish(worker.claim, result))
            if given.uid in self.jobs:
                self.jobs[given.uid].done |= accepted and kind == "succeeded"
            if not accepted:
                self.exit(worker, 0)
                return
        self.exit(worker, 0, termination_message=result.model_dump_json())

    def exit(self, worker: Worker, code: int, **pod: Any) -> None:
        """End a worker's pod."""
        worker.ended_at = self.time
        phase = "Succeeded" if code == 0 else "Failed"
        worker.pod = replace(worker.pod, **({"phase": phase, "ready": False, "exit_code": code} | pod))

    def _collect(self) -> None:
        """Delete what belongs to VideoJobs that are gone."""
        for name, worker in list(self.workers.items()):
            if worker.job.owner_uid is not None and worker.job.owner_uid not in self.jobs:
                del self.workers[name]

    def delete(self, job: Job) -> None:
        """Delete a VideoJob; the operator sees it go."""
        del self.jobs[job.uid]
        self.stale_entries.add(job.uid)
        self.connect()

    # --- what the operator sees

    def watch(self) -> None:
        if not self.lagging:
            self.seen = {name: (worker.job, worker.pod) for name, worker in self.workers.items()}

    def connect(self) -> None:
        """Do as the operator's session with the queue does."""
        if not self.server.available:
            self.known = False
            return
        if run(self.queue.ensure_epoch()):
            self.found_empty()
        self.known = self.time - self.empty_at >= GRACE_S
        run(self.queue.expired())
        while self.stale_entries:
            run(self.queue.forget(self.stale_entries.pop()))

    def found_empty(self) -> None:
        self.known = False
        self.empty_at = self.time

    def restart(self) -> None:
        """Forget all that was not written."""
        self.pool_memory = PoolMemory()
        for job in self.jobs.values():
            job.memory = Memory()
        self.connect()
        self.watch()

    # --- the operator

    def observe(self, job: Job) -> Observation:
        name = job.status.get("job", {}).get("name", "")
        worker, pod = self.seen.get(name, (None, None))
        entry = self._entry(job)
        if entry is not None and entry.job is not None and entry.job != name:
            worker, pod = self.seen.get(entry.job, (None, None))
        return Observation(
            raw=json.loads(json.dumps(job.raw)),
            accepted=accept_videojob(job.raw),
            now=self.now,
            pool=self.pool,
            queue_known=self.known,
            entry=entry,
            worker_job=worker,
            pod=pod,
            memory=job.memory,
        )

    def _entry(self, job: Job) -> QueueEntry | None:
        if not self.known or not self.server.available:
            self.known = False
            return None
        entry = run(self.queue.entry(job.uid))
        if entry is None and job.phase in {Phase.QUEUED, Phase.RUNNING} and run(self.queue.ensure_epoch()):
            self.found_empty()
        return entry

    def reconcile(self, job: Job, crash_after: int = 1000) -> Decision:
        """Observe, decide and act; the operator crashes once it has done so many of the things to do."""
        decision = decide_videojob(self.observe(job))
        todo = [*decision.before, *([decision.status] if decision.status else []), *decision.after]
        try:
            for count, item in enumerate(todo):
                crash_at(count, crash_after)
                self._do(job, item)
            job.memory = decision.memory
        except (CrashError, QueueUnavailableError):
            self.restart()
        return decision

    def _do(self, job: Job, item: Action | VideoJobStatus) -> None:
        match item:
            case VideoJobStatus():
                self._write(job, item)
            case Enqueue(queue, assignment):
                status = VideoJobStatus.model_validate(job.status)
                assert assignment.attempt == status.failures + status.interruptions + 1
                doubled = [w for w in self.rendering(job.uid) if not w.disturbed and w.claim]
                held = run(self.queue.entry(job.uid))
                assert not doubled or (held is not None and held.attempt == assignment.attempt)
                assert run(self.queue.enqueue(queue, assignment)).accepted
            case Withdraw(uid, attempt):
                run(self.queue.withdraw(uid, attempt))
            case CancelInQueue(uid):
                run(self.queue.cancel(uid))
            case Release(uid, attempt):
                run(self.queue.release(uid, attempt))
            case Forget(uid):
                run(self.queue.forget(uid))
            case Adopt(name):
                if name in self.workers:
                    worker = self.workers[name]
                    assert worker.job.owner_uid in {None, job.uid}, "a Job has one VideoJob"
                    worker.job = replace(worker.job, owner_uid=job.uid)
                    if name in self.seen:
                        self.seen[name] = (worker.job, self.seen[name][1])
            case DeleteWorkerJob(name, uid):
                self._delete_job(name, uid)
            case DeleteVideoJob():
                raise AssertionError("no job here has a time to live")
            case EmitEvent():
                job.events.append(item.reason)

    def _delete_job(self, name: str, uid: str) -> None:
        if name in self.workers and self.workers[name].job.uid == uid:
            self.workers.pop(name).ended_at = self.time
            self.seen.pop(name, None)

    def _write(self, job: Job, new: VideoJobStatus) -> None:
        old = VideoJobStatus.model_validate(job.status)
        assert new.phase in LEGAL[old.phase], f"{old.phase} → {new.phase}"
        if old.phase.is_final:
            raise AssertionError("what is final stays")
        if old.phase is new.phase is Phase.RUNNING and old.attempts == new.attempts:
            assert new.progress >= old.progress
        assert new.attempts - new.failures - new.interruptions in {0, 1}
        assert new.failures >= old.failures
        assert new.interruptions >= old.interruptions
        for condition in new.conditions:
            assert condition.last_transition_time <= self.now
        job.status = new.to_dict()
        job.writes += 1

    def reconcile_pool(self, crash_after: int = 1000) -> PoolDecision:
        """Observe, decide and act on the pool."""
        snapshot = self._snapshot()
        running = {job.status["job"]["name"] for job in self.jobs.values() if job.phase is Phase.RUNNING}
        observation = PoolObservation(
            name="default",
            spec=self.pool,
            generation=1,
            status=self.pool_status,
            now=self.now,
            template_hash="new",
            jobs=tuple(job for job, _ in self.seen.values()),
            pods={name: pod for name, (_, pod) in self.seen.items()},
            running=frozenset(running),
            snapshot=snapshot,
            memory=self.pool_memory,
        )
        decision = decide_pool(observation)
        try:
            for count, name in enumerate(decision.create):
                crash_at(count, crash_after)
                self._create(name)
            for deletion in decision.delete_jobs:
                self._delete_job(deletion.job, deletion.uid)
            for worker_id in decision.retire:
                run(self.queue.retire(worker_id))
            self.pool_memory = decision.memory
            self.pool_status = decision.status or self.pool_status
        except CrashError:
            self.restart()
        return decision

    def _snapshot(self) -> PoolSnapshot | None:
        if not self.known or not self.server.available:
            self.known = False
            return None
        if run(self.queue.ensure_epoch()):
            self.found_empty()
            return None
        return run(self.queue.snapshot())

    def _create(self, name: str) -> None:
        if name in self.workers:
            return
        pod_name = f"{name}-{int(self.time)}"
        self.workers[name] = worker = Worker(
            WorkerJob(name, f"uid-{pod_name}", "default", serial_of(name), "new", None, self.now, active=1),
            WorkerPod(pod_name, name, "Pending"),
            FakeWorkerQueue(KEY, self.server, pod_name, name),
        )
        self.seen[name] = (worker.job, worker.pod)
        working = [w for w in self.workers.values() if w.lives and self._works(w)]
        assert len(working) <= self.pool.max_workers, "more workers than the pool may have"

    def _works(self, worker: Worker) -> bool:
        """Whether a worker has all it needs to work, and was not told to stop."""
        job = self.jobs.get(worker.claim.assignment.uid) if worker.claim else None
        told_to_stop = worker.claim is not None and (job is None or job.phase.is_final)
        return not (worker.disturbed or worker.cut_off or told_to_stop)

    def settle(self) -> None:
        """Let all faults end, every worker succeed and the operator look often, until nothing is left to do."""
        self.server.available, self.lagging = True, False
        for worker in self.workers.values():
            worker.cut_off = False
        for job in self.jobs.values():
            if job.spec.get("suspend"):
                self.change(job, suspend=False)
        for _ in range(400):
            self.reconcile_pool()
            for job in list(self.jobs.values()):
                self.reconcile(job)
            if all(job.phase.is_final for job in self.jobs.values()):
                return
            for worker in list(self.workers.values()):
                if worker.lives and worker.claim and self.time - worker.claim.claimed_at.timestamp() > 3:
                    self.finish(worker, "succeeded")
            self.tick(1)
        raise AssertionError([job.status for job in self.jobs.values()])
