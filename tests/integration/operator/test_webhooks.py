"""VideoJobs tell a real receiver what becomes of them, also when that or the operator was away."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tests.integration.operator.conftest import World, eventually
from videojob_contract.api_paths import EVENTS, SECRETS

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once

KEY = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


class Receiver:
    """A receiver that answers as it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.came: list[tuple[str, dict[str, Any]]] = []
        """Ids and messages; each was verified."""
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append((headers["webhook-id"], Webhook(KEY).verify(await request.read(), headers)))
        return web.Response(status=self.status, headers=self.headers)

    @property
    def types(self) -> list[str]:
        return [message["type"] for _, message in self.came]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    there = Receiver()
    app = web.Application()
    app.router.add_post("/in", there.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.url = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    yield there
    await runner.cleanup()


async def prepare(world: World) -> None:
    data = {"apps": base64.b64encode(KEY.encode()).decode()}
    await world.kubernetes.create(SECRETS, world.namespace, {"metadata": {"name": "videojob-webhooks"}, "data": data})
    world.operator.start()
    await world.create_pool(webhooks={"allowPrivateNetworks": True})


async def delivered(world: World, name: str, count: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]] | None:
        entries = ((await world.videojob(name)) or {}).get("status", {}).get("notifications", [])
        done = [entry for entry in entries if entry["state"] == "Delivered"]
        return done if len(done) == count else None

    found: list[dict[str, Any]] = await eventually(look, f"{count} messages of {name} were delivered")
    return found


async def test_start_progress_and_end_of_a_job(world: World, receiver: Receiver) -> None:
    await prepare(world)
    every = ["Started", "Progress", "Succeeded", "Failed", "Cancelled"]
    await world.create("holiday", user="ada", notify=[{"url": receiver.url, "signingKey": "apps", "events": every}])
    status = await world.reaches("holiday", "Succeeded")
    await delivered(world, "holiday", 2)

    assert {"videojob.started", "videojob.succeeded"} <= set(receiver.types)
    end = next(message["data"] for _, message in receiver.came if message["type"] == "videojob.succeeded")
    assert (end["namespace"], end["name"], end["user"]) == (world.namespace, "holiday", "ada")
    assert end["outputs"] == status["outputs"]
    assert end["finishedAt"] == status["finishedAt"]


async def test_a_receiver_that_was_away_is_told_by_the_operator_after_a_restart(
    world: World, receiver: Receiver
) -> None:
    await prepare(world)
    receiver.status = 503
    await world.create("holiday", notify=[{"url": receiver.url, "signingKey": "apps"}], ttlAfterFinished="1s")
    await world.reaches("holiday", "Succeeded", also=lambda s: s.get("notifications", [{}])[0].get("tries"))
    world.operator.kill()
    receiver.status = 200
    world.operator.start()

    # Its time to live is over; it stays until this was told, and goes then.
    async def is_gone() -> bool:
        return await world.videojob("holiday") is None

    await eventually(is_gone, "the job is gone")
    assert receiver.types == ["videojob.succeeded"] * 2
    assert len({message_id for message_id, _ in receiver.came}) == 1


async def test_a_receiver_that_is_gone_is_told_of_in_an_event(world: World, receiver: Receiver) -> None:
    await prepare(world)
    receiver.status = 410
    await world.create("holiday", cancel=True, notify=[{"url": receiver.url, "signingKey": "apps"}])

    async def event() -> Any:
        async for found in world.kubernetes.list(EVENTS, world.namespace):
            if found["reason"] == "NotificationFailed":
                return found["note"]
        return None

    assert "was not told of Cancelled: HTTP 410" in await eventually(event, "an Event")
    status = await world.reaches("holiday", "Cancelled")
    assert status["notifications"][0]["state"] == "Failed"


async def test_a_refused_spec_is_told_too_and_private_receivers_only_where_the_pool_lets(
    world: World, receiver: Receiver
) -> None:
    await prepare(world)
    notify = [{"url": receiver.url, "signingKey": "apps"}]
    await world.create("refused", notify=notify, clips=[{"color": "#203040", "duration": "1s"}], parallelism=2)
    await world.reaches("refused", "Failed")
    await delivered(world, "refused", 1)
    assert receiver.types == ["videojob.failed"]

    await world.create_pool("strict")
    await world.create("elsewhere", pool="strict", notify=notify)
    status = await world.reaches("elsewhere", "Succeeded", also=lambda s: s["notifications"][0].get("tries"))
    assert "is in a private network" in status["notifications"][0]["message"]
    assert len(receiver.came) == 1


async def test_many_jobs_and_a_receiver_that_never_answers_do_not_hold_up_the_operator(
    world: World, receiver: Receiver
) -> None:
    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await prepare(world)
    for index in range(30):
        await world.create(f"slow-{index}", cancel=True, notify=[{"url": f"http://127.0.0.1:{port}/"}])
    await world.create(
        "holiday", notify=[{"url": receiver.url.replace("127.0.0.1", "localhost"), "signingKey": "apps"}]
    )
    await world.reaches("holiday", "Succeeded", timeout_s=20)
    await asyncio.wait_for(delivered(world, "holiday", 1), 5)
    server.close()
