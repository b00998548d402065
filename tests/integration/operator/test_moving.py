"""VideoJobs that move to another pool while they wait, on the real API server and Redis."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.integration.operator.conftest import World, eventually
from videojob_contract.api_paths import EVENTS, RENDERPOOLS, VIDEOJOBS
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once
NO_WORKER: dict[str, Any] = {"minIdle": 0, "maxWorkers": 0}


async def move(world: World, name: str, pool: str) -> None:
    assert await world.kubernetes.patch(VIDEOJOBS, world.namespace, name, {"spec": {"pool": pool}})


async def backlog(world: World, pool: str) -> int:
    keys = Keys(PoolKey(world.namespace, pool), "here")
    return int(await world.redis.zcard(keys.fixed("backlog")))


async def notes(world: World, name: str) -> list[str]:
    events = [event async for event in world.kubernetes.list(EVENTS, world.namespace)]
    return [event["reason"] for event in events if event["regarding"]["name"] == name]


def in_pool(pool: str) -> Any:
    return lambda status: status.get("pool") == pool


async def test_it_moves_at_once_with_the_time_it_waited_and_may_come_back(world: World) -> None:
    world.operator.start()
    await world.create_pool(**NO_WORKER)
    await world.create_pool("other", **NO_WORKER, limits={"waiting": {"pool": 1}})
    await world.create("moves")
    first = await world.reaches("moves", "Queued", also=in_pool("default"))
    await move(world, "moves", "other")
    there = await world.reaches("moves", "Queued", also=in_pool("other"), timeout_s=5)
    assert there["queuedAt"] == first["queuedAt"]
    assert (await backlog(world, "default"), await backlog(world, "other")) == (0, 1)
    await world.create("held", pool="other")
    await world.reaches("held", "Pending", also=lambda status: status.get("reason") == "LimitReached")
    await move(world, "held", "default")
    await world.reaches("held", "Queued", also=in_pool("default"), timeout_s=5)
    await move(world, "moves", "default")
    back = await world.reaches("moves", "Queued", also=in_pool("default"), timeout_s=5)
    assert (back["queuedAt"], back["attempts"]) == (first["queuedAt"], 1)

    async def told() -> bool:
        seen = Counter(await notes(world, "moves"))  # on a slow machine also of what it waits for
        return (seen["Moved"], seen["Queued"]) == (2, 1)

    await eventually(told, "each move is one Event")
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": {"maxWorkers": 1}})
    for name in ("moves", "held"):
        await world.reaches(name, "Succeeded")
    assert world.node.starts == [("moves", 1), ("held", 1)]


async def test_of_many_that_move_while_workers_claim_each_starts_once(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=2, maxWorkers=2)
    await world.create_pool("other", minIdle=2, maxWorkers=2)
    names = [f"job-{number:02}" for number in range(16)]
    await asyncio.gather(*(world.create(name) for name in names))

    async def push(name: str) -> None:
        for pool in ("other", "default", "other"):
            await world.kubernetes.patch(VIDEOJOBS, world.namespace, name, {"spec": {"pool": pool}})

    await asyncio.gather(*(push(name) for name in names), return_exceptions=True)  # those that run are refused
    for name in names:
        await world.reaches(name, "Succeeded")
    assert {name for name, _ in world.node.starts} == set(names)
    assert len(world.node.starts) == len(set(world.node.starts)), "no attempt is begun twice"


async def test_a_move_that_a_restart_came_between_starts_once(world: World) -> None:
    world.operator.start()
    await world.create_pool(**NO_WORKER)
    await world.create_pool("other", **NO_WORKER)
    await world.create("moves")
    first = await world.reaches("moves", "Queued")
    world.operator.kill()
    await move(world, "moves", "other")
    world.operator.start()
    there = await world.reaches("moves", "Queued", also=in_pool("other"), timeout_s=30)
    assert there["queuedAt"] == first["queuedAt"]
    assert (await backlog(world, "default"), await backlog(world, "other")) == (0, 1)
