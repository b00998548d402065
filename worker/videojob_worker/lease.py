"""A hold on one attempt: renewed in Redis while the work goes on, and watched for word to stop.

While Redis cannot be reached the work goes on. Nobody else can be given the attempt then, since that needs
Redis too, and when it is back, empty or not, the next renewal restores the hold. If somebody was given it all
the same, renewal says so.

An attempt that its Job carries was never claimed: Redis was away. It is held as one that Redis has forgotten, so the
first renewal that is answered puts it there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from videojob_contract.errors import CancelledError, InfrastructureError, Reason
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.types import RENEW_S, Claim, RenewOutcome
from videojob_worker.concurrency import end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from videojob_contract.assignment import Assignment, Progress, Result
    from videojob_contract.queue.api import WorkerApi
    from videojob_contract.resources.status import Stage

T = TypeVar("T")
log = logging.getLogger("videojob.lease")

REPORT_EVERY_S = 0.4
"""How often progress goes to the queue when it moves, in seconds; a change of stage goes at once."""

CONFIRM_S = 10.0
"""How long Redis may be silent until a result is published without its word, in seconds."""

FINISH_S = 15.0
"""How long Redis may be silent until a result is not handed in, in seconds; the termination message has it too."""

_AGAIN_S = 0.5


class Verdict(StrEnum):
    """Why an attempt should stop."""

    CANCELLED = "cancelled"
    LOST = "lost"


_VERDICTS = {RenewOutcome.CANCELLED: Verdict.CANCELLED, RenewOutcome.LOST: Verdict.LOST}


class QueueLease:
    """See `assignments.Lease`."""

    def __init__(self, queue: WorkerApi, claim: Claim, *, carried: bool = False) -> None:
        """Hold a claim; of one that is `carried` by its Job, Redis is still to be told."""
        self._queue = queue
        self._claim = claim
        self._carried = carried
        self._silent_since = float("-inf") if carried else None
        """Since when Redis has not answered, by the monotonic clock; ever, for an attempt that it does not know."""
        self._latest: Progress | None = None
        self._moved = asyncio.Event()
        self._new_stage = asyncio.Event()

    @property
    def assignment(self) -> Assignment:
        """What to do."""
        return self._claim.assignment

    def report(self, progress: Progress) -> None:
        """Take the latest progress, to be sent by `watch`."""
        if self._latest is None or self._latest.stage is not progress.stage:
            self._new_stage.set()
        self._latest = progress
        self._moved.set()

    async def watch(self) -> Verdict:
        """Renew, listen and report, until one of them learns that the work should stop."""
        tasks = [
            asyncio.create_task(watching())
            for watching in (self._keep_renewing, self._keep_listening, self._keep_reporting)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            await end(*tasks)

    async def confirm(self) -> None:
        """Renew once more; when Redis has been silent for `CONFIRM_S`, agree.

        To throw the work away would lose it for certain. To publish risks that another worker, which was
        given the attempt while this one was cut off, publishes the same render a second time.

        Raises:
            CancelledError: the user cancelled the job.
            InfrastructureError: the lease is lost.
        """
        outcome = await self._persist(lambda: self._queue.renew(self._claim), CONFIRM_S)
        match outcome:
            case RenewOutcome.CANCELLED:
                raise CancelledError("cancelled")
            case RenewOutcome.LOST:
                raise InfrastructureError("the lease was lost before publishing", Reason.LEASE_LOST)
            case None:
                log.warning("Redis cannot be reached; publishing without its word")

    async def finish(self, result: Result) -> bool:
        """Hand in the result; False when it is refused, or Redis has been silent for `FINISH_S`."""
        return await self._persist(lambda: self._queue.finish(self._claim, result), FINISH_S) or False

    async def _keep_renewing(self) -> Verdict:
        wait_s = 0.0 if self._carried else RENEW_S
        while True:
            await asyncio.sleep(wait_s)
            outcome = await self._persist(lambda: self._queue.renew(self._claim), float("inf"))
            if outcome in _VERDICTS:
                return _VERDICTS[outcome]
            wait_s = RENEW_S

    async def _keep_listening(self) -> Verdict:
        while True:
            try:
                signalled = await self._queue.wait_signal(self._claim, RENEW_S)
            except QueueUnavailableError:
                await asyncio.sleep(_AGAIN_S)
                continue
            if signalled:
                # The signal is a hint; what holds is what renewal says.
                outcome = await self._persist(lambda: self._queue.renew(self._claim), float("inf"))
                if outcome in _VERDICTS:
                    return _VERDICTS[outcome]

    async def _keep_reporting(self) -> Verdict:
        sent: Stage | None = None
        while True:
            await self._moved.wait()
            self._moved.clear()
            self._new_stage.clear()
            progress = self._latest
            if progress is None:
                continue
            if progress.stage is not sent:
                log.info("%s (%.0f%%)", progress.stage, progress.percent)
                sent = progress.stage
            with suppress(QueueUnavailableError):  # a newer one will follow
                outcome = await self._queue.report(self._claim, progress)
                if outcome in _VERDICTS:
                    return _VERDICTS[outcome]
            with suppress(TimeoutError):
                async with asyncio.timeout(REPORT_EVERY_S):
                    await self._new_stage.wait()

    async def _persist(self, call: Callable[[], Awaitable[T]], for_s: float) -> T | None:
        """Call until Redis answers; None when it has been silent for `for_s` seconds."""
        complained = False
        while True:
            try:
                answer = await call()
            except QueueUnavailableError as error:
                if not complained:
                    log.warning("%s; the work goes on", error.message)
                    complained = True
                now = time.monotonic()
                if self._silent_since is None:
                    self._silent_since = now
                if now - self._silent_since > for_s:
                    return None
                await asyncio.sleep(_AGAIN_S)
            else:
                self._silent_since = None
                if complained:
                    log.info("Redis is back")
                return answer
