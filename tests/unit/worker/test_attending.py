"""An idle worker looks at what is asked, one thing after the other, and stops when it is given a VideoJob."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

import pytest

from tests.assignments import assignment
from videojob_contract.inspection import Findings, Inspection, Look
from videojob_contract.queue.errors import LoginRefusedError, QueueUnavailableError
from videojob_worker import attending
from videojob_worker.attending import Attendance


def inspection() -> Inspection:
    identity = uuid.uuid4().hex
    return Inspection(id=identity, look=Look.PLAN, assignment=assignment(identity, deadline="5s"))


@dataclass
class Bench:
    """Gives what a test has put there, and keeps what is answered."""

    asked: list[Inspection | Exception | None]
    answers: list[tuple[str, Findings]] = field(default_factory=list)
    is_away: bool = False

    async def take(self) -> Inspection | None:
        if not self.asked:
            await asyncio.Future()
        found = self.asked.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def answer(self, identity: str, findings: Findings, picture: bytes = b"") -> None:
        assert picture == b""
        if self.is_away:
            raise QueueUnavailableError("away")
        self.answers.append((identity, findings))


@dataclass
class Looks:
    """Finds so many spans, after so long."""

    takes_s: float = 0.0
    error: Exception | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, inspection: Inspection) -> tuple[Findings, bytes]:
        assert inspection.look is Look.PLAN
        self.begun.set()
        await asyncio.sleep(self.takes_s)
        if self.error:
            raise self.error
        return Findings(spans=7), b""


async def attend(bench: Bench, looks: Looks) -> None:
    """Attend until all that was asked is taken, and a moment longer."""
    task = asyncio.create_task(Attendance(bench, looks).run())
    while bench.asked:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attending, "AGAIN_S", 0)


async def test_one_is_looked_at_after_the_other() -> None:
    asked = [inspection(), None, inspection()]
    bench = Bench([*asked])
    await attend(bench, Looks())
    assert bench.answers == [(each.id, Findings(spans=7)) for each in asked if each]


async def test_an_outage_or_a_refusal_is_waited_for() -> None:
    asked = inspection()
    bench = Bench([QueueUnavailableError("away"), LoginRefusedError("no rights"), asked])
    await attend(bench, Looks())
    assert [identity for identity, _ in bench.answers] == [asked.id]


async def test_what_is_being_looked_at_when_a_videojob_comes_is_for_another() -> None:
    asked = inspection()
    bench, looks = Bench([asked]), Looks(takes_s=60)
    await attend(bench, looks)
    assert bench.answers == [(asked.id, Findings(again=True))]


async def test_a_fault_of_the_worker_is_no_finding_and_does_not_end_it() -> None:
    first, second = inspection(), inspection()
    bench, looks = Bench([first, second]), Looks(error=RuntimeError("a fault"))
    await attend(bench, looks)
    assert bench.answers == [(first.id, Findings(again=True)), (second.id, Findings(again=True))]


async def test_an_answer_that_cannot_be_sent_ends_nothing() -> None:
    bench = Bench([inspection(), inspection()], is_away=True)
    await attend(bench, Looks())
    assert bench.asked == []
