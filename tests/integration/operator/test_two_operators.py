"""Two operators serve the same namespace, as a second release does: one has the pool, and the other says so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.process import OperatorProcess
from tests.redis_server import redis_server
from videojob_contract.api_paths import RENDERPOOLS

LEASE_S = 5


@pytest.fixture
def second(world: World, tmp_path: Path) -> Iterator[OperatorProcess]:
    """Another release: with a Redis of its own."""
    world.operator.env |= {"VIDEOJOB_IDENTITY": "first", "VIDEOJOB_LEASE_S": str(LEASE_S)}
    with redis_server() as url:
        env = world.operator.env | {"VIDEOJOB_IDENTITY": "second", "VIDEOJOB_REDIS_URL": url}
        operator = OperatorProcess(env, tmp_path / "second.log")
        yield operator
        operator.stop()


async def conditions(world: World) -> dict[str, dict[str, Any]]:
    pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
    return {each["type"]: each for each in ((pool or {}).get("status") or {}).get("conditions", ())}


async def test_one_serves_and_the_other_says_so_and_follows(world: World, second: OperatorProcess) -> None:
    world.operator.start()
    await world.create_pool(minIdle=2, maxWorkers=3)
    await world.create("one")
    await world.reaches("one", "Succeeded")
    second.start()

    async def contested() -> dict[str, Any] | None:
        return (await conditions(world)).get("Contested")

    condition = await eventually(contested, "the second says that it leaves the pool alone")
    assert condition["reason"] == "OwnedElsewhere"
    assert "operator second would serve this pool too, and leaves it to first" in condition["message"]

    # Neither undoes what the other does.
    jobs = {job["metadata"]["uid"] for job in await world.jobs()}
    await asyncio.sleep(2 * LEASE_S)
    assert {job["metadata"]["uid"] for job in await world.jobs()} == jobs
    await world.create("two")
    await world.reaches("two", "Succeeded")
    assert second.metric("videojob_api_requests_total", resource="jobs", verb="create") == 0
    assert second.metric("videojob_status_writes_total", resource="videojobs") == 0
    assert second.get("/healthz") == (200, "ok")

    # The first ends, and lets go at once; or vanishes, and its Lease runs out. The worker of one knows the Redis of
    # one alone, and so what follows is the making of new workers.
    world.operator.kill()

    async def second_makes_workers() -> bool:
        return second.metric("videojob_api_requests_total", resource="jobs", verb="create") > 0

    await world.create("three")
    await eventually(second_makes_workers, "the second has followed", timeout_s=LEASE_S + 20)
    world.operator.start()
    await asyncio.sleep(LEASE_S)
    assert world.operator.metric("videojob_api_requests_total", resource="jobs", verb="create") == 0
