"""A node on the fake API server: it plays Job controller, garbage collector, kubelet and worker, a second at a time.

Workers behave as the real ones do towards the queue. When they are done, and what befalls them, is the test's to say.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from videojob_contract.api_paths import JOBS, PODS
from videojob_contract.assignment import Assignment, Progress, Result
from videojob_contract.labels import ANNOTATION_ASSIGNMENT, LABEL_JOB_NAME
from videojob_contract.queue.fake import FakeServer, FakeWorkerQueue
from videojob_contract.queue.payload import unpack
from videojob_contract.queue.types import RENEW_S, Claim, PoolKey, RenewOutcome, Retired
from videojob_contract.resources.status import Stage
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.kubernetes import Object

POD_START_S = 2.0
JOB_CONTROLLER_S = 3.0
"""How long after a pod's end its Job is seen to be finished."""
ALONE_S = 20.0
"""How long a worker that has nothing to do waits for a queue that is away."""


@dataclass(eq=False)
class Worker:
    """A worker's Job, its pod and the process in it."""

    job: str
    pod: str
    queue: FakeWorkerQueue
    created_at: float
    runs: bool = False
    claim: Claim | None = None
    percent: float = 0.0
    carries: Assignment | None = None
    """What its Job carries for it."""
    registered: bool = False
    alone_at: float | None = None
    """Since when it has nothing to do and cannot reach the queue."""
    renewed_at: float = 0.0
    renew_s: float = RENEW_S
    """How often it renews its lease: on a node that has much else to do, more rarely than it should."""
    cut_off: bool = False
    """It cannot reach the queue."""
    disturbed: bool = False
    """It could not reach the queue at some time: another may rightly have taken its place."""
    ended_at: float | None = None
    good: bool = True
    """Whether its pod succeeded."""
    counted: bool = False
    """Whether its Job was seen to be finished."""

    @property
    def lives(self) -> bool:
        return self.ended_at is None


