"""Live progress over HTTP: what workers report in a real Redis comes to who follows, before it is in a status."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from mcp import Client as McpClient

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, serving
from tests.integration.gateway.test_streams import NOW, Stream, following
from tests.ports import free_port
from tests.redis_server import redis_server
from videojob_client import Client
from videojob_contract.assignment import Progress
from videojob_contract.queue.connection import connect
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import Stage
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway
from videojob_gateway.job_cache import JobCache
from videojob_gateway.live_progress import LiveProgress

Say = Callable[..., Awaitable[None]]


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@asynccontextmanager
async def gateway(apiserver: ApiServer, cluster: Cluster, redis_url: str) -> AsyncIterator[Caller]:
    redis, cache = connect(redis_url), JobCache()
    progress = LiveProgress(cache, redis, namespace=cluster.namespace)
    try:
        async with (
            Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client,
            serving(create_app(Gateway(Settings(), client, cache, live_progress=progress))) as call,
        ):
            yield call
    finally:
        await redis.aclose()


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster, redis_url: str) -> AsyncIterator[Caller]:
    async with gateway(apiserver, cluster, redis_url) as call:
        yield call


@pytest.fixture
def say(cluster: Cluster, redis_url: str) -> Say:
    """Report to the Redis of the test."""
    return partial(report, redis_url, cluster.namespace)


async def report(url: str, namespace: str, uid: str, percent: float, pool: str = "default", **more: Any) -> None:
    """Report as a worker's script does, once a gateway listens."""
    progress = Progress(stage=Stage.RENDERING, percent=percent, **more).model_dump_json()
    channel = Keys(PoolKey(namespace, pool)).fixed("progress")
    word = json.dumps({"uid": uid, "progress": progress})
    redis = connect(url)
    try:
        async with asyncio.timeout(30):
            while not await redis.publish(channel, word):  # noqa: ASYNC110 - it is another that begins to listen
                await asyncio.sleep(0.02)
    finally:
        await redis.aclose()


async def running(call: Caller, cluster: Cluster, name: str, pool: str = "default") -> str:
    job = await call.submit(name, pool=pool)
    await cluster.status(name, phase="Running", progress=10, attempts=1, startedAt=NOW)
    return str(job["id"])


async def until(stream: Stream, name: str) -> Any:
    """Return the data of the next event of a name."""
    while (event := await stream.next())[0] != name:
        assert event[0], "the stream has ended"
    return event[1]


async def test_who_follows_is_told_what_the_worker_says(call: Caller, cluster: Cluster, say: Say) -> None:
    uid = await running(call, cluster, "holiday")
    async with following(call, "jobs/holiday/stream") as one, following(call, "stream") as all_of_them:
        await until(one, "job")
        await until(all_of_them, "ready")
        before = datetime.now(UTC)
        await say(uid, 41.7, message="frame 3 of 7", eta_s=60)
        for stream in (one, all_of_them):
            told = await until(stream, "progress")
            assert (told["id"], told["name"]) == (uid, "holiday")
            eta = datetime.fromisoformat(told["status"].pop("eta"))
            assert 55 < (eta - before).total_seconds() < 90
            assert told["status"] == {"progress": 41, "stage": "Rendering", "message": "frame 3 of 7"}
        await cluster.status("holiday", phase="Succeeded", progress=100, finishedAt=NOW)
        assert (await until(one, "job"))["status"]["phase"] == "Succeeded"
        assert (await one.next())[0] == ""


async def test_progress_neither_goes_back_nor_is_whole(call: Caller, cluster: Cluster, say: Say) -> None:
    uid = await running(call, cluster, "holiday")
    async with following(call, "jobs/holiday/stream") as stream:
        await until(stream, "job")
        for said, told in ((3, 10), (100, 99)):
            await say(uid, said)
            assert (await until(stream, "progress"))["status"]["progress"] == told


async def test_no_worker_is_believed_of_others(call: Caller, cluster: Cluster, say: Say) -> None:
    uid, other = await running(call, cluster, "holiday"), await running(call, cluster, "other", pool="big")
    await call.submit("waiting")
    async with following(call, "stream") as stream:
        await until(stream, "ready")
        await say(other, 20, pool="default")
        await say(str(uuid.uuid4()), 20)
        await say((await call("GET", "jobs/waiting")).json["id"], 20)
        await say(uid, 30)
        assert (await until(stream, "progress"))["id"] == uid


async def test_a_websocket_is_told_too(call: Caller, cluster: Cluster, say: Say) -> None:
    uid = await running(call, cluster, "holiday")
    async with call.session.ws_connect(f"{call.url}/api/v1/ws/jobs/holiday") as socket:
        assert (await socket.receive_json(timeout=10))["type"] == "job"
        await say(uid, 50)
        told = await socket.receive_json(timeout=10)
        assert (told["type"], told["data"]["status"]["progress"]) == ("progress", 50)


async def test_an_assistant_that_waits_is_told_too(call: Caller, cluster: Cluster, say: Say) -> None:
    uid = await running(call, cluster, "holiday")
    told: list[tuple[float, str | None]] = []

    async def progressed(progress: float, _: float | None, words: str | None) -> None:
        told.append((progress, words))
        if progress == 10:
            await say(uid, 41.7)
        if progress == 41:
            await cluster.status("holiday", phase="Succeeded", progress=100, finishedAt=NOW)

    async with McpClient(f"{call.url}/mcp") as assistant:
        await assistant.call_tool("wait_for_video", {"id": "holiday"}, progress_callback=progressed)
    assert told == [(10, "Running"), (41, "Rendering"), (100, "Succeeded")]


async def test_without_redis_statuses_are_told_and_with_it_again_progress(
    apiserver: ApiServer, cluster: Cluster
) -> None:
    port = free_port()
    async with gateway(apiserver, cluster, f"redis://127.0.0.1:{port}/0") as call:
        uid = await running(call, cluster, "holiday")
        async with following(call, "jobs/holiday/stream") as stream:
            await until(stream, "job")
            await cluster.status("holiday", phase="Running", progress=55, attempts=1, startedAt=NOW)
            assert (await until(stream, "job"))["status"]["progress"] == 55
            with redis_server(port) as url:
                await report(url, cluster.namespace, uid, 60)
                assert (await until(stream, "progress"))["status"]["progress"] == 60
