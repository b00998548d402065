"""A finished VideoJob is rendered once more, by `spec.rerun`."""

import pytest

from tests.integration.operator.conftest import World, eventually
from videojob_contract.api_paths import VIDEOJOBS
from videojob_operator.act.kubernetes import Object
from videojob_operator.errors import ApiError

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once


async def change(world: World, name: str, **spec: object) -> Object | None:
    return await world.kubernetes.patch(VIDEOJOBS, world.namespace, name, {"spec": spec})


async def test_a_finished_job_is_rendered_once_more_also_by_another_operator_and_a_cancelled_one(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    await world.create("one")
    first = await world.reaches("one", "Succeeded")
    with pytest.raises(ApiError, match="it can only be raised"):
        await change(world, "one", rerun=-1)

    await change(world, "one", rerun=1)
    second = await world.reaches("one", "Succeeded", also=lambda status: status.get("rerun") == 1)
    assert (second["attempts"], second["earlierAttempts"], second["failures"]) == (2, 1, 0)
    assert second["finishedAt"] > first["finishedAt"]
    assert [life["phase"] for life in second["history"]] == ["Succeeded"]
    assert second["history"][0]["finishedAt"] == first["finishedAt"]

    world.operator.kill()
    await change(world, "one", rerun=2)
    world.operator.start()
    await world.reaches("one", "Succeeded", also=lambda status: status.get("rerun") == 2)
    assert world.node.starts == [("one", 1), ("one", 2), ("one", 3)]

    await world.create("stopped", cancel=True)
    await world.reaches("stopped", "Cancelled")
    with pytest.raises(ApiError, match="unless rerun is raised with it"):
        await change(world, "stopped", cancel=False)
    await change(world, "stopped", cancel=False, rerun=1)

    async def is_done() -> bool:
        return (((await world.videojob("stopped")) or {})["status"])["phase"] == "Succeeded"

    await eventually(is_done, "it was rendered after all")


async def test_what_has_not_finished_is_not_rendered_once_more(world: World) -> None:
    world.operator.start()
    await world.create("waits")
    await world.reaches("waits", "Pending", also=lambda status: status.get("reason") == "WaitingForPool")
    with pytest.raises(ApiError, match="it has not finished yet"):
        await change(world, "waits", rerun=1)
