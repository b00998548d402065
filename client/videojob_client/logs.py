"""The log of the pod that renders a VideoJob, or did."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_client.errors import InvalidError, NoPodError
from videojob_contract.api_paths import PODS
from videojob_contract.labels import LABEL_JOB_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from videojob_client.resources import VideoJob
    from videojob_client.transport import Transport

CONTAINER = "worker"
"""The one container of a worker's pod that is ours: admission may have put others beside it."""
SILENCE_S = 60.0
"""How long a log that is not followed may take to go on, in seconds."""
STARTING_S = 30.0
"""How long a kubelet may say that a pod is about to start, in seconds."""
AGAIN_S = 0.5
_STARTING = "is waiting to start"


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What of a log is wanted, as `VideoJobs.logs` has it."""

    follow: bool
    tail_lines: int | None
    limit_bytes: int | None
    timestamps: bool


async def pod_of(transport: Transport, job: VideoJob) -> str:
    """Return the name of the pod of a VideoJob's current attempt, or of its last.

    The status names it; a status of an operator that does not has the pod's Job, whose label the pod has.

    Raises:
        NoPodError: no attempt has begun, or its pod is gone.
    """
    if job.status.worker:
        return job.status.worker
    if job.status.job:
        selector = {"labelSelector": f"{LABEL_JOB_NAME}={job.status.job.name}"}
        pods = await transport.read(PODS.url(job.metadata.namespace), selector)
        if pods["items"]:
            name: str = pods["items"][0]["metadata"]["name"]
            return name
    raise NoPodError(f"VideoJob {job.metadata.namespace}/{job.metadata.name} is {job.status.phase}, and has no pod")


async def read_log(transport: Transport, namespace: str, pod: str, wanted: LogQuery) -> AsyncGenerator[str, None]:
    """Yield the lines of a worker's log, without their ends; see `VideoJobs.logs`."""
    query = {
        "container": CONTAINER,
        "follow": "true" if wanted.follow else "",
        "tailLines": str(wanted.tail_lines) if wanted.tail_lines is not None else "",
        "limitBytes": str(wanted.limit_bytes) if wanted.limit_bytes is not None else "",
        "timestamps": "true" if wanted.timestamps else "",
    }
    # A worker may render for long without a word.
    silence_s = 0 if wanted.follow else SILENCE_S
    begun = time.monotonic()
    while True:
        try:
            async with transport.stream(PODS.url(namespace, pod, "log"), query, silence_s) as lines, aclosing(lines):
                async for line in lines:
                    yield line.decode(errors="replace")
        except InvalidError as error:
            # A worker claims before its kubelet has told that it runs.
            if _STARTING not in str(error) or time.monotonic() > begun + STARTING_S:
                raise
        else:
            return
        await asyncio.sleep(AGAIN_S)
