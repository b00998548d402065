"""Two operators and one pool: one has it, the other waits until that one lets go or is not seen any more."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from tests.unit.virtual_time import VirtualLoop
from videojob_contract.api_paths import LEASES
from videojob_contract.queue.errors import SupersededError
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.lease_lock import Holder
from videojob_operator.act.ownership import Ownership
from videojob_operator.errors import ApiError, NotOwnerError

POOL = PoolKey("ns", "default")
LEASE_S = 30.0
T = TypeVar("T")


class Scene:
    """An API server, and operators that want the same pool."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.loop = self._runner.get_loop()
        self.server = FakeApiServer(self.loop.time)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.changes: list[PoolKey] = []
        self.clients: dict[str, FakeKubernetes] = {}

    def operator(
        self,
        name: str,
        *,
        clock_off_s: float = 0.0,
        identity: str = "",
        leads: Callable[[], bool] = lambda: True,
    ) -> Ownership:
        """Start an operator."""
        self.clients[name] = FakeKubernetes(self.server)
        ownership = Ownership(
            self.clients[name],
            identity=identity or name,
            leads=leads,
            lease_s=LEASE_S,
            clock=lambda: datetime.fromtimestamp(self.loop.time() + clock_off_s, UTC),
            on_change=self.changes.append,
        )
        self._tasks[name] = self.loop.create_task(ownership.run())
        return ownership

    def kill(self, identity: str) -> None:
        """End an operator without a word."""
        self._tasks[identity].cancel()

    def claim(self, ownership: Ownership) -> Holder | None:
        return self.run(ownership.claim(POOL, "uid"))

    def holds(self, ownership: Ownership) -> bool:
        async def ask() -> bool:
            return ownership.holds(POOL)

        return self.run(ask())

    def token(self, ownership: Ownership) -> int | None:
        async def ask() -> int | None:
            return ownership.token(POOL)

        return self.run(ask())

    def refused(self, ownership: Ownership, highest: int) -> None:
        async def tell() -> None:
            ownership.refused(POOL, highest)

        self.run(tell())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    def close(self) -> None:
        self._runner.close()

    @property
    def lease(self) -> dict[str, Any]:
        (lease,) = self.server.objects(LEASES)
        return lease


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def test_the_first_has_it_and_the_second_is_told_who(scene: Scene):
    a, b = scene.operator("a"), scene.operator("b")
    assert not scene.holds(a)
    assert scene.claim(a) is None
    assert scene.holds(a)
    assert scene.changes == [POOL]

    assert scene.claim(b) == Holder("a", renews=False)
    scene.wait(LEASE_S)
    assert scene.claim(b) == Holder("a", renews=True)
    scene.wait(10 * LEASE_S)
    assert scene.holds(a)
    assert scene.claim(b) is not None
    assert not scene.holds(b)


