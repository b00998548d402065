"""URLs of outputs that the operator renews, on the real API server, by the right that it is given to one Secret."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, succeeded
from videojob_contract.api_paths import EVENTS, RENDERPOOLS, SECRETS

if TYPE_CHECKING:
    from videojob_contract.assignment import Result

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once

FIRST = "https://minio/films/a.mp4?X-Amz-Signature=0"


def storage(**urls: Any) -> dict[str, Any]:
    store = {
        "name": "films",
        "provider": "s3",
        "bucket": "films",
        "endpoint": "https://minio",
        "secretRef": {"name": "writer"},
        "urls": {"presignedFor": "1h", "renewedWith": {"name": "reader"}, **urls},
    }
    return {"outputPrefix": "s3://films/out", "objects": [store]}


async def make_secret(world: World) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "hunter2"}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}
    await world.kubernetes.create(SECRETS, world.namespace, {"metadata": {"name": "reader"}, "data": data})


def giving(world: World, *, left_s: float | None) -> None:
    """Have workers sign URLs that hold for so long, or none."""

    async def render(worker: Worker) -> Result:
        result = succeeded(worker.claim.assignment)
        until = (
            {} if left_s is None else {"url": FIRST, "url_expires_at": datetime.now(UTC) + timedelta(seconds=left_s)}
        )
        return result.model_copy(update={"outputs": [each.model_copy(update=until) for each in result.outputs]})

    world.node.render = render


async def renewed(world: World, name: str) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]] | None:
        outputs = ((await world.videojob(name)) or {}).get("status", {}).get("outputs", [])
        return outputs if outputs and all(each.get("url", FIRST) != FIRST for each in outputs) else None

    found: list[dict[str, Any]] = await eventually(look, f"the URLs of {name} are signed anew")
    return found


@pytest.mark.parametrize("left_s", [600, -600, None])
async def test_urls_are_signed_anew_before_they_expire_and_where_there_are_none(
    world: World, left_s: float | None
) -> None:
    await make_secret(world)
    giving(world, left_s=left_s)
    world.operator.start()
    await world.create_pool(storage=storage())
    await world.create("one")
    await world.reaches("one", "Succeeded")
    for output in await renewed(world, "one"):
        assert output["url"].startswith(f"https://minio/films/out/{world.namespace}/one/{output['name']}.")
        assert "X-Amz-Expires=3600" in output["url"]
        left = datetime.fromisoformat(output["urlExpiresAt"]) - datetime.now(UTC)
        assert timedelta(minutes=59) < left <= timedelta(hours=1)
        assert output["sha256"]
    assert "X-Amz-Signature" not in world.operator.log.read_text()


async def test_urls_that_hold_are_left(world: World) -> None:
    await make_secret(world)
    giving(world, left_s=3000)
    world.operator.start()
    await world.create_pool(storage=storage())
    await world.create("one")
    status = await world.reaches("one", "Succeeded")
    assert {output["url"] for output in status["outputs"]} == {FIRST}
    giving(world, left_s=60)
    await world.create("two")
    await renewed(world, "two")
    status = await world.reaches("one", "Succeeded")
    assert {output["url"] for output in status["outputs"]} == {FIRST}


async def test_what_was_published_before_the_pool_had_them_renewed_is_signed_too(world: World) -> None:
    await make_secret(world)
    giving(world, left_s=-60)
    world.operator.start()
    plain = storage()
    del plain["objects"][0]["urls"]["renewedWith"]
    await world.create_pool(storage=plain)
    await world.create("one")
    await world.reaches("one", "Succeeded")
    assert await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": {"storage": storage()}})
    await renewed(world, "one")


async def test_what_keeps_urls_from_being_renewed_is_told_at_the_pool_and_mended_by_a_restart_or_a_change(
    world: World,
) -> None:
    giving(world, left_s=60)
    world.operator.start()
    await world.create_pool(storage=storage())
    await world.create("one")
    await world.create("two")

    async def told() -> list[str]:
        return [
            found["note"]
            async for found in world.kubernetes.list(EVENTS, world.namespace)
            if found["reason"] == "UrlsNotRenewed" and found["regarding"]["kind"] == "RenderPool"
        ]

    await world.reaches("two", "Succeeded")
    await eventually(told, "an Event")
    assert await told() == ['object store "films": its Secret "reader" is not there']
    await make_secret(world)
    world.operator.kill()
    world.operator.start()
    await renewed(world, "one")
    await renewed(world, "two")
