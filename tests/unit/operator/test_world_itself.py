"""What the property test would find: each fault that is made here on purpose is seen by the check that is for it."""

import asyncio
from typing import Any

import pytest

from tests.unit.operator.world import POOL, Client, World
from videojob_contract.api_paths import JOBS, RENDERPOOLS
from videojob_contract.errors import Reason
from videojob_contract.queue.types import LEASE_S
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator.act.worker_job import adoption
from videojob_operator.decide import cleanup, failure
from videojob_operator.decide.step import Step

LOST_S = 60
"""How long until a worker that cannot reach its queue is given up, and another has its attempt."""


@pytest.fixture
def world():
    world = World(minIdle=2, maxWorkers=3)
    world.tick(8)
    yield world
    world.close()


def started(world: World) -> str:
    """Return the uid of a VideoJob that renders."""
    uid = world.apply()["metadata"]["uid"]
    world.tick(5)
    assert world.node.rendering(uid)
    return uid


def status_of(world: World, uid: str) -> VideoJobStatus:
    video = world.video(uid)
    assert video
    return VideoJobStatus.model_validate(video["status"])


def lose(world: World, uid: str) -> None:
    """Cut the worker of a VideoJob off from its queue, for good."""
    (worker,) = world.node.rendering(uid)
    worker.cut_off = worker.disturbed = True
    world.run(_sleep(LOST_S))


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def test_a_worker_that_was_lost_is_deleted_before_another_has_its_attempt(world: World):
    uid = started(world)
    lose(world, uid)
    world.check()
    assert status_of(world, uid).interruptions == 1
    assert len(world.node.rendering(uid)) == 1


def test_one_that_is_not_deleted_is_seen_to_render_beside_its_successor(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cleanup, "kill_worker", lambda step: step)
    uid = started(world)
    lose(world, uid)
    with pytest.raises(AssertionError, match="claimed twice"):
        world.check()


def test_a_worker_that_renews_late_has_the_time_to_restore_what_redis_lost(world: World):
    uid = started(world)
    (worker,) = world.node.rendering(uid)
    worker.renew_s = LEASE_S - 2
    worker.renewed_at = world.clock()
    world.redis.flushall()
    world.tick(LOST_S)
    assert (status_of(world, uid).attempts, status_of(world, uid).interruptions) == (1, 0)


def test_without_that_time_it_is_seen_to_lose_its_attempt(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(failure, "RESTORE_S", 0)
    uid = started(world)
    (worker,) = world.node.rendering(uid)
    worker.renew_s = LEASE_S - 2
    worker.renewed_at = world.clock()
    world.redis.flushall()
    world.tick(LOST_S)
    assert status_of(world, uid).interruptions == 1


def test_an_attempt_that_is_given_up_while_its_worker_is_well_is_seen_to_be_enqueued_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    started(world)

    def give_up(step: Step) -> tuple[Step, failure.Cause | None]:
        running = step.status.phase is Phase.RUNNING and not step.status.interruptions
        return step, failure.Cause(Reason.LEASE_LOST, "for no reason") if running else None

    monkeypatch.setattr(failure, "_find", give_up)
    world.run(_sleep(30))
    with pytest.raises(AssertionError, match=r"is enqueued, and another runs|is claimed twice"):
        world.check()


def test_a_job_that_is_given_to_another_videojob_is_seen(world: World):
    uid = started(world)
    other = world.apply(suspend=True)["metadata"]
    (worker,) = world.node.rendering(uid)
    patch = adoption(other["name"], other["uid"])
    world.run(world.users.patch(JOBS, POOL.namespace, worker.job, patch))
    world.run(_sleep(1))
    with pytest.raises(AssertionError, match="was adopted twice"):
        world.check()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_creation_whose_answer_was_lost_makes_no_worker_too_many_while_the_watch_is_late(
    monkeypatch: pytest.MonkeyPatch, lost: int
):
    world, made = World(maxWorkers=3), 0
    send = Client._send

    async def send_and_lose_one(client: Client, *request: Any) -> tuple[int, bytes]:
        nonlocal made
        answer = await send(client, *request)
        if request[0] == "POST" and request[1].endswith("/jobs"):
            made += 1
            if made == lost:
                raise TimeoutError
        return answer

    monkeypatch.setattr(Client, "_send", send_and_lose_one)
    world.watches[JOBS].hold()
    world.run(world.users.patch(RENDERPOOLS, POOL.namespace, POOL.name, {"spec": {"minIdle": 3}}))
    try:
        world.tick(10)
        world.watches[JOBS].release()
        world.tick(10)
        assert made == 3
        assert len(world.server.objects(JOBS)) == 3
    finally:
        world.close()
