"""A node whose workers do as their VideoJob's name says, and what Kubernetes does there.

That is: to collect garbage, to delete Jobs whose time is over, and to say that a Job has ended whose pod has.
"""

import asyncio
import re
import time
from typing import Any, Self

from redis.asyncio import Redis

from tests.integration.operator.node import Node, Worker, failed, status_of_finished_job, succeeded
from videojob_contract.api_paths import JOBS, PODS, VIDEOJOBS
from videojob_contract.assignment import Result
from videojob_contract.errors import Reason
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.errors import ApiError

COLLECT_S = 1.0
TTL_S = 45.0
"""How long a finished Job stays: longer than any fault."""


class ChaosNode(Node):
    """Runs the Jobs of a namespace. A name is NUMBER-FATE-TENTHS: how it ends, and in how many tenths of a second."""

    def __init__(self, kubernetes: Kubernetes, redis: Redis, namespace: str) -> None:
        super().__init__(kubernetes, redis, namespace, self._play)
        self.done: list[tuple[str, int]] = []
        """Name of the VideoJob and number of each attempt that came to its end."""
        self._finished_at: dict[str, float] = {}
        self._collecting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._collecting = asyncio.create_task(self._collect())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._collecting is not None
        self._collecting.cancel()
        await asyncio.gather(self._collecting, return_exceptions=True)
        await super().__aexit__(*error)

    async def _play(self, worker: Worker) -> Result:
        assignment = worker.claim.assignment
        found = re.fullmatch(r".*-(\w+)-(\d+)", assignment.name)
        assert found
        fate, tenths = found[1], int(found[2])
        for _ in range(tenths):
            await asyncio.sleep(0.1)
            while worker.name in self.frozen:
                await asyncio.sleep(0.1)
        self.done.append((assignment.name, assignment.attempt))
        if fate == "bad":
            return failed(worker.claim.assignment, Reason.INVALID_MEDIA, "as was wanted")
        if fate == "flaky" and assignment.attempt == 1:
            return failed(worker.claim.assignment, Reason.STORAGE_UNAVAILABLE, "as was wanted")
        return succeeded(assignment)

    async def _collect(self) -> None:
        while True:
            await asyncio.sleep(COLLECT_S)
            try:
                await self._collect_once()
            except ApiError:
                continue

    async def _collect_once(self) -> None:
        namespace = self._namespace
        jobs = [job async for job in self._kubernetes.list(JOBS, namespace)]
        alive = {
            each["metadata"]["uid"] async for each in self._kubernetes.list(VIDEOJOBS, namespace, metadata_only=True)
        }
        now, kept = time.monotonic(), set()
        for job in jobs:
            name, status = job["metadata"]["name"], job.get("status", {})
            owners = [each for each in job["metadata"].get("ownerReferences", ()) if each["kind"] == "VideoJob"]
            over = status.get("succeeded") and now - self._finished_at.setdefault(name, now) > TTL_S
            if over or (owners and not alive & {each["uid"] for each in owners}):
                await self._kubernetes.delete(JOBS, namespace, name, uid=job["metadata"]["uid"])
            else:
                kept.add(name)
        at_work = {job["metadata"]["name"] for job in jobs if not is_over(job)}
        async for pod in self._kubernetes.list(PODS, namespace):
            job_name, phase = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"], pod["status"]["phase"]
            if job_name not in kept:
                await self._delete_pod(pod)
            elif job_name in at_work and phase in {"Succeeded", "Failed"}:
                await self._say(JOBS, job_name, status_of_finished_job(failed=phase == "Failed"))

    async def _delete_pod(self, pod: dict[str, Any]) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        url = PODS.url(self._namespace, pod["metadata"]["name"])
        try:
            await self._kubernetes._request("DELETE", "delete", PODS, url, body=options)
        except ApiError as error:
            if error.code != 404:
                raise


def is_over(job: dict[str, Any]) -> bool:
    """Whether the Job controller has said that a Job has ended."""
    status = job.get("status", {})
    return bool(status.get("succeeded") or status.get("failed"))