class Node:
    """Runs every Job there is; `on_claim` is told of every claim, and of every attempt that a Job carries."""

    def __init__(self, server: FakeApiServer, redis: FakeServer, pool: PoolKey, on_claim: Any) -> None:
        self._server = server
        self._redis = redis
        self._pool = pool
        self._on_claim = on_claim
        self._kubernetes = FakeKubernetes(server)
        self._jobs = server.watch(JOBS)
        self._made = 0
        self.workers: dict[str, Worker] = {}
        """By the names of their Jobs."""
        self.succeeded: set[str] = set()
        """Uids of which a worker's success was accepted by the queue, and not lost with it."""

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._live())

    async def _follow(self) -> None:
        while True:
            event = await self._jobs.next()
            name = event.object["metadata"]["name"]
            if event.type == "ADDED":
                await self._start(event.object)
            elif event.type == "DELETED" and name in self.workers:
                self.workers.pop(name).ended_at = self.time
                self._server.collect_garbage()

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._server.collect_garbage()
            for worker in list(self.workers.values()):
                await self._step(worker)

    async def _start(self, job: Object) -> None:
        name, template = job["metadata"]["name"], job["spec"]["template"]
        self._made += 1
        pod = f"{name}-{self._made}"
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
        labels = template["metadata"]["labels"] | {LABEL_JOB_NAME: name}
        metadata = {"name": pod, "labels": labels, "ownerReferences": [owner]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        await self._kubernetes.create(PODS, self._pool.namespace, body)
        worker = Worker(name, pod, FakeWorkerQueue(self._pool, self._redis, pod, name), self.time)
        if (carried := template["metadata"].get("annotations", {}).get(ANNOTATION_ASSIGNMENT)) is not None:
            worker.carries = unpack(carried)
        self.workers[name] = worker

    @property
    def time(self) -> float:
        """The time, in seconds since 1970."""
        return self._redis.now().timestamp()

    async def _step(self, worker: Worker) -> None:
        if worker.ended_at is not None:
            if not worker.counted and self.time - worker.ended_at >= JOB_CONTROLLER_S:
                worker.counted = True
                await self._finish_job(worker)
        elif not worker.runs:
            if self.time - worker.created_at >= POD_START_S:
                worker.runs = True
                if worker.carries is not None:
                    self._on_claim(worker.carries.uid, worker)
                    now = datetime.fromtimestamp(self.time, UTC)
                    worker.claim = Claim(worker.carries, worker.pod, worker.carries.spec.queue, now)
                await self._write_pod(worker, "Running", {"running": {"startedAt": self._now()}})
        elif not self.reaches(worker):
            worker.disturbed = worker.disturbed or worker.claim is not None
            if worker.claim is None:
                worker.alone_at = worker.alone_at or self.time
                if self.time - worker.alone_at >= ALONE_S:
                    await self.exit(worker, 0 if worker.registered else 1)
        elif worker.claim is None:
            await self._claim(worker)
        elif self.time - worker.renewed_at >= worker.renew_s:
            worker.renewed_at = self.time
            outcome = await worker.queue.renew(worker.claim)
            if outcome is RenewOutcome.LOST:
                await self.exit(worker)
            elif outcome is RenewOutcome.CANCELLED or await worker.queue.wait_signal(worker.claim, 0):
                await self.finish(worker, "cancelled")

    async def _claim(self, worker: Worker) -> None:
        worker.registered, worker.alone_at = True, None
        answer = await worker.queue.claim(0)
        if isinstance(answer, Retired):
            await self.exit(worker)
        elif answer is not None:
            self._on_claim(answer.assignment.uid, worker)
            worker.claim, worker.renewed_at = answer, self.time

    def reaches(self, worker: Worker) -> bool:
        """Whether a worker can reach the queue."""
        return self._redis.available and not worker.cut_off

    def living(self, *, busy: bool = False) -> list[Worker]:
        """Return workers that live, all or those at work."""
        return [worker for worker in self.workers.values() if worker.lives and (worker.claim or not busy)]

    def rendering(self, uid: str) -> list[Worker]:
        """Return who renders a VideoJob."""
        return [worker for worker in self.living(busy=True) if worker.claim and worker.claim.assignment.uid == uid]

    # --- what a test has workers do, and done to them

    async def report(self, worker: Worker, percent: float) -> None:
        """Let a worker say how far it is."""
        assert worker.claim is not None
        worker.percent = max(worker.percent, percent)
        if self.reaches(worker):
            await worker.queue.report(worker.claim, Progress(stage=Stage.RENDERING, percent=worker.percent))

    async def finish(self, worker: Worker, kind: str, reason: str | None = None) -> None:
        """Let a worker end its attempt in its own way: to the queue, and to its termination log."""
        assert worker.claim is not None
        given = worker.claim.assignment
        result = Result.model_validate({"uid": given.uid, "attempt": given.attempt, "result": kind, "reason": reason})
        if self.reaches(worker):
            accepted = await worker.queue.finish(worker.claim, result)
            if not accepted:
                await self.exit(worker)
                return
            if kind == "succeeded":
                self.succeeded.add(given.uid)
        await self.exit(worker, said=result.model_dump_json())

    async def exit(self, worker: Worker, code: int = 0, *, why: str = "", said: str = "") -> None:
        """End a worker's pod."""
        worker.ended_at, worker.good = self.time, code == 0
        ended = {"exitCode": code, "reason": "" if why == "Evicted" else why, "message": said}
        reason = {"reason": why} if why == "Evicted" else {}
        await self._write_pod(worker, "Succeeded" if worker.good else "Failed", {"terminated": ended}, **reason)

    async def remove(self, worker: Worker) -> None:
        """Delete a worker's Job, as an administrator may."""
        await self._kubernetes.delete(JOBS, self._pool.namespace, worker.job)

    async def _write_pod(self, worker: Worker, phase: str, state: Object, **more: str) -> None:
        ready = {"type": "Ready", "status": "True" if phase == "Running" else "False"}
        status = {"phase": phase, "conditions": [ready], "containerStatuses": [{"state": state}], **more}
        namespace = self._pool.namespace
        await self._kubernetes.patch(PODS, namespace, worker.pod, {"status": status}, subresource="status")

    async def _finish_job(self, worker: Worker) -> None:
        condition = {
            "type": "Complete" if worker.good else "Failed",
            "status": "True",
            "lastTransitionTime": self._now(),
        }
        status = {"conditions": [condition], "succeeded" if worker.good else "failed": 1}
        namespace = self._pool.namespace
        await self._kubernetes.patch(JOBS, namespace, worker.job, {"status": status}, subresource="status")

    def _now(self) -> str:
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
