"""Where assignments come from: the queue, or a file that came with the pod."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from videojob_contract.queue.errors import LoginRefusedError, QueueUnavailableError, ScriptsMissingError
from videojob_contract.queue.types import Claim, Retired
from videojob_worker.lease import QueueLease, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from videojob_contract.assignment import Assignment, Progress, Result
    from videojob_contract.queue.api import WorkerApi

log = logging.getLogger("videojob.assignments")

LOGIN_S = 20.0
"""How long a login may be refused, in seconds: a Redis that was just emptied does not know its users yet."""
ALONE_S = 20.0
"""How long a worker that has nothing to do waits for a Redis that does not answer, in seconds: longer than most take to
start anew, and shorter than the operator waits before it does without (`SILENT_S` of its `decide.without_queue`), as it
is not to count on a worker that may still claim."""
_CLAIM_S = 60.0  # how long one call waits; it is repeated without end
_AGAIN_S = 1.0

T = TypeVar("T")


class Lease(Protocol):
    """This worker's hold on one attempt. It is also where the attempt's progress goes (`report.Reporter`)."""

    @property
    def assignment(self) -> Assignment:
        """What to do."""

    def report(self, progress: Progress) -> None:
        """Take the latest progress."""

    async def watch(self) -> Verdict:
        """Keep the hold; return when the work should stop, and why."""

    async def confirm(self) -> None:
        """Make sure that the result may be published.

        Raises:
            VideoJobError: it may not.
        """

    async def finish(self, result: Result) -> bool:
        """Hand in the result; False when it was not taken, and only the termination message tells of it."""


class AssignmentSource(Protocol):
    """Gives a worker its one assignment."""

    async def announce(self) -> bool:
        """Say that this worker can be given work; False when nobody is there to give it any.

        Raises:
            QueueUnavailableError: it cannot be said, and another may do better.
        """

    async def next(self) -> Lease | None:
        """Wait for work; None when this worker is not needed any more.

        Raises:
            QueueUnavailableError: as above.
        """


class QueueAssignments:
    """Claims from the pool's queues."""

    def __init__(self, queue: WorkerApi) -> None:
        self._queue = queue
        self._refused_at: float | None = None
        """Since when the login has been refused, by the monotonic clock."""
        self._silent_at: float | None = None
        """Since when Redis has not answered."""

    async def announce(self) -> bool:
        """Register, as soon as Redis can be reached; False when this worker is of another version than the operator."""
        return not isinstance(await self._insist(self._queue.register), Retired)

    async def next(self) -> Lease | None:
        """Claim an attempt; None when this worker was retired, or is of another version than the operator."""
        while True:
            match await self._insist(lambda: self._queue.claim(_CLAIM_S)):
                case Claim() as claim:
                    return QueueLease(self._queue, claim)
                case Retired():
                    return None

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T | Retired:
        """Call until Redis answers; `Retired` when this worker is of another version than the operator."""
        while True:
            try:
                answer = await call()
            except ScriptsMissingError as error:
                # After an upgrade that emptied Redis, this worker could wait for ever; the pool starts another.
                log.warning("%s; leaving", error.message)
                return Retired()
            except QueueUnavailableError as error:
                await self._wait(error)
            else:
                self._silent_at = None
                return answer

    async def _wait(self, error: QueueUnavailableError) -> None:
        now = time.monotonic()
        if not isinstance(error, LoginRefusedError):
            self._refused_at = None
            if self._silent_at is None:
                self._silent_at = now
            elif now - self._silent_at >= ALONE_S:
                raise error
        elif self._refused_at is None:
            self._refused_at, self._silent_at = now, None
        elif now - self._refused_at >= LOGIN_S:
            raise error  # a pod's password does not change; its successor's may
        log.warning("%s; trying again", error.message)
        await asyncio.sleep(_AGAIN_S)


class FileAssignment:
    """The one assignment that came with the pod, as Redis would have it (`payload`).

    Its result goes to Redis where there is one that answers by then, and into the termination message.
    """

    def __init__(self, path: Path, queue: WorkerApi | None) -> None:
        self._path = path
        self._queue = queue

    async def announce(self) -> bool:
        """Nobody waits to hear of this worker."""
        return True

    async def next(self) -> Lease | None:
        """Read the assignment."""
        from videojob_contract.queue.payload import unpack  # noqa: PLC0415 - not before the announcement

        assignment = unpack(await asyncio.to_thread(self._path.read_text))
        if self._queue is None:
            return _FileLease(assignment)
        claim = Claim(assignment, uuid.uuid4().hex, assignment.spec.queue, datetime.now(UTC))
        return QueueLease(self._queue, claim, carried=True)


class _FileLease:
    """A hold that nobody can take: the pod belongs to this attempt alone, and is stopped by deleting it."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment

    @property
    def assignment(self) -> Assignment:
        return self._assignment

    def report(self, progress: Progress) -> None:
        log.debug("%s: %.1f%%: %s", progress.stage, progress.percent, progress.message)

    async def watch(self) -> Verdict:
        return await asyncio.Future()

    async def confirm(self) -> None:
        """Agree."""

    async def finish(self, result: Result) -> bool:
        log.debug("result for the termination message: %s", result.result)
        return False
