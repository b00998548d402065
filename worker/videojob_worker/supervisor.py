"""The life of one worker: announce, wait for one attempt, see it through, say how it ended.

It stays light to import, because a worker can be claimed only once it has announced itself; what the work
needs is loaded behind that, by `Runtime.prepare`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from videojob_common import logs
from videojob_common.recent_log import keep_recent_log
from videojob_contract.errors import Reason
from videojob_contract.queue.errors import LoginRefusedError, QueueUnavailableError
from videojob_worker import termination
from videojob_worker.attending import Attendance
from videojob_worker.concurrency import end
from videojob_worker.lease import Verdict

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from videojob_common.recent_log import RecentLog
    from videojob_contract.assignment import Assignment, Result
    from videojob_contract.inspection import Findings, Inspection
    from videojob_worker.assignments import AssignmentSource, Lease
    from videojob_worker.attending import Bench

T = TypeVar("T")
log = logging.getLogger("videojob.supervisor")

FAILED = 2
"""Exit code of a worker whose attempt failed, so that its Kubernetes Job fails as well; 1 is a fault of its own."""
_STOP_FINISH_S = 5.0  # of the 30 s that a pod has to end


class Runtime(Protocol):
    """Does the work."""

    async def prepare(self) -> None:
        """Load what the work needs and start a renderer, while nothing is to be done."""

    async def run(self, lease: Lease) -> Result:
        """Make what is asked for; see `pipeline.run_attempt`."""

    async def look(self, inspection: Inspection) -> tuple[Findings, bytes]:
        """Look at what is asked for while nothing is to be rendered; see `looking.inspect`."""

    async def clean_up(self, assignment: Assignment) -> None:
        """Do what can wait until the result is handed in; whatever fails of it is no failure."""


_Outcome = Literal["cancelled", "failed"]
_STOPPED: dict[Verdict | None, tuple[_Outcome, Reason, str]] = {
    Verdict.CANCELLED: ("cancelled", Reason.CANCELLED, "cancelled"),
    Verdict.LOST: ("failed", Reason.LEASE_LOST, "the lease was lost: another attempt may be running"),
    None: ("failed", Reason.EVICTED, "the worker was asked to stop"),
}


class _AskedToStop(Exception):  # noqa: N818 - not an error: the pod should end
    """Nothing was claimed, and now nothing will be."""


async def supervise(
    source: AssignmentSource,
    runtime: Runtime,
    termination_log: Path,
    stop: asyncio.Event,
    bench: Bench | None = None,
) -> int:
    """Serve one attempt and return the process' exit code; `stop` is set when the pod should end.

    Until there is an attempt, what is asked for at the bench is looked at.
    """
    preparing: asyncio.Task[None] | None = None
    attending: asyncio.Task[None] | None = None
    try:
        if not await _unless(stop, source.announce()):
            return 0
        log.info("can be claimed")
        # Work may come before everything is loaded; it then waits for it.
        preparing = asyncio.create_task(runtime.prepare())
        if bench is not None:
            attending = asyncio.create_task(_attend(preparing, Attendance(bench, runtime)))
        lease = await _unless(stop, source.next())
        if attending is not None:
            await end(attending)
        if lease is None:
            log.info("not needed any more")
            return 0
        return await _see_through(lease, runtime, preparing, termination_log, stop)
    except QueueUnavailableError as error:
        log.error("%s; leaving", error.message)  # noqa: TRY400 - a traceback would say no more
        if preparing is not None and not isinstance(error, LoginRefusedError):
            return 0  # it had come up, and nothing is wrong with it
        termination.write_words(termination_log, error.message)
        return 1
    except _AskedToStop:
        log.info("asked to stop while idle")
        return 0
    finally:
        for task in (attending, preparing):
            if task is not None:
                await end(task)


async def _attend(preparing: asyncio.Task[None], attendance: Attendance) -> None:
    await asyncio.wait([preparing])
    if not preparing.cancelled() and preparing.exception() is None:  # which is told when there is an attempt
        await attendance.run()


async def _see_through(
    lease: Lease,
    runtime: Runtime,
    preparing: asyncio.Task[None],
    termination_log: Path,
    stop: asyncio.Event,
) -> int:
    assignment = lease.assignment
    logs.bind(namespace=assignment.namespace, name=assignment.name, attempt=assignment.attempt)
    if assignment.trace_id:
        logs.bind(trace_id=assignment.trace_id)
    recent_log = keep_recent_log()
    log.info("claimed")
    started = time.monotonic()

    async def work() -> Result:
        await preparing
        return await runtime.run(lease)

    working = asyncio.create_task(work())
    watching = asyncio.create_task(lease.watch())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([working, watching, stopping], return_when=asyncio.FIRST_COMPLETED)
        verdict = watching.result() if watching.done() else None
        await end(working)  # nothing happens when it is done
        code = 0
        if working.cancelled():
            result = _stopped(assignment, verdict, time.monotonic() - started)
        elif error := working.exception():
            log.error("the worker failed", exc_info=error)
            result, code = _crashed(assignment, error, time.monotonic() - started), 1
        else:
            result = working.result()
        if result.result == "failed":
            code = code or FAILED
            result = _with_log(result, recent_log)
        termination.write(termination_log, result)
        if result.reason is not Reason.LEASE_LOST:
            await _hand_in(lease, result, hurry=stop.is_set())
        if not stop.is_set():
            cleaning = asyncio.create_task(runtime.clean_up(assignment))
            await asyncio.wait([cleaning, stopping], return_when=asyncio.FIRST_COMPLETED)
            await end(cleaning)
        log.info("%s after %.1f s%s", result.result, time.monotonic() - started, _reason(result))
        return code
    finally:
        await end(working, watching, stopping)


async def _hand_in(lease: Lease, result: Result, *, hurry: bool) -> None:
    try:
        async with asyncio.timeout(_STOP_FINISH_S if hurry else None):
            accepted = await lease.finish(result)
    except TimeoutError:
        accepted = False
    if not accepted:
        log.warning("the result was not taken by the queue; the termination message has it")


async def _unless(stop: asyncio.Event, coroutine: Coroutine[Any, Any, T]) -> T:
    """Wait for something, unless the pod should end."""
    waiting = asyncio.create_task(coroutine)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise _AskedToStop
        return waiting.result()
    finally:
        await end(waiting, stopping)


def _with_log(result: Result, recent_log: RecentLog) -> Result:
    from videojob_contract.resources.status import MAX_LOG  # noqa: PLC0415 - not before the announcement

    return result.model_copy(update={"log": recent_log.tail(MAX_LOG)})


def _reason(result: Result) -> str:
    return f": {result.reason}: {result.message}" if result.reason else ""


def _crashed(assignment: Assignment, error: BaseException, elapsed_s: float) -> Result:
    """Say that the worker itself has a fault: for the job it is as if the worker were lost."""
    message = f"the worker failed: {type(error).__name__}: {error}"
    return _ended(assignment, "failed", Reason.WORKER_LOST, message, elapsed_s)


def _stopped(assignment: Assignment, verdict: Verdict | None, elapsed_s: float) -> Result:
    return _ended(assignment, *_STOPPED[verdict], elapsed_s)


def _ended(assignment: Assignment, outcome: _Outcome, reason: Reason, message: str, elapsed_s: float) -> Result:
    from videojob_contract.assignment import Result  # noqa: PLC0415 - not before the announcement

    return Result(
        uid=assignment.uid,
        attempt=assignment.attempt,
        result=outcome,
        reason=reason,
        message=message,
        render_s=elapsed_s,
    )
