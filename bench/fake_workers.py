"""Workers that render nothing and speak the real protocol, one for each worker Job of a namespace, by one watch.

A worker's pod is made and ends, and its Job is said to be complete, as kubelet and Job controller do: the operator
hears all that it hears in earnest.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, Self

from redis.asyncio import Redis

from bench.light_client import LightClient
from tests.integration.operator.node import pod_of, status_of_finished_job, status_of_pod, succeeded
from videojob_contract.api_paths import JOBS, PODS
from videojob_contract.assignment import Progress
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.types import Claim, PoolKey
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.status import Stage

REPORT_S = 5.0
"""How often a fake worker reports and renews. A real one reports up to twice a second, which costs Redis a little, and
the operator nothing: it reads what was said last."""
LOOK_S = 5.0


class FakeWorkers:
    """Runs a worker for each Job."""

    def __init__(self, client: LightClient, redis: Redis, namespace: str, cluster: str) -> None:
        self._client = client
        self._redis = redis
        self._namespace = namespace
        self._cluster = cluster
        self.render_s = 0.0
        """How long a render takes."""
        self.report_s = REPORT_S
        """How often a worker reports and renews."""
        self.jobs_seen: dict[str, float] = {}
        """When each Job was heard of, by its name; all times are of `time.monotonic()`."""
        self.claimed: dict[str, float] = {}
        """When each VideoJob was claimed, by its name."""
        self.finished: dict[str, float] = {}
        """When its result was handed in."""
        self.said: dict[tuple[str, str], float] = {}
        """When a worker began to say each message, by its VideoJob's name."""
        self.idle: set[str] = set()
        """Workers that wait for a claim."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        return self

    def running(self) -> Iterator[asyncio.Task[None]]:
        """Yield the tasks of all workers, and that which watches: none of them may fail."""
        yield from self._tasks.values()
        if self._watching:
            yield self._watching

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self.running()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        async for kind, job in self._client.watch(JOBS, self._namespace):
            name = job["metadata"]["name"]
            if kind == "ADDED" and not job.get("status", {}).get("succeeded"):
                self.jobs_seen.setdefault(name, time.monotonic())
                self._tasks[name] = asyncio.create_task(self._work(job))
            if kind == "DELETED" and name in self._tasks:
                self._tasks.pop(name).cancel()
                self.idle.discard(name)

    async def _work(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        pod = f"{name}-{secrets.token_hex(3)[:5]}"
        await self._client.create(PODS, self._namespace, pod_of(job, pod))
        await self._client.patch(PODS, self._namespace, pod, status_of_pod("Running"), "status")
        env = {item["name"]: item.get("value", "") for item in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        pool = PoolKey(env["VIDEOJOB_NAMESPACE"], env["VIDEOJOB_POOL"])
        queue = WorkerQueue(pool, self._redis, pod, name, cluster=self._cluster)
        message = ""
        claim = None
        while claim is None:
            with suppress(QueueUnavailableError):
                await queue.register()
                self.idle.add(name)
                claim = await queue.claim(LOOK_S)
        self.idle.discard(name)
        if isinstance(claim, Claim):
            message = await self._render(queue, claim)
        await self._client.patch(PODS, self._namespace, pod, status_of_pod("Succeeded", message), "status")
        await self._client.patch(JOBS, self._namespace, name, status_of_finished_job(), "status")

    async def _render(self, queue: WorkerQueue, claim: Claim) -> str:
        name, began = claim.assignment.name, time.monotonic()
        self.claimed[name] = began
        while (left_s := began + self.render_s - time.monotonic()) > 0:
            with suppress(QueueUnavailableError):
                percent = 100 * (1 - left_s / self.render_s)
                message = f"at {percent:.2f}"
                self.said[name, message] = time.monotonic()
                await queue.report(claim, Progress(stage=Stage.RENDERING, percent=percent, message=message))
                await queue.renew(claim)
            await asyncio.sleep(min(self.report_s, left_s))
        result = succeeded(claim.assignment, max(self.render_s, 0.001))
        await _until_answered(lambda: queue.finish(claim, result))
        self.finished[name] = time.monotonic()
        return result.model_dump_json(by_alias=True)


async def _until_answered(call: Callable[[], Awaitable[object]]) -> None:
    """Call Redis until it answers, as a worker does with its result."""
    while True:
        with suppress(QueueUnavailableError):
            await call()
            return
        await asyncio.sleep(0.2)
