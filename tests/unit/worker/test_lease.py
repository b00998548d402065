# ruff: noqa: ARG002 - the double has the signatures of what it stands for
from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.assignments import assignment
from videojob_contract.assignment import Progress, Result
from videojob_contract.errors import CancelledError, InfrastructureError, Reason
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.types import Claim, RenewOutcome
from videojob_contract.resources.status import Stage
from videojob_worker import lease as lease_module
from videojob_worker.lease import QueueLease, Verdict

if TYPE_CHECKING:
    from videojob_contract.queue.types import Retired

HELD, CANCELLED, LOST = RenewOutcome.HELD, RenewOutcome.CANCELLED, RenewOutcome.LOST


@dataclass
class Scripted:
    """A queue whose answers a test sets."""

    outcome: RenewOutcome = HELD
    reachable: bool = True
    accepts: bool = True
    signal: asyncio.Event = field(default_factory=asyncio.Event)
    renewed: int = 0
    reports: list[tuple[float, Progress]] = field(default_factory=list)

    def _answer(self) -> RenewOutcome:
        if not self.reachable:
            raise QueueUnavailableError("gone")
        return self.outcome

    async def register(self) -> None:
        raise NotImplementedError  # before there is a lease

    async def claim(self, timeout_s: float) -> Claim | Retired | None:
        raise NotImplementedError  # before there is a lease

    async def renew(self, claim: Claim) -> RenewOutcome:
        self.renewed += 1
        return self._answer()

    async def report(self, claim: Claim, progress: Progress) -> RenewOutcome:
        answer = self._answer()
        self.reports.append((time.monotonic(), progress))
        return answer

    async def finish(self, claim: Claim, result: Result) -> bool:
        self._answer()
        return self.accepts

    async def wait_signal(self, claim: Claim, timeout_s: float) -> bool:
        if not self.reachable:
            raise QueueUnavailableError("gone")
        await self.signal.wait()
        self.signal.clear()
        return True


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "RENEW_S": 0.02,
        "REPORT_EVERY_S": 0.1,
        "CONFIRM_S": 0.1,
        "FINISH_S": 0.1,
        "_AGAIN_S": 0.01,
    }.items():
        monkeypatch.setattr(lease_module, name, value)


def lease_on(queue: Scripted) -> QueueLease:
    return QueueLease(queue, Claim(assignment(), "token", "default", datetime.now(UTC)))


def carried_on(queue: Scripted) -> QueueLease:
    claim = Claim(assignment(), "token", "default", datetime.now(UTC))
    return QueueLease(queue, claim, carried=True)


def progress(percent: float, stage: Stage = Stage.RENDERING) -> Progress:
    return Progress(stage=stage, percent=percent)


@pytest.mark.parametrize(("outcome", "verdict"), [(CANCELLED, Verdict.CANCELLED), (LOST, Verdict.LOST)])
async def test_renewal_tells_when_to_stop(outcome: RenewOutcome, verdict: Verdict) -> None:
    queue = Scripted()
    watching = asyncio.create_task(lease_on(queue).watch())
    async with asyncio.timeout(10):
        while queue.renewed < 2:  # noqa: ASYNC110 - the double counts, and tells nobody
            await asyncio.sleep(0.01)
    assert not watching.done()
    queue.outcome = outcome
    assert await asyncio.wait_for(watching, 1) is verdict


async def test_a_signal_is_looked_into_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "RENEW_S", 60)
    queue = Scripted()
    watching = asyncio.create_task(lease_on(queue).watch())
    await asyncio.sleep(0.02)
    queue.signal.set()  # an old one: nothing is wrong
    await asyncio.sleep(0.02)
    assert not watching.done()
    queue.outcome = CANCELLED
    queue.signal.set()
    assert await asyncio.wait_for(watching, 0.5) is Verdict.CANCELLED


async def test_a_report_tells_when_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "RENEW_S", 60)
    queue = Scripted(outcome=LOST)
    lease = lease_on(queue)
    lease.report(progress(1))
    assert await asyncio.wait_for(lease.watch(), 0.5) is Verdict.LOST


