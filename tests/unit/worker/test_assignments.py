from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.assignments import assignment
from videojob_contract.queue.errors import LoginRefusedError, QueueUnavailableError, ScriptsMissingError
from videojob_contract.queue.payload import pack
from videojob_contract.queue.types import RenewOutcome, Retired
from videojob_worker import assignments
from videojob_worker.assignments import FileAssignment, QueueAssignments
from videojob_worker.lease import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from videojob_contract.queue.types import Claim


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


async def test_a_worker_without_work_does_not_wait_for_ever_for_a_silent_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    away = QueueUnavailableError("away")
    monkeypatch.setattr(assignments, "ALONE_S", 0)
    for call in ("announce", "next"):
        with pytest.raises(QueueUnavailableError):
            await getattr(QueueAssignments(Queue(away, away, Retired())), call)()
    # Each answer begins it anew.
    source = QueueAssignments(Queue(away, None, away, Retired()))
    assert await source.announce()
    assert await source.next() is None


class Losing(Queue):
    """One that says who else holds what is renewed."""

    def __init__(self) -> None:
        super().__init__()
        self.renewed: list[Claim] = []

    async def renew(self, claim: Claim) -> RenewOutcome:
        self.renewed.append(claim)
        return RenewOutcome.LOST

    async def wait_signal(self, *_: object) -> bool:
        raise QueueUnavailableError("away")


async def test_what_came_with_the_pod_is_held_in_redis_by_a_token_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "assignment"
    file.write_text(pack(assignment("u", attempt=3)))
    queues = [Losing(), Losing()]
    for queue in queues:
        source = FileAssignment(file, queue)  # type: ignore[arg-type]  # it has what is called
        assert await source.announce()
        lease = await source.next()
        assert lease
        assert (lease.assignment.uid, lease.assignment.attempt) == ("u", 3)
        assert await lease.watch() is Verdict.LOST
    (one,), (other,) = (queue.renewed for queue in queues)
    assert one.token != other.token
    assert one.queue == assignment().spec.queue


async def test_what_came_with_the_pod_and_is_no_assignment_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "assignment"
    for text in ("", "{}", pack(assignment())[:-9]):
        file.write_text(text)
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
            await FileAssignment(file, None).next()
