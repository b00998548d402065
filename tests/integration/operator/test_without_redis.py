"""While Redis is away for long, VideoJobs begin by Jobs that carry their attempts; their workers are real ones."""

import asyncio
import time
from typing import Any

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.test_faults import Gate
from tests.integration.operator.test_redis_trouble import admitted, silent
from videojob_contract.api_paths import JOBS, RENDERPOOLS, VIDEOJOBS
from videojob_operator.decide.naming import carries_attempt

pytestmark = pytest.mark.timeout(400)
SMALL = {"width": 320, "height": 180, "fps": "25", "background": "#000000"}
FADE = {"type": "crossfade", "duration": "30s"}
LONG = [
    {"color": f"#{number:02x}8040", "duration": "60s"} | ({"transition": FADE} if number else {})
    for number in range(40)
]
"""Takes minutes at 1080p."""


async def carrying(world: World) -> list[str]:
    """Return the names of the Jobs that carry attempts."""
    return [name for job in await world.jobs() if carries_attempt(name := job["metadata"]["name"])]


async def test_without_redis_what_waits_is_rendered_and_is_not_when_it_is_back(patient: World) -> None:
    world = patient
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=2)
    for name in ("one", "two"):
        await world.create(name)
        await world.reaches(name, "Running")
    await world.create("queued", canvas=SMALL)
    await world.reaches("queued", "Queued")
    began = time.monotonic()
    async with silent(world):
        for name in ("new", "newer"):
            await world.create(name, canvas=SMALL)
            await world.reaches(name, "Pending", also=lambda status: admitted(status) == "WaitingForQueue")
        assert not await carrying(world)
        gate.opened.set()  # the two end, of which only their pods can tell
        for name, attempts in {"one": 1, "two": 1, "queued": 2, "new": 1, "newer": 1}.items():
            status = await world.reaches(name, "Succeeded", timeout_s=120)
            assert (name, status["attempts"], status.get("interruptions", 0)) == (name, attempts, attempts - 1)
        assert time.monotonic() - began > 30
        assert [output["name"] for output in status["outputs"]] == ["main", "poster"]
        pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
        assert pool
        assert "Jobs carry what is rendered meanwhile" in str(pool["status"]["conditions"])
        assert world.operator.metric("videojob_attempts_carried_total") == 3

    await world.create("after")
    await world.reaches("after", "Succeeded")
    await asyncio.sleep(3)  # as long as a worker takes to start and claim
    assert sorted(world.node.starts[2:5]) == [("new", 1), ("newer", 1), ("queued", 2)]
    assert world.node.starts[:2] == [("one", 1), ("two", 1)]
    assert world.node.starts[5:] == [("after", 1)]

    async def backlog() -> bool:
        return int(await world.redis.zcard(world.keys.fixed("backlog"))) == 0

    await eventually(backlog, "nothing waits in Redis")


async def test_what_began_without_redis_is_stopped_without_it_or_goes_on_with_an_empty_one(patient: World) -> None:
    world = patient
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=3)
    metrics = world.operator.metric
    await eventually(lambda: metrics("videojob_redis_up") == 1, "a session with Redis")
    names = ("cancelled", "deleted", "lasting")
    async with silent(world):
        for name in names:
            await world.create(name, clips=LONG)
        started = {
            name: await world.reaches(name, "Running", timeout_s=90, also=lambda status: "worker" in status)
            for name in names
        }
        await world.kubernetes.patch(VIDEOJOBS, world.namespace, "cancelled", {"spec": {"cancel": True}})
        await world.kubernetes.delete(VIDEOJOBS, world.namespace, "deleted")
        # There is no garbage collector here.
        await world.kubernetes.delete(JOBS, world.namespace, started["deleted"]["job"]["name"])
        await world.reaches("cancelled", "Cancelled", timeout_s=30)
        world.operator.kill()
        world.operator.start()

        async def one_is_left() -> bool:
            return await carrying(world) == [started["lasting"]["job"]["name"]]

        await eventually(one_is_left, "the Job of one is left")
    await world.redis.flushall()

    def goes_on(status: dict[str, Any]) -> bool:
        return status.get("progress", 0) > 0 and status["worker"] == started["lasting"]["worker"]

    status = await world.reaches("lasting", "Running", also=goes_on, timeout_s=90)
    assert status["attempts"] == 1
    await world.kubernetes.patch(VIDEOJOBS, world.namespace, "lasting", {"spec": {"cancel": True}})
    await world.reaches("lasting", "Cancelled", timeout_s=30)
    assert sorted(world.node.starts) == [(name, 1) for name in names]
