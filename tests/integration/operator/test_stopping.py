"""Queues that are stopped and pools that drain, on the real API server and Redis."""

import asyncio
from typing import Any

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.test_faults import Gate
from videojob_contract.api_paths import RENDERPOOLS

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once


async def change(world: World, **spec: Any) -> None:
    assert await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": spec})


async def pool_status(world: World) -> dict[str, Any]:
    pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
    assert pool
    status: dict[str, Any] = pool["status"]
    return status


async def drained(world: World) -> dict[str, Any]:
    conditions = (await pool_status(world))["conditions"]
    return next((condition for condition in conditions if condition["type"] == "Drained"), {})


def says(reason: str | None) -> Any:
    return lambda status: status.get("reason") == reason


async def test_nothing_of_a_stopped_queue_starts_until_it_goes_on(world: World) -> None:
    world.operator.start()
    await world.create_pool(queues=[{"name": "default"}, {"name": "low", "stopped": True}])
    await world.create("stays", queue="low")
    status = await world.reaches("stays", "Queued", also=says("QueueStopped"))
    assert status["message"].startswith('queue "low" of pool "default" is stopped; it waits until')
    await world.create("goes")
    await world.reaches("goes", "Succeeded")
    assert [name for name, _ in world.node.starts] == ["goes"]

    await change(world, queues=[{"name": "default"}, {"name": "low"}])
    done = await world.reaches("stays", "Succeeded", timeout_s=10)
    assert done["queuedAt"] == status["queuedAt"]


async def test_a_pool_drains_lets_its_workers_go_and_resumes(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(minIdle=2, maxWorkers=3)
    await world.create("runs")
    await world.reaches("runs", "Running")
    await change(world, drain=True)
    await eventually(lambda: has(world, "Draining", "1 still run"), "it drains")
    await world.create("waits")
    waiting = await world.reaches("waits", "Queued", also=says("PoolDraining"))

    async def only_the_busy_one() -> bool:
        status = await pool_status(world)
        return (status["idle"], status["starting"], status["busy"]) == (0, 0, 1)

    await eventually(only_the_busy_one, "idle workers have left", 30)
    gate.opened.set()
    await world.reaches("runs", "Succeeded")
    await eventually(lambda: has(world, "Drained", "nothing runs"), "it has drained", 20)
    await asyncio.sleep(1)
    assert [name for name, _ in world.node.starts] == ["runs"]

    await change(world, drain=False)
    done = await world.reaches("waits", "Succeeded", timeout_s=15)
    assert done["queuedAt"] == waiting["queuedAt"]
    assert await drained(world) == {}


async def test_a_drain_outlasts_an_emptied_redis_and_a_restart(world: World) -> None:
    world.operator.start()
    await world.create_pool(drain=True)
    await world.create("waits")
    await world.reaches("waits", "Queued", also=says("PoolDraining"))
    await world.redis.flushall()
    world.operator.kill()
    world.operator.start()
    await eventually(lambda: world.redis.zcard(world.keys.fixed("backlog")), "it waits again", 30)
    await asyncio.sleep(2)
    assert world.node.starts == []
    await change(world, drain=False)
    await world.reaches("waits", "Succeeded", timeout_s=20)


async def has(world: World, reason: str, message: str) -> bool:
    condition = await drained(world)
    return (condition.get("reason"), condition.get("message")) == (reason, message)
