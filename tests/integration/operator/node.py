"""A node that renders nothing: it plays Job controller, kubelet and worker for the Jobs of one namespace.

For each Job it makes the pod of its template, which the real API server admits or refuses, and runs a worker
that speaks the real queue protocol. What a worker does with a claim is a function of the test's own.
"""

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self

from redis.asyncio import Redis

from videojob_contract.api_paths import JOBS, PODS, SECRETS, Resource
from videojob_contract.assignment import Assignment, Progress, Result
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.types import Claim, PoolKey, Retired
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.status import OutputStatus, Stage
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.errors import ApiError

POLL_S = 0.05
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
        self.posts_events = True
        """Whether it says why a pod was refused, as the Job controller does."""
        self.starts: list[tuple[str, int]] = []
        """Name of the VideoJob and number of each attempt that began, in order."""
        self.at_work = 0
        self.most_at_work = 0
        self._clients: list[Redis] = []
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._loop is not None
        tasks = [self._loop, *self._workers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients:
            await client.aclose()

    def lose(self, job: str) -> None:
        """Have a worker vanish without a word, as when its node loses power."""
        self._workers[job].cancel()

    async def _run(self) -> None:
        while True:
            jobs = [job async for job in self._kubernetes.list(JOBS, self._namespace)]
            names = {job["metadata"]["name"] for job in jobs if "deletionTimestamp" not in job["metadata"]}
            for job in jobs:
                name = job["metadata"]["name"]
                if name in names and name not in self._workers:
                    self._workers[name] = asyncio.create_task(self._work(job))
            for name in self._workers.keys() - names:
                self._workers[name].cancel()
            await asyncio.sleep(POLL_S)

    async def _work(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        pod = f"{name}-{secrets.token_hex(3)[:5]}"
        while (refusal := await self._refusal_of_pod(job, pod)) is not None:
            if self.posts_events:
                await self._post_event(job, f"Error creating: {refusal}")
            await asyncio.sleep(RETRY_S)
        env = {item["name"]: item for item in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        pool = PoolKey(env["VIDEOJOB_NAMESPACE"]["value"], env["VIDEOJOB_POOL"]["value"])
        queue = WorkerQueue(pool, await self._log_in(env), pod, name, cluster=env["VIDEOJOB_CLUSTER"].get("value", ""))
        message = ""
        while True:
            with suppress(QueueUnavailableError):
                await queue.register()
                claim = await queue.claim(5)
                if isinstance(claim, Claim):
                    message = await self._attempt(Worker(queue, claim, pod))
                if claim is not None:
                    assert isinstance(claim, (Claim, Retired))
                    break
        await self._end_pod(job, pod, message)

    async def _log_in(self, env: dict[str, dict[str, Any]]) -> Redis:
        """Return a client with the user and password of a pod; that of this node if it has none."""
        if "VIDEOJOB_REDIS_USER" not in env:
            return self._redis
        words = []
        for name in ("VIDEOJOB_REDIS_USER", "VIDEOJOB_REDIS_PASSWORD"):
            reference = env[name]["valueFrom"]["secretKeyRef"]
            secret = await self._kubernetes.get(SECRETS, self._namespace, reference["name"])
            assert secret, f"CreateContainerConfigError: there is no Secret {reference['name']}"
            words.append(base64.b64decode(secret["data"][reference["key"]]).decode())
        client = connect(env["VIDEOJOB_REDIS_URL"]["value"], username=words[0], password=words[1])
        self._clients.append(client)
        return client

    async def _attempt(self, worker: Worker) -> str:
        assignment = worker.claim.assignment
        self.starts.append((assignment.name, assignment.attempt))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        renewal = asyncio.create_task(self._renew(worker))
        try:
            result = await self.render(worker)
            while True:
                with suppress(QueueUnavailableError):
                    await worker.queue.finish(worker.claim, result)
                    return result.model_dump_json(by_alias=True)
                await asyncio.sleep(0.2)
        finally:
            self.at_work -= 1
            renewal.cancel()

    @staticmethod
    async def _renew(worker: Worker) -> None:
        while True:
            await asyncio.sleep(1)
            with suppress(QueueUnavailableError):
                await worker.queue.renew(worker.claim)

    async def _refusal_of_pod(self, job: dict[str, Any], name: str) -> str | None:
        """Make the pod of a Job, or return why it is refused."""
        template = job["spec"]["template"]
        labels = template["metadata"]["labels"] | {"batch.kubernetes.io/job-name": job["metadata"]["name"]}
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"],
        }
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
            "spec": template["spec"],
        }
        try:
            assert await self._kubernetes.create(PODS, self._namespace, body)
        except ApiError as error:
            return error.words
        state = {"running": {"startedAt": _now()}}
        await self._pod_status(name, "Running", state)
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

    async def _end_pod(self, job: dict[str, Any], pod: str, message: str) -> None:
        await self._pod_status(
            pod, "Succeeded", {"terminated": {"exitCode": 0, "message": message, "finishedAt": _now()}}
        )
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": _now(), "lastProbeTime": _now()}
            for kind in ("SuccessCriteriaMet", "Complete")
        ]
        status = {"startTime": _now(), "completionTime": _now(), "succeeded": 1, "conditions": conditions}
        status |= {"uncountedTerminatedPods": {}}
        await self._kubernetes.patch(
            JOBS, self._namespace, job["metadata"]["name"], {"status": status}, subresource="status"
        )

    async def _pod_status(self, name: str, phase: str, state: dict[str, Any]) -> None:
        container = {"name": "worker", "image": "x", "imageID": "", "ready": phase == "Running", "restartCount": 0}
        status = {"phase": phase, "containerStatuses": [container | {"state": state}]}
        await self._kubernetes.patch(PODS, self._namespace, name, {"status": status}, subresource="status")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