async def test_reports_are_few_and_the_latest_always_comes() -> None:
    queue = Scripted()
    lease = lease_on(queue)
    watching = asyncio.create_task(lease.watch())
    for percent in range(100):
        lease.report(progress(percent))
        await asyncio.sleep(0.003)
    while queue.reports[-1][1].percent < 99:  # noqa: ASYNC110 - a double has nothing to wait for
        await asyncio.sleep(0.01)
    watching.cancel()
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(queue.reports)]
    assert min(gaps) > 0.09


async def test_a_new_stage_is_reported_at_once() -> None:
    queue = Scripted()
    lease = lease_on(queue)
    watching = asyncio.create_task(lease.watch())
    lease.report(progress(1))
    await asyncio.sleep(0.02)
    lease.report(progress(2, Stage.AUDIO))
    await asyncio.sleep(0.02)
    watching.cancel()
    assert [each.stage for _, each in queue.reports] == [Stage.RENDERING, Stage.AUDIO]


async def test_the_work_goes_on_without_redis() -> None:
    queue = Scripted(reachable=False)
    lease = lease_on(queue)
    lease.report(progress(1))
    watching = asyncio.create_task(lease.watch())
    await asyncio.sleep(0.2)
    assert not watching.done()
    queue.reachable, queue.outcome = True, LOST
    assert await asyncio.wait_for(watching, 1) is Verdict.LOST


async def test_confirm() -> None:
    await lease_on(Scripted()).confirm()
    with pytest.raises(CancelledError):
        await lease_on(Scripted(outcome=CANCELLED)).confirm()
    with pytest.raises(InfrastructureError) as failure:
        await lease_on(Scripted(outcome=LOST)).confirm()
    assert failure.value.reason is Reason.LEASE_LOST


async def test_confirm_agrees_when_nobody_can_be_asked(caplog: pytest.LogCaptureFixture) -> None:
    await lease_on(Scripted(reachable=False)).confirm()
    assert "publishing without its word" in caplog.text


@pytest.mark.parametrize(
    ("queue", "accepted"),
    [(Scripted(), True), (Scripted(accepts=False), False), (Scripted(reachable=False), False)],
    ids=["accepted", "refused", "unreachable"],
)
async def test_finish(queue: Scripted, *, accepted: bool) -> None:
    result = Result(uid="uid", attempt=1, result="succeeded")
    assert await lease_on(queue).finish(result) is accepted


async def test_one_that_was_carried_is_renewed_at_once_and_told_whether_it_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease_module, "RENEW_S", 60)
    assert await asyncio.wait_for(carried_on(Scripted(outcome=LOST)).watch(), 5) is Verdict.LOST
    queue = Scripted()
    watching = asyncio.create_task(carried_on(queue).watch())
    await asyncio.sleep(0.05)
    watching.cancel()
    assert queue.renewed == 1


async def test_what_was_carried_is_published_and_ends_without_a_redis_that_was_away_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease_module, "CONFIRM_S", 60)
    monkeypatch.setattr(lease_module, "FINISH_S", 60)
    async with asyncio.timeout(5):
        lease = carried_on(Scripted(reachable=False))
        await lease.confirm()
        assert not await lease.finish(Result(uid="uid", attempt=1, result="succeeded"))
        with pytest.raises(InfrastructureError):
            await carried_on(Scripted(outcome=LOST)).confirm()


async def test_how_long_redis_is_waited_for_counts_from_its_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "CONFIRM_S", 0.3)
    queue = Scripted(reachable=False)
    lease = lease_on(queue)
    watching = asyncio.create_task(lease.watch())
    await asyncio.sleep(0.5)
    begin = time.monotonic()
    await lease.confirm()  # it was silent for long enough
    assert time.monotonic() - begin < 0.2
    queue.reachable = True
    await asyncio.sleep(0.2)
    queue.reachable = False
    begin = time.monotonic()
    await lease.confirm()
    assert time.monotonic() - begin > 0.2
    watching.cancel()
