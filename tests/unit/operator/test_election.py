"""Of the replicas of a release one leads, and no two at a time, whatever happens to them."""

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from tests.unit.virtual_time import VirtualLoop
from videojob_contract.api_paths import JOBS, LEASES
from videojob_operator.act.election import LEASE_S, LOOK_S, RENEW_S, Election
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.errors import NotOwnerError

PLACE = "videojob/videojob-operator"
T = TypeVar("T")


class Release:
    """An API server, and replicas."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.loop = self._runner.get_loop()
        self.server = FakeApiServer(self.loop.time)
        self.clients: dict[str, FakeKubernetes] = {}
        self.replicas: dict[str, Election] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.changes: list[tuple[str, bool]] = []

    def start(self, name: str, place: str = PLACE) -> Election:
        """Start a replica."""
        client = self.clients[name] = FakeKubernetes(self.server)

        def changed() -> None:
            self.changes.append((name, replica.leads))
            self.one_leads_at_most()

        async def make() -> Election:
            return Election(
                client,
                place,
                identity=name,
                clock=lambda: datetime.fromtimestamp(self.loop.time(), UTC),
                on_change=changed,
            )

        replica = self.replicas[name] = self.run(make())
        self.tasks[name] = self.loop.create_task(replica.run())
        return replica

    def kill(self, name: str) -> None:
        """End a replica without a word."""
        self.tasks[name].cancel()

    def leads(self, name: str) -> bool:
        async def ask() -> bool:
            return self.replicas[name].leads

        return self.run(ask())

    def leaders(self) -> list[str]:
        async def ask() -> list[str]:
            return self._leaders()

        return self.run(ask())

    def one_leads_at_most(self) -> None:
        assert len(self._leaders()) <= 1, self._leaders()

    def _leaders(self) -> list[str]:
        return [name for name, replica in self.replicas.items() if replica.leads]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def wait(self, seconds: float) -> None:
        """Let time pass, and look all the time whether two lead."""

        async def look() -> None:
            for _ in range(round(seconds * 10)):
                await asyncio.sleep(0.1)
                self.one_leads_at_most()

        self.run(look())

    def until_leads(self, name: str) -> float:
        """Return in how many seconds a replica leads."""
        began = self.loop.time()
        while not self.leads(name):
            self.wait(0.1)
            assert self.loop.time() < began + 60
        return self.loop.time() - began

    def close(self) -> None:
        self._runner.close()


@pytest.fixture
def release() -> Iterator[Release]:
    release = Release()
    yield release
    release.close()


def test_the_only_one_leads_without_a_lease(release: Release):
    release.start("a", place="")
    assert release.leads("a")
    assert not release.server.objects(LEASES)


def test_one_leads_and_the_other_stands_by(release: Release):
    release.start("a")
    release.wait(1)
    release.start("b")
    release.wait(10 * LEASE_S)
    assert release.leads("a")
    assert release.changes == [("a", True)]
    (lease,) = release.server.objects(LEASES)
    assert (lease["metadata"]["namespace"], lease["metadata"]["name"]) == ("videojob", "videojob-operator")
    assert not release.leads("b")


def test_one_that_was_killed_is_followed_within_fifteen_seconds(release: Release):
    release.start("a")
    release.wait(1)
    release.start("b")
    for moment in range(20):
        release.wait(3 + moment / 10)
        release.kill("a")
        assert release.until_leads("b") <= LEASE_S + RENEW_S + 1 < 15
        release.kill("b")
        release.run(release.replicas["b"].release())
        release.start("a")
        release.until_leads("a")
        release.start("b")


def test_one_that_ends_is_followed_at_once(release: Release):
    a = release.start("a")
    release.wait(1)
    release.start("b")
    release.wait(5)
    release.kill("a")
    release.run(a.release())
    assert release.until_leads("b") <= LOOK_S + 0.2


def test_one_that_was_frozen_knows_before_it_does_anything(release: Release):
    """It is not told: its clock tells."""
    a = release.start("a")
    release.wait(1)
    release.start("b")
    release.wait(5)
    writes = release.clients["a"].checked(a.check)
    release.kill("a")  # none of its tasks goes on
    release.until_leads("b")
    requests = len(release.server.objects(JOBS))
    with pytest.raises(NotOwnerError):
        release.run(writes.create(JOBS, "ns", {"metadata": {"name": "late"}}))
    with pytest.raises(NotOwnerError):
        release.run(writes.delete(JOBS, "ns", "late"))
    assert len(release.server.objects(JOBS)) == requests
    assert release.run(writes.get(JOBS, "ns", "late")) is None  # to look is free

    release.tasks["a"] = release.loop.create_task(a.run())  # it thaws
    release.wait(3 * LEASE_S)
    assert not release.leads("a")
    assert release.leads("b")


@pytest.mark.parametrize("carried_out", [True, False])
def test_one_that_is_cut_off_ends_before_another_begins(release: Release, carried_out: bool):  # noqa: FBT001
    release.start("a")
    release.wait(1)
    release.start("b")
    release.wait(5)
    release.clients["a"].lose_answers(carried_out=carried_out)
    if carried_out:  # what it says arrives, and so it keeps the Lease; but it cannot know, and ends to lead
        release.wait(LEASE_S)
        assert release.leaders() == []
    else:
        release.until_leads("b")
    release.clients["a"].recover()
    release.wait(3 * LEASE_S)
    assert len(release.leaders()) == 1


def test_an_answer_that_is_lost_now_and_then_does_no_harm(release: Release):
    release.start("a")
    release.wait(1)
    release.start("b")
    for _ in range(20):
        release.clients["a"].lose_answers(carried_out=True, times=1)
        release.wait(3)
    assert release.changes == [("a", True)]


def test_nobody_leads_while_the_api_server_is_away_and_one_does_when_it_is_back(release: Release):
    release.start("a")
    release.wait(1)
    release.start("b")
    release.wait(5)
    for client in release.clients.values():
        client.refuse(503, "ServiceUnavailable")
    release.wait(2 * LEASE_S)
    assert release.leaders() == []
    for client in release.clients.values():
        client.recover()
    release.wait(LEASE_S)
    assert len(release.leaders()) == 1


def test_who_leads_again_after_it_was_frozen_is_told_that_it_did_not(release: Release):
    release.start("a")
    release.wait(1)
    release.kill("a")
    release.wait(2 * LEASE_S)
    release.tasks["a"] = release.loop.create_task(release.replicas["a"].run())  # it thaws, and nobody had followed
    release.wait(1)
    assert release.changes == [("a", True), ("a", False), ("a", True)]
