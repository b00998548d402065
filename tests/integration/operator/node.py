"""A node that renders nothing: it plays Job controller, kubelet and worker for the Jobs of one namespace.

For each Job it makes the pod of its template, which the real API server admits or refuses, and runs a worker
that speaks the real queue protocol. What a worker does with a claim is a function of the test's own. Of a Job that
carries its attempt it runs the real worker, as a process of its own.
"""

import asyncio
import base64
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
from kubernetes.aio.client.exceptions import ApiException
from redis.asyncio import Redis

from videojob_contract.api_paths import JOBS, PODS, SECRETS, Resource
from videojob_contract.assignment import Assignment, Progress, Result
from videojob_contract.errors import Reason
from videojob_contract.labels import ANNOTATION_ASSIGNMENT
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.payload import unpack
from videojob_contract.queue.types import Claim, PoolKey, Retired
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.status import OutputStatus, Stage
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.errors import ApiError

T = TypeVar("T")
GATHER_S = 0.05
"""How long after a change the Jobs are looked at: they come several at a time."""
LOOK_S = 1.0
"""How often they are looked at when no change is told, as while the API server is away."""
PROGRAM = Path(sys.executable).with_name("videojob-worker")
ALONE_S = 20.0
"""How long a worker that has nothing to do waits for a Redis that does not answer."""
FINISH_S = 15.0
"""How long a worker tries to hand in a result."""
RETRY_S = 1.0
"""How long after a pod was refused it is tried again."""


def succeeded(assignment: Assignment, render_s: float = 1.0) -> Result:
    """Return a result with the outputs that were asked for."""
    outputs = [
        OutputStatus(name=output.name, uri=output.uri or "", bytes=1000, sha256="0" * 64, frames=30, duration=1.0)
        for output in assignment.spec.outputs or []
    ]
    return Result(
        uid=assignment.uid,
        attempt=assignment.attempt,
        result="succeeded",
        outputs=outputs,
        render_s=render_s,
        video_s=1.0,
    )


def failed(assignment: Assignment, reason: Reason, message: str = "", render_s: float = 0.0) -> Result:
    """Return the result of an attempt that failed."""
    return Result(
        uid=assignment.uid,
        attempt=assignment.attempt,
        result="failed",
        reason=reason,
        message=message,
        render_s=render_s,
    )


@dataclass(frozen=True)
class Program:
    """A real worker."""

    command: tuple[str | Path, ...] = (PROGRAM,)
    env: Mapping[str, str] = field(default_factory=dict)


class Worker:
    """What a render function is given: its claim, and a way to report."""

    def __init__(self, queue: WorkerQueue, claim: Claim, name: str) -> None:
        self.queue = queue
        self.claim = claim
        self.name = name

    async def report(self, percent: float, stage: Stage = Stage.RENDERING) -> None:
        """Report progress."""
        await self.queue.report(self.claim, Progress(stage=stage, percent=percent, message=f"at {percent:.0f}"))

    async def cancelled(self, timeout_s: float) -> bool:
        """Wait for a cancel."""
        return await self.queue.wait_signal(self.claim, timeout_s)


async def changes(kubernetes: Kubernetes, resource: Resource, namespace: str) -> AsyncIterator[bytes]:
    """Yield something at each change of the objects of a namespace, until the API server ends it."""
    method, url, headers, *_ = await kubernetes._api.param_serialize(
        *("GET", resource.url(namespace)), query_params=[("watch", "1")], auth_settings=["BearerToken"]
    )
    answer = (await kubernetes._api.call_api(method, url, headers)).response
    async with answer:
        async for said in answer.content.iter_any():
            yield said


_CREDENTIALS = ("VIDEOJOB_REDIS_USER", "VIDEOJOB_REDIS_PASSWORD")
Render = Callable[[Worker], Awaitable[Result]]


async def at_once(worker: Worker) -> Result:
    """Render in no time."""
    return succeeded(worker.claim.assignment)


