"""A Redis that is full, or does not answer: what runs goes on, and everyone is told what waits for what."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.test_faults import Gate
from videojob_contract.api_paths import EVENTS, RENDERPOOLS, VIDEOJOBS
from videojob_contract.queue.errors import CALL_S

TOLD_S = 2 * CALL_S + 5
"""By when the operator says something without Redis: one call of its own, one that was under way, and time to make 40
VideoJobs beside other tests. Without a limit on a call it is a minute."""


async def pool_ready(world: World) -> tuple[str, str]:
    """Return status and reason of the pool's condition Ready."""
    pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
    conditions: list[dict[str, Any]] = (pool or {}).get("status", {}).get("conditions", [])
    return next(((each["status"], each["reason"]) for each in conditions if each["type"] == "Ready"), ("", ""))


async def pool_says(world: World, status: str, reason: str) -> None:
    async def says() -> bool:
        return await pool_ready(world) == (status, reason)

    await eventually(says, f"the pool is Ready={status}, {reason}")


def admitted(status: dict[str, Any]) -> str:
    """Return the reason of a VideoJob's condition Admitted."""
    return next((each["reason"] for each in status["conditions"] if each["type"] == "Admitted"), "")


async def test_a_full_redis_queues_nothing_new_and_lets_what_runs_end(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(maxWorkers=2)
    await world.create("running")
    await world.reaches("running", "Running")
    await world.redis.config_set("maxmemory", "1mb")
    await world.create("new")
    await world.reaches("new", "Pending", also=lambda status: admitted(status) == "QueueFull")
    await pool_says(world, "False", "QueueFull")
    await asyncio.sleep(16)  # longer than a lease
    gate.opened.set()
    status = await world.reaches("running", "Succeeded")
    assert (status["attempts"], status["interruptions"]) == (1, 0)
    await world.redis.config_set("maxmemory", "0")
    await world.reaches("new", "Succeeded")
    await pool_says(world, "True", "Ready")
    about = [event async for event in world.kubernetes.list(EVENTS, world.namespace)]
    told = [event["reason"] for event in about if event["regarding"]["name"] == "new"]
    assert told.count("QueueFull") == 1


@asynccontextmanager
async def silent(world: World) -> AsyncIterator[None]:
    """Have Redis neither answer nor refuse."""
    pid = (await world.redis.info("server"))["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_redis_that_does_not_answer_keeps_nobody_from_being_told(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(maxWorkers=2)
    await world.create("running")
    await world.reaches("running", "Running")
    await world.create("parked", suspend=True)
    await world.reaches("parked", "Pending", also=lambda status: admitted(status) == "Suspended")
    async with silent(world):
        started = time.monotonic()
        for number in range(40):  # more than are reconciled at a time
            await world.create(f"new-{number}")
        await world.create("suspended", suspend=True)
        await world.create("wrong", queue="urgent")
        await world.kubernetes.patch(VIDEOJOBS, world.namespace, "parked", {"spec": {"cancel": True}})
        left_s = TOLD_S - (time.monotonic() - started)
        await world.reaches("suspended", "Pending", also=lambda s: admitted(s) == "Suspended", timeout_s=left_s)
        await world.reaches("parked", "Cancelled", timeout_s=left_s)
        await world.reaches("wrong", "Pending", also=lambda s: "no queue" in s["message"], timeout_s=left_s)
        for number in range(40):
            status = await world.reaches(f"new-{number}", "Pending", timeout_s=left_s, also=lambda s: "conditions" in s)
            assert admitted(status) == "WaitingForQueue"
        assert time.monotonic() - started < TOLD_S
        await pool_says(world, "False", "QueueUnavailable")
        assert world.operator.get("/healthz")[0] == 200
    gate.opened.set()
    for name in ("running", *(f"new-{number}" for number in range(40))):
        status = await world.reaches(name, "Succeeded", timeout_s=60)
        assert (status["attempts"], status["interruptions"]) == (1, 0)


async def test_an_operator_that_starts_while_redis_does_not_answer_says_what_it_can(world: World) -> None:
    await world.create_pool()
    async with silent(world):
        await world.create("suspended", suspend=True)
        await world.create("new")
        world.operator.start()
        await world.reaches("suspended", "Pending", also=lambda s: admitted(s) == "Suspended", timeout_s=1.5)
        await world.reaches("new", "Pending", also=lambda s: admitted(s) == "WaitingForQueue", timeout_s=TOLD_S)
    await world.reaches("new", "Succeeded")
