"""A thousand VideoJobs: queued, after a restart, after Redis was emptied, finished, and deleted."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from tests.integration.operator.conftest import CLUSTER, World, eventually
from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey

log = logging.getLogger(__name__)

COUNT = 1000
AT_A_TIME = 20
NAMES = [f"job-{number}" for number in range(COUNT)]


async def for_each(names: list[str], do) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(name: str) -> None:
        async with gate:
            await do(name)

    await asyncio.gather(*(one(name) for name in names))


async def phases(world: World) -> AsyncIterator[str]:
    async for videojob in world.kubernetes.list(VIDEOJOBS, world.namespace):
        yield videojob.get("status", {}).get("phase", "")


async def all_are(world: World, phase: str) -> bool:
    found = [each async for each in phases(world)]
    return found.count(phase) == COUNT


def memory_mib(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def test_a_thousand_that_wait(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    metric = world.operator.metric
    await eventually(lambda: metric("videojob_redis_up") == 1, "the pool is linked")
    await for_each(NAMES, world.create)
    await eventually(lambda: all_are(world, "Queued"), "all are Queued", timeout_s=120)
    # Accepted and queued in one write each.
    assert metric("videojob_status_writes_total", resource="videojobs", kind="transition") == COUNT
    queue = OperatorQueue(PoolKey(world.namespace, "default"), world.redis, cluster=CLUSTER)
    assert (await queue.snapshot()).total_queued == COUNT

    # After a restart, everything is looked at and nothing is written.
    world.operator.kill()
    world.operator.start()
    await eventually(
        lambda: metric("videojob_reconcile_seconds_count", queue="videojobs") >= COUNT,
        "all were looked at",
        timeout_s=60,
    )
    assert metric("videojob_status_writes_total", resource="videojobs", kind="transition") == 0
    assert metric("videojob_status_writes_total", resource="videojobs", kind="progress") < COUNT / 10
    assert metric("videojob_reconcile_errors_total") == 0
    assert world.operator.get("/healthz") == (200, "ok")
    log.info("memory with 1,000 queued: %.1f MiB", memory_mib(world.operator.pid))

    # Emptied, Redis is filled again, from the resources alone.
    await world.redis.flushall()

    async def filled() -> bool:
        return (await queue.snapshot()).total_queued == COUNT

    await eventually(filled, "the queue is full again")

    async def delete(name: str) -> None:
        await world.kubernetes.delete(VIDEOJOBS, world.namespace, name)

    await for_each(NAMES, delete)

    async def empty() -> bool:
        return (await queue.snapshot()).total_queued == 0 and not await queue.known_uids()

    await eventually(empty, "the queue forgot all of them")


async def test_a_thousand_that_finished_cost_little(world: World) -> None:
    async def finished(name: str) -> None:
        await world.create(name)
        status = {"phase": "Succeeded", "progress": 100, "attempts": 1, "finishedAt": "2026-01-01T00:00:00Z"}
        await world.kubernetes.patch(VIDEOJOBS, world.namespace, name, {"status": status}, subresource="status")

    await world.create_pool(minIdle=0)
    world.operator.start()
    metric = world.operator.metric
    await eventually(lambda: metric("videojob_redis_up") == 1, "the pool is linked")
    idle_mib = memory_mib(world.operator.pid)
    world.operator.kill()
    await for_each(NAMES, finished)
    world.operator.start()
    await eventually(
        lambda: metric("videojob_reconcile_seconds_count", queue="videojobs") >= COUNT,
        "all were looked at",
        timeout_s=60,
    )
    assert metric("videojob_status_writes_total", resource="videojobs") == 0
    assert metric("videojob_jobs", phase="Succeeded") == COUNT
    full_mib = memory_mib(world.operator.pid)
    log.info("memory idle: %.1f MiB", idle_mib)
    log.info("memory with 1,000 finished: %.1f MiB", full_mib)
    assert full_mib < idle_mib + 40
