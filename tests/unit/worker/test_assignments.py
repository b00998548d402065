from __future__ import annotations

import pytest

from videojob_contract.queue.errors import LoginRefusedError, QueueUnavailableError, ScriptsMissingError
from videojob_contract.queue.types import Retired
from videojob_worker import assignments
from videojob_worker.assignments import QueueAssignments


class Queue:
    """A worker's side of the queue that answers as a test tells it to."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    async def register(self) -> None:
        await self.claim(0)

    async def claim(self, _timeout_s: float) -> object:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignments, "_AGAIN_S", 0)


async def test_an_outage_of_redis_is_waited_for() -> None:
    source = QueueAssignments(Queue(QueueUnavailableError("away"), None, QueueUnavailableError("away"), Retired()))
    assert await source.announce()
    assert await source.next() is None


async def test_a_refused_login_is_waited_for_a_while_and_then_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = LoginRefusedError("wrong")
    source = QueueAssignments(Queue(refused, refused, QueueUnavailableError("away"), refused, Retired()))
    assert await source.announce()

    monkeypatch.setattr(assignments, "LOGIN_S", 0)
    with pytest.raises(LoginRefusedError):
        await QueueAssignments(Queue(refused, refused)).announce()
    with pytest.raises(LoginRefusedError):
        await QueueAssignments(Queue(refused, refused)).next()
    # What was refused before an outage does not count.
    assert await QueueAssignments(Queue(refused, QueueUnavailableError("away"), refused, None)).announce()


async def test_missing_scripts_are_not_waited_for_again() -> None:
    assert not await QueueAssignments(Queue(ScriptsMissingError("none"))).announce()
    assert await QueueAssignments(Queue(ScriptsMissingError("none"))).next() is None