def test_it_goes_with_the_pool(scene: Scene):
    scene.claim(scene.operator("a"))
    assert scene.lease["metadata"]["name"] == "renderpool-default"
    (owner,) = scene.lease["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("RenderPool", "default", "uid")


@pytest.mark.parametrize("clock_off_s", [0.0, -86400.0, 86400.0])
def test_one_that_vanished_is_followed_after_its_lease_whatever_the_clocks_say(scene: Scene, clock_off_s: float):
    a, b = scene.operator("a"), scene.operator("b", clock_off_s=clock_off_s)
    scene.claim(a)
    scene.claim(b)
    scene.wait(LEASE_S)
    scene.kill("a")
    assert scene.claim(b) is not None

    waited = 0
    while scene.claim(b) is not None:
        assert not scene.holds(b)
        scene.wait(1)
        waited += 1
    assert LEASE_S - 1 <= waited <= LEASE_S + 1
    assert not scene.holds(a)  # should it come back
    assert scene.holds(b)


def test_one_that_ends_lets_go(scene: Scene):
    a, b = scene.operator("a"), scene.operator("b")
    scene.claim(a)
    scene.claim(b)
    scene.kill("a")
    scene.run(a.release())
    assert not scene.holds(a)
    assert scene.claim(b) is None


def test_the_same_operator_has_its_own_again_at_once_when_it_is_started_again(scene: Scene):
    scene.claim(scene.operator("a"))
    scene.kill("a")
    assert scene.claim(scene.operator("a")) is None


def test_one_that_slept_finds_out_before_it_does_anything(scene: Scene):
    a, b = scene.operator("a"), scene.operator("b")
    scene.claim(a)
    scene.clients["a"].lose_answers(carried_out=False)
    scene.claim(b)
    scene.wait(LEASE_S)
    assert not scene.holds(a)
    assert scene.claim(b) is None
    scene.clients["a"].recover()
    scene.wait(LEASE_S)
    assert not scene.holds(a)
    assert scene.claim(a) == Holder("b", renews=False)
    assert scene.holds(b)


def test_a_lease_that_was_deleted_is_made_again(scene: Scene):
    a = scene.operator("a")
    scene.claim(a)
    scene.run(scene.clients["a"].delete(LEASES, POOL.namespace, "renderpool-default"))
    scene.wait(LEASE_S)
    assert not scene.holds(a)
    assert scene.changes == [POOL, POOL]  # it is looked at, and so claimed
    assert scene.claim(a) is None
    assert scene.lease["spec"]["holderIdentity"] == "a"


def test_of_two_at_the_same_moment_one_has_it(scene: Scene):
    operators = [scene.operator(name) for name in "abcdef"]

    async def all_at_once() -> None:
        async def claim(ownership: Ownership) -> None:
            with suppress(ApiError):
                await ownership.claim(POOL, "uid")

        await asyncio.gather(*map(claim, operators))

    scene.run(all_at_once())
    assert sum(map(scene.holds, operators)) == 1
    scene.run(next(filter(scene.holds, operators)).release())
    scene.run(all_at_once())
    assert sum(map(scene.holds, operators)) == 1


def test_without_the_right_to_leases_it_serves_as_ever(scene: Scene, caplog: pytest.LogCaptureFixture):
    a = scene.operator("a")
    scene.clients["a"].refuse(403, "Forbidden", resource=LEASES)
    assert scene.claim(a) is None
    assert scene.holds(a)
    assert "no right to Leases" in caplog.text


def test_what_is_served_without_the_right_to_leases_is_not_looked_at_for_every_renewal(scene: Scene):
    a = scene.operator("a")
    scene.clients["a"].refuse(403, "Forbidden", resource=LEASES)
    scene.claim(a)
    scene.wait(3 * LEASE_S)
    assert scene.holds(a)
    assert scene.changes == [POOL]


def test_what_cannot_be_known_is_not_ours(scene: Scene):
    a = scene.operator("a")
    scene.clients["a"].refuse(500, "InternalError", resource=LEASES)
    with pytest.raises(ApiError):
        scene.claim(a)
    assert not scene.holds(a)


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": None}, {"holderIdentity": ""}])
def test_a_lease_of_nobody_is_free(scene: Scene, spec: dict[str, Any]):
    a = scene.operator("a")
    body = {"metadata": {"name": "renderpool-default"}, "spec": spec}
    scene.run(scene.clients["a"].create(LEASES, POOL.namespace, body))
    assert scene.claim(a) is None


def test_each_tenure_has_a_greater_token_than_the_one_before(scene: Scene):
    a, b = scene.operator("a"), scene.operator("b")
    tokens = []
    for owner in (a, b, a, b):
        scene.claim(owner)
        tokens.append(scene.token(owner))
        scene.run(owner.release())
    assert tokens == sorted(set(tokens))


def test_a_token_is_of_a_tenure_and_of_none_that_is_over(scene: Scene):
    a = scene.operator("a")
    scene.claim(a)
    scene.kill("a")
    while scene.holds(a):
        scene.wait(1)
    with pytest.raises(SupersededError):
        scene.token(a)


def test_a_lease_that_lost_its_count_goes_on_above_what_the_queues_know(scene: Scene):
    """It was deleted, or etcd was restored from a backup: what it says now is less than what it once said."""
    a = scene.operator("a")
    scene.claim(a)
    scene.refused(a, 41)
    assert not scene.holds(a)
    assert scene.changes == [POOL, POOL]
    assert scene.claim(a) is None
    assert scene.token(a) == 42


def test_who_is_refused_and_has_lost_the_pool_leaves_it(scene: Scene):
    a, b = scene.operator("a"), scene.operator("b")
    scene.claim(a)
    scene.kill("a")
    scene.claim(b)
    scene.wait(LEASE_S)
    assert scene.claim(b) is None
    scene.refused(a, scene.token(b) or 0)
    assert scene.claim(a) == Holder("b", renews=False)


def test_replicas_of_a_release_are_one_and_only_the_leader_claims(scene: Scene):
    leads = {"a": True, "b": False}
    a, b = (scene.operator(name, identity="videojob/operator", leads=lambda name=name: leads[name]) for name in "ab")
    assert scene.claim(a) is None
    with pytest.raises(NotOwnerError):
        scene.claim(b)
    leads |= {"a": False, "b": True}
    assert not scene.holds(a)
    assert scene.claim(b) is None  # at once
    scene.wait(LEASE_S)
    assert scene.holds(b)
    assert (scene.token(b) or 0) > 1


def test_an_answer_that_was_lost_costs_no_pool(scene: Scene):
    a = scene.operator("a")
    scene.claim(a)
    for _ in range(5):
        scene.clients["a"].lose_answers(carried_out=True, times=1)
        scene.wait(LEASE_S)
    assert scene.changes == [POOL]


def test_an_owner_counts_from_before_it_asked(scene: Scene):
    """Who waits counts from when the API server took it, which may have been long before the answer."""
    a = scene.operator("a")
    scene.clients["a"].answer_after(20.0)
    asked = scene.loop.time()
    scene.claim(a)
    scene.kill("a")
    while scene.holds(a):
        scene.wait(0.5)
    assert scene.loop.time() < asked + 40.0 + LEASE_S - 20.0


def test_who_has_it_again_after_it_ran_out_is_told_for_what_came_meanwhile_was_left_alone(scene: Scene):
    a = scene.operator("a")
    scene.claim(a)
    scene.clients["a"].lose_answers(carried_out=False)
    scene.wait(2 * LEASE_S)
    assert not scene.holds(a)
    scene.clients["a"].recover()
    scene.wait(LEASE_S)
    assert scene.holds(a)
    assert scene.changes == [POOL, POOL]
