"""Waiting for a VideoJob: until a phase, a condition, or whatever a function says of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from videojob_client.wait_errors import (
    JobCancelledError,
    JobDeletedError,
    JobFailedError,
    JobFinishedError,
    WaitError,
    WaitTimeoutError,
)
from videojob_client.watching import EventType
from videojob_contract.resources.status import ConditionStatus, ConditionType, Phase

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from videojob_client.resources import VideoJob
    from videojob_client.watching import WatchEvent

    Until = Phase | ConditionType | Callable[[VideoJob], bool]
    """A phase that it is in, a condition that holds, or anything else."""


async def wait(
    job: VideoJob, events: AsyncGenerator[WatchEvent[VideoJob], None], until: Until, timeout_s: float | None
) -> VideoJob:
    """Return the first state of a VideoJob that is as wanted; see `VideoJobs.wait`.

    Args:
        job: its state now.
        events: what changes of this VideoJob alone; closed afterwards.
        until: what is wanted.
        timeout_s: how long to wait, in seconds; None for ever.
    """
    try:
        async with aclosing(events), asyncio.timeout(timeout_s):
            while not _holds(job, until):
                if job.status.phase.is_final:
                    raise _ended(job)
                event = await anext(events)
                job = event.object
                if event.type is EventType.DELETED:
                    raise JobDeletedError(f"{_named(job)} was deleted while it was {job.status.phase}", job)
    except TimeoutError as error:
        said = f": {job.status.message}" if job.status.message else ""
        raise WaitTimeoutError(f"{_named(job)} is {job.status.phase} after {timeout_s:g} s{said}", job) from error
    return job


def _holds(job: VideoJob, until: Until) -> bool:
    if isinstance(until, Phase):
        return job.status.phase is until
    if isinstance(until, ConditionType):
        condition = job.condition(until)
        return condition is not None and condition.status is ConditionStatus.TRUE
    return until(job)


def _ended(job: VideoJob) -> WaitError:
    status = job.status
    if status.phase is Phase.FAILED:
        # From the manifest: a newer operator may have a reason that this version's models leave out.
        failure = job.manifest["status"].get("failure") or {}
        reason, message = failure.get("reason", ""), failure.get("message", "") or status.message
        return JobFailedError(f"{_named(job)} failed, {reason or 'for no known reason'}: {message}", job, reason)
    if status.phase is Phase.CANCELLED:
        return JobCancelledError(f"{_named(job)} was cancelled", job)
    return JobFinishedError(f"{_named(job)} has {status.phase.lower()}: what was waited for will not come", job)


def _named(job: VideoJob) -> str:
    return f"VideoJob {job.metadata.namespace}/{job.metadata.name}"
