"""A pool that has another size at certain times, on the real API server and Redis."""

from datetime import UTC, datetime

import pytest

from tests.integration.operator.conftest import World, eventually
from videojob_contract.api_paths import RENDERPOOLS

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once


async def test_what_waits_is_started_when_the_window_begins(world: World) -> None:
    world.operator.start()
    window = {"schedule": "* * * * *", "duration": "25s", "minIdle": 0, "maxWorkers": 1}
    await world.create_pool(minIdle=0, maxWorkers=0, windows=[window])

    async def is_closed() -> bool:
        pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
        return pool is not None and "schedule" not in pool.get("status", {}).get("window", {"schedule": ""})

    await eventually(is_closed, "the window is closed", 40)
    await world.create("waits")
    await world.reaches("waits", "Queued")
    status = await world.reaches("waits", "Succeeded", timeout_s=70)
    pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
    assert pool
    assert pool["status"]["window"]["schedule"] == "* * * * *"
    assert pool["status"]["window"]["nextChangeAt"]
    started = datetime.fromisoformat(status["startedAt"]).astimezone(UTC)
    assert started.second < 20
