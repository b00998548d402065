from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.assignments import assignment
from videojob_contract.assignment import Assignment, Progress, Result
from videojob_contract.errors import Reason
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_worker.lease import Verdict
from videojob_worker.supervisor import FAILED, supervise

if TYPE_CHECKING:
    from pathlib import Path

    from videojob_worker.assignments import Lease


@dataclass
class Hold:
    """A lease whose verdict a test gives."""

    verdict: asyncio.Future[Verdict]
    handed_in: list[Result] = field(default_factory=list)
    accepts: bool = True
    assignment: Assignment = field(default_factory=assignment)

    def report(self, progress: Progress) -> None:
        raise NotImplementedError  # the runtime does this, and these tests double it

    async def watch(self) -> Verdict:
        return await self.verdict

    async def confirm(self) -> None:
        raise NotImplementedError  # the runtime does this, and these tests double it

    async def finish(self, result: Result) -> bool:
        self.handed_in.append(result)
        return self.accepts


@dataclass
class Source:
    """Gives a lease, or keeps a worker waiting."""

    lease: Lease | None
    waits: bool = False
    useful: bool = True
    announced: int = 0

    async def announce(self) -> bool:
        self.announced += 1
        return self.useful

    async def next(self) -> Lease | None:
        if self.waits:
            await asyncio.Future()
        return self.lease


@dataclass
class Bench:
    """Takes as long as it is told, then fails or succeeds."""

    takes_s: float = 0.0
    error: Exception | None = None
    fails: Reason | None = None
    order: list[str] = field(default_factory=list)
    running: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self) -> None:
        await asyncio.sleep(0.01)
        self.order.append("prepared")

    async def clean_up(self, assignment: Assignment) -> None:
        self.order.append(f"cleaned up for {assignment.uid}")

    async def run(self, lease: Lease) -> Result:
        self.order.append("ran")
        self.running.set()
        try:
            await asyncio.sleep(self.takes_s)
        except asyncio.CancelledError:
            self.order.append("stopped")
            raise
        if self.error:
            raise self.error
        if self.fails:
            return Result(uid=lease.assignment.uid, attempt=1, result="failed", reason=self.fails)
        return Result(uid=lease.assignment.uid, attempt=1, result="succeeded")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "termination-log"


def said(log: Path) -> Result:
    return Result.model_validate_json(log.read_bytes())


def words_of(log: Path) -> str:
    return log.read_text() if log.exists() else ""


def said_anything(log: Path) -> bool:
    return log.exists()


@pytest.fixture
async def hold() -> Hold:
    return Hold(asyncio.get_running_loop().create_future())


async def test_work_waits_until_everything_is_loaded(hold: Hold, log: Path) -> None:
    bench = Bench()
    assert await supervise(Source(hold), bench, log, asyncio.Event()) == 0
    assert bench.order == ["prepared", "ran", f"cleaned up for {hold.assignment.uid}"]
    assert hold.handed_in == [said(log)]
    assert said(log).result == "succeeded"


async def test_a_retired_worker_says_nothing(log: Path) -> None:
    assert await supervise(Source(None), Bench(), log, asyncio.Event()) == 0
    assert not said_anything(log)


async def test_an_idle_worker_stops_when_asked(log: Path) -> None:
    stop = asyncio.Event()
    source = Source(None, waits=True)
    running = asyncio.create_task(supervise(source, Bench(), log, stop))
    await asyncio.sleep(0.05)
    assert source.announced == 1
    stop.set()
    assert await asyncio.wait_for(running, 1) == 0
    assert not said_anything(log)


async def test_a_worker_that_nobody_can_give_work_leaves(tmp_path: Path) -> None:
    source = Source(None, waits=True, useful=False)
    assert await supervise(source, Bench(), tmp_path / "log", asyncio.Event()) == 0
    assert not said_anything(tmp_path / "log")


@dataclass
class Alone(Source):
    """Finds Redis away, from the start or later."""

    at_once: bool = True

    async def announce(self) -> bool:
        if self.at_once:
            raise QueueUnavailableError("Redis cannot be reached")
        return True

    async def next(self) -> Lease | None:
        raise QueueUnavailableError("Redis cannot be reached")


@pytest.mark.parametrize(("at_once", "code", "words"), [(True, 1, "Redis cannot be reached"), (False, 0, "")])
async def test_one_that_never_reached_redis_has_failed_and_one_that_waited_has_not(
    log: Path, code: int, words: str, *, at_once: bool
) -> None:
    assert await supervise(Alone(None, at_once=at_once), Bench(), log, asyncio.Event()) == code
    assert words_of(log) == words


@pytest.mark.parametrize(
    ("verdict", "result", "reason", "handed_in"),
    [
        (Verdict.CANCELLED, "cancelled", Reason.CANCELLED, True),
        (Verdict.LOST, "failed", Reason.LEASE_LOST, False),
        (None, "failed", Reason.EVICTED, True),
    ],
)
async def test_why_it_stopped(
    hold: Hold, log: Path, verdict: Verdict | None, result: str, reason: Reason, *, handed_in: bool
) -> None:
    stop, bench = asyncio.Event(), Bench(takes_s=60)
    running = asyncio.create_task(supervise(Source(hold), bench, log, stop))
    await asyncio.wait_for(bench.running.wait(), 30)
    if verdict is None:
        stop.set()
    else:
        hold.verdict.set_result(verdict)
    assert await asyncio.wait_for(running, 30) == (FAILED if result == "failed" else 0)
    assert bench.order[2] == "stopped"
    assert (len(bench.order) == 4) is (verdict is not None)  # who has to go leaves the cleaning to others
    assert (said(log).result, said(log).reason) == (result, reason)
    assert bool(hold.handed_in) is handed_in


async def test_a_failed_attempt_is_a_failed_pod_and_a_failed_job(hold: Hold, log: Path) -> None:
    bench = Bench(fails=Reason.SOURCE_NOT_FOUND)
    assert await supervise(Source(hold), bench, log, asyncio.Event()) == FAILED
    assert said(log).reason is Reason.SOURCE_NOT_FOUND
    assert hold.handed_in == [said(log)]


async def test_the_log_of_a_failure_goes_with_it_and_that_of_a_success_does_not(hold: Hold, log: Path) -> None:
    class Failing(Bench):
        async def run(self, lease: Lease) -> Result:
            logging.getLogger("videojob.renderer").warning("renderer: %s", "no picture\x1b[2J")
            done = await super().run(lease)
            return done.model_copy(update={"result": "failed", "reason": Reason.INVALID_MEDIA})

    await supervise(Source(hold), Failing(), log, asyncio.Event())
    assert "renderer: no picture\N{REPLACEMENT CHARACTER}[2J" in said(log).log
    await supervise(Source(Hold(asyncio.get_running_loop().create_future())), Bench(), log, asyncio.Event())
    assert said(log).log == ""


async def test_a_fault_of_the_worker_is_told_and_is_a_crash(hold: Hold, log: Path) -> None:
    bench = Bench(error=KeyError("nobody thought of this"))
    assert await supervise(Source(hold), bench, log, asyncio.Event()) == 1
    assert said(log).reason is Reason.WORKER_LOST
    assert said(log).log.endswith("KeyError: 'nobody thought of this'")
    assert hold.handed_in == [said(log)]


async def test_the_termination_message_is_there_when_the_queue_refuses(
    hold: Hold, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hold.accepts = False
    assert await supervise(Source(hold), Bench(), log, asyncio.Event()) == 0
    assert said(log).result == "succeeded"
    assert "the termination message has it" in caplog.text
