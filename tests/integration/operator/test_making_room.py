"""What makes room: a running job that is suspended, and finished ones beyond what the pool keeps."""

import asyncio

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, succeeded
from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.assignment import Result

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once


async def test_a_running_job_is_suspended_and_goes_on_later(world: World) -> None:
    slow = asyncio.Event()

    async def render(worker: Worker) -> Result:
        if (worker.claim.assignment.name, worker.claim.assignment.attempt) == ("long", 1):
            await slow.wait()
        return succeeded(worker.claim.assignment)

    world.node.render = render
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=1)
    await world.create("long")
    running = await world.reaches("long", "Running")
    await world.create("short")
    await world.kubernetes.patch(VIDEOJOBS, world.namespace, "long", {"spec": {"suspend": True}})

    held = await world.reaches("long", "Pending")
    assert (held["reason"], held["interruptions"]) == ("Suspended", 1)
    await world.reaches("short", "Succeeded")  # there is one worker alone: the suspended one made room
    assert running["job"]["name"] not in [job["metadata"]["name"] for job in await world.jobs()]

    await world.kubernetes.patch(VIDEOJOBS, world.namespace, "long", {"spec": {"suspend": False}})
    status = await world.reaches("long", "Succeeded")
    assert (status["attempts"], status["failures"], status["interruptions"]) == (2, 0, 1)
    assert world.node.starts == [("long", 1), ("short", 1), ("long", 2)]
    assert world.operator.metric("videojob_attempts_total", result="suspended", reason="Suspended") == 1
    slow.set()


async def test_a_pool_keeps_the_newest(world: World) -> None:
    world.operator.start()
    await world.create_pool(history={"succeeded": 2, "failed": 1})
    for index in range(4):
        await world.create(f"done-{index}")
        await world.reaches(f"done-{index}", "Succeeded")
    for index in range(3):
        await world.create(f"cancelled-{index}", cancel=True)
        await eventually(lambda name=f"cancelled-{index}": finished(world, name), "it is over")

    async def names() -> bool:
        there = {job["metadata"]["name"] async for job in world.kubernetes.list(VIDEOJOBS, world.namespace)}
        return there == {"done-2", "done-3", "cancelled-2"}

    await eventually(names, "the newest alone are there")


async def finished(world: World, name: str) -> bool:
    videojob = await world.videojob(name)
    return videojob is None or videojob.get("status", {}).get("phase") == "Cancelled"