class Node:
    """Runs every Job of a namespace."""

    def __init__(self, kubernetes: Kubernetes, redis: Redis, namespace: str, render: Render = at_once) -> None:
        self._kubernetes = kubernetes
        self._redis = redis
        self._namespace = namespace
        self.render = render
        self.program: Program | None = None
        """What every worker is, in place of one that `render` does the work of."""
        self.posts_events = True
        """Whether it says why a pod was refused, as the Job controller does."""
        self.starts: list[tuple[str, int]] = []
        """Name of the VideoJob and number of each attempt that began, in order."""
        self.lost = Counter[tuple[str, int]]()
        """How many of them ended with their worker, without a word."""
        self.words: dict[str, str] = {}
        """Last word of the pod that rendered each VideoJob, by its name: what the kubelet knows."""
        self.rendered: dict[str, str] = {}
        """Which VideoJob each Job has rendered."""
        self.frozen: set[str] = set()
        """Pods that do nothing, and so renew nothing."""
        self.at_work = 0
        self.most_at_work = 0
        self._clients: list[Redis] = []
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._loops = [asyncio.create_task(self._run()), asyncio.create_task(self._watch())]
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._loops, *self._workers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients:
            await client.aclose()

    def lose(self, job: str) -> None:
        """Have a worker vanish without a word, as when its node loses power."""
        self._workers[job].cancel()

    async def catch_up(self, lost: Collection[str] = ()) -> None:
        """Do as Job controller and kubelet do whose API server has been put back to a backup.

        A Job without a pod gets one; and how a container has ended is said anew, but of those of VideoJobs in `lost`,
        of which nobody knows any more.
        """
        pods = [pod["metadata"] async for pod in self._kubernetes.list(PODS, self._namespace)]
        by_job = {pod["labels"]["batch.kubernetes.io/job-name"]: pod["name"] for pod in pods}
        for job in [job for job, task in self._workers.items() if task.done()]:
            if job not in by_job:
                del self._workers[job]
            elif self.rendered.get(job) not in lost:
                words = self.words.get(self.rendered.get(job, ""), "")
                status = status_of_pod("Succeeded", words)
                await self._kubernetes.patch(PODS, self._namespace, by_job[job], status, subresource="status")

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):  # Python 3.11's `wait_for` may lose that it is cancelled
                    await self._changed.wait()
            await asyncio.sleep(GATHER_S)
            self._changed.clear()
            try:
                jobs = [job async for job in self._kubernetes.list(JOBS, self._namespace)]
            except ApiError:  # it is restarted
                continue
            names = {job["metadata"]["name"] for job in jobs if "deletionTimestamp" not in job["metadata"]}
            for job in jobs:
                name = job["metadata"]["name"]
                if name in names and name not in self._workers:
                    self._workers[name] = asyncio.create_task(self._work(job))
            for name in self._workers.keys() - names:
                self._workers.pop(name).cancel()  # the name may come again, of another Job

    async def _watch(self) -> None:
        """Tell that Jobs have changed; the list says how."""
        while True:
            with suppress(aiohttp.ClientError, ApiException, TimeoutError):
                async for _ in changes(self._kubernetes, JOBS, self._namespace):
                    self._changed.set()
            await asyncio.sleep(GATHER_S)

    async def _work(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        pod = f"{name}-{secrets.token_hex(3)[:5]}"
        while (refusal := await self._refusal_of_pod(job, pod)) is not None:
            if self.posts_events:
                await self._post_event(job, f"Error creating: {refusal}")
            await asyncio.sleep(RETRY_S)
        env = {item["name"]: item for item in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        if "VIDEOJOB_ASSIGNMENT" in env:
            await self._end_pod(job, pod, *await self._carry(job, pod, env))
            return
        if (program := self.program) is not None:
            await self._end_pod(job, pod, *await self._run_program(program, job, pod, env))
            return
        pool = PoolKey(env["VIDEOJOB_NAMESPACE"]["value"], env["VIDEOJOB_POOL"]["value"])
        queue = WorkerQueue(pool, await self._log_in(env), pod, name, cluster=env["VIDEOJOB_CLUSTER"].get("value", ""))
        message, answered_at = "", time.monotonic()
        while time.monotonic() - answered_at < ALONE_S:
            with suppress(QueueUnavailableError):
                await queue.register()
                claim = await queue.claim(5)
                if isinstance(claim, Claim):
                    self.rendered[name] = claim.assignment.name
                    message = await self._attempt(Worker(queue, claim, pod))
                if claim is not None:
                    assert isinstance(claim, (Claim, Retired))
                    break
                answered_at = time.monotonic()
        await self._end_pod(job, pod, message)

    async def _carry(self, job: dict[str, Any], pod: str, env: dict[str, dict[str, Any]]) -> tuple[str, int]:
        """Run the real worker with what a Job carries; return its last word, and its exit code."""
        payload = job["spec"]["template"]["metadata"]["annotations"][ANNOTATION_ASSIGNMENT]
        assignment = unpack(payload)
        self.starts.append((assignment.name, assignment.attempt))
        return await self._run_program(Program(), job, pod, env, payload)

    async def _run_program(
        self, program: Program, job: dict[str, Any], pod: str, env: dict[str, dict[str, Any]], payload: str = ""
    ) -> tuple[str, int]:
        """Run a real worker to its end; return its last word, and its exit code."""
        with tempfile.TemporaryDirectory(prefix="videojob-node-") as name:
            folder = Path(name)
            for each in ("volumes/media", "scratch"):
                (folder / each).mkdir(parents=True)
            words = {name: item["value"] for name, item in env.items() if "value" in item}
            words |= {
                "VIDEOJOB_WORKER": pod,
                "VIDEOJOB_JOB": job["metadata"]["name"],
                "VIDEOJOB_SCRATCH": str(folder / "scratch"),
                "VIDEOJOB_VOLUMES": str(folder / "volumes"),
                "VIDEOJOB_TERMINATION_LOG": str(folder / "termination-log"),
                "VIDEOJOB_CPU_LIMIT": "1",
            }
            if payload:
                (folder / "assignment").write_text(payload)
                words["VIDEOJOB_ASSIGNMENT"] = str(folder / "assignment")
            if "VIDEOJOB_REDIS_USER" in env:
                words |= dict(zip(_CREDENTIALS, await self._credentials(env), strict=True))
            process = await asyncio.create_subprocess_exec(*program.command, env=os.environ | words | program.env)
            try:
                code = await process.wait()
            except asyncio.CancelledError:  # the Job was deleted
                process.terminate()
                await process.wait()
                raise
            last = folder / "termination-log"
            return last.read_text() if last.exists() else "", code

    async def _log_in(self, env: dict[str, dict[str, Any]]) -> Redis:
        """Return a client with the user and password of a pod; that of this node if it has none."""
        if "VIDEOJOB_REDIS_USER" not in env:
            return self._redis
        user, password = await self._credentials(env)
        client = connect(env["VIDEOJOB_REDIS_URL"]["value"], username=user, password=password)
        self._clients.append(client)
        return client

    async def _credentials(self, env: dict[str, dict[str, Any]]) -> list[str]:
        """Return user and password of a pod, from its Secret."""
        words = []
        for name in _CREDENTIALS:
            reference = env[name]["valueFrom"]["secretKeyRef"]
            secret = await self._kubernetes.get(SECRETS, self._namespace, reference["name"])
            assert secret, f"CreateContainerConfigError: there is no Secret {reference['name']}"
            words.append(base64.b64decode(secret["data"][reference["key"]]).decode())
        return words

    async def _attempt(self, worker: Worker) -> str:
        assignment = worker.claim.assignment
        self.starts.append((assignment.name, assignment.attempt))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        renewal = asyncio.create_task(self._renew(worker))
        try:
            result = await self.render(worker)
            give_up = time.monotonic() + FINISH_S
            while time.monotonic() < give_up:
                with suppress(QueueUnavailableError):
                    await worker.queue.finish(worker.claim, result)
                    break
                await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            self.lost[assignment.name, assignment.attempt] += 1
            raise
        else:
            words = self.words[assignment.name] = result.model_dump_json(by_alias=True)
            return words
        finally:
            self.at_work -= 1
            renewal.cancel()

    async def _renew(self, worker: Worker) -> None:
        while True:
            await asyncio.sleep(1)
            if worker.name not in self.frozen:
                with suppress(QueueUnavailableError):
                    await worker.queue.renew(worker.claim)

    async def _refusal_of_pod(self, job: dict[str, Any], name: str) -> str | None:
        """Make the pod of a Job, or return why it is refused."""
        try:
            await until_done(lambda: self._kubernetes.create(PODS, self._namespace, pod_of(job, name)))
        except ApiError as error:
            return error.words
        await self._say(PODS, name, status_of_pod("Running"))
        return None

    async def _post_event(self, job: dict[str, Any], message: str) -> None:
        """Post an Event as the Job controller does, which has not moved to `events.k8s.io`."""
        name = job["metadata"]["name"]
        event = {
            "metadata": {"name": f"{name}.{secrets.token_hex(8)}"},
            "involvedObject": {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "namespace": self._namespace,
                "name": name,
                "uid": job["metadata"]["uid"],
            },
            "reason": "FailedCreate",
            "message": message,
            "source": {"component": "job-controller"},
            "firstTimestamp": _now(),
            "lastTimestamp": _now(),
            "count": 1,
            "type": "Warning",
        }
        await self._kubernetes.create(Resource("api/v1", "events"), self._namespace, event)

    async def _end_pod(self, job: dict[str, Any], pod: str, message: str, code: int = 0) -> None:
        await self._say(PODS, pod, status_of_pod("Failed" if code else "Succeeded", message, code))
        await self._say(JOBS, job["metadata"]["name"], status_of_finished_job(failed=code != 0))

    async def _say(self, resource: Resource, name: str, status: dict[str, Any]) -> None:
        patch = self._kubernetes.patch
        await until_done(lambda: patch(resource, self._namespace, name, status, subresource="status"))


async def until_done(do: Callable[[], Awaitable[T]]) -> T:
    """Do what Job controller and kubelet do: again, as long as the API server is away.

    Raises:
        ApiError: it refuses that.
    """
    while True:
        try:
            return await do()
        except ApiError as error:
            if error.is_refusal:
                raise
        await asyncio.sleep(GATHER_S)


def pod_of(job: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the pod that the Job controller makes of a Job."""
    template, metadata = job["spec"]["template"], job["metadata"]
    labels = template["metadata"]["labels"] | {"batch.kubernetes.io/job-name": metadata["name"]}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
        "spec": template["spec"],
    }


def status_of_pod(phase: str, message: str = "", code: int = 0) -> dict[str, Any]:
    """Return the patch by which the kubelet says that a pod is in a phase: Running, or ended with a last word."""
    ended = {"exitCode": code, "message": message, "finishedAt": _now()}
    state = {"running": {"startedAt": _now()}} if phase == "Running" else {"terminated": ended}
    container = {"name": "worker", "image": "x", "imageID": "", "ready": phase == "Running", "restartCount": 0}
    return {"status": {"phase": phase, "containerStatuses": [container | {"state": state}]}}


def status_of_finished_job(*, failed: bool = False) -> dict[str, Any]:
    """Return the patch by which the Job controller says that a Job is complete, or has failed."""
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": _now(), "lastProbeTime": _now()}
        for kind in (("FailureTarget", "Failed") if failed else ("SuccessCriteriaMet", "Complete"))
    ]
    ended = {"failed": 1} if failed else {"succeeded": 1, "completionTime": _now()}
    status = {"startTime": _now(), "conditions": conditions, "uncountedTerminatedPods": {}}
    return {"status": status | ended}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
