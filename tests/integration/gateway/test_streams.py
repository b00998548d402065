"""Live streams over real HTTP, fed by a real API server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, serving
from videojob_client import Client
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway

NOW = "2026-01-01T00:00:00Z"


class Stream:
    """Reads events."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.last = ""

    async def next(self) -> tuple[str, Any]:
        """Return the name and the data of the next event; the name is empty at the end."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            while True:
                line = (await self.response.content.readline()).decode()
                if not line:
                    return "", None
                if line == "\n":
                    if "event" in fields:
                        self.last = fields["id"]
                        return fields["event"], json.loads(fields["data"])
                    fields = {}
                elif not line.startswith(":"):
                    name, _, value = line.rstrip("\n").partition(": ")
                    fields[name] = value


@asynccontextmanager
async def following(call: Caller, path: str, last: str | None = None) -> AsyncIterator[Stream]:
    headers = {} if last is None else {"Last-Event-ID": last}
    async with call.session.get(f"{call.url}/api/v1/{path}", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Stream(response)


async def test_a_videojob_is_followed_to_its_end(call: Caller, cluster: Cluster) -> None:
    job = await call.submit("holiday")
    async with following(call, "jobs/holiday/stream") as stream:
        name, shown = await stream.next()
        assert (name, shown["id"], shown["status"]["phase"]) == ("job", job["id"], "Pending")
        await cluster.status("holiday", phase="Running", progress=42)
        name, shown = await stream.next()
        assert (name, shown["status"]["progress"]) == ("job", 42)
        await cluster.status("holiday", phase="Succeeded", progress=100, finishedAt=NOW)
        name, shown = await stream.next()
        assert (name, shown["status"]["phase"]) == ("job", "Succeeded")
        assert await stream.next() == ("", None)
    again = await call("GET", "jobs/holiday/stream", headers={"Last-Event-ID": stream.last})
    assert again.status == 204
    async with following(call, "jobs/holiday/stream", "1") as late:
        assert (await late.next())[1]["status"]["phase"] == "Succeeded"
        assert await late.next() == ("", None)


async def test_one_that_is_deleted_says_so(call: Caller) -> None:
    job = await call.submit("holiday")
    async with following(call, "jobs/holiday/stream") as stream:
        await stream.next()
        await call("DELETE", "jobs/holiday?purge=true")
        assert await stream.next() == ("deleted", {"id": job["id"], "name": "holiday"})
        assert await stream.next() == ("", None)


async def test_a_project_is_followed_and_resumed_without_a_gap(call: Caller, cluster: Cluster) -> None:
    async with following(call, "stream?project=summer") as stream:
        assert await stream.next() == ("ready", {})
        await call.submit("winter", project="winter")
        await call.submit("one", project="summer")
        assert (await stream.next())[1]["name"] == "one"
    await call.submit("two", project="summer")
    await call.submit("three", project="summer")
    await call("DELETE", "jobs/one?purge=true")
    await cluster.status("two", phase="Running")
    async with following(call, "stream?project=summer", stream.last) as again:
        found: dict[str, str] = {}
        while found.get("two") != "Running" or len(found) < 3:
            name, data = await again.next()
            found[data["name"]] = data["status"]["phase"] if name == "job" else name
    assert found == {"one": "deleted", "two": "Running", "three": "Pending"}


@asynccontextmanager
async def replica(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[tuple[Gateway, Caller]]:
    async with Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client:
        gateway = Gateway(Settings(), client)
        async with serving(create_app(gateway)) as call:
            yield gateway, call


async def test_what_was_deleted_before_a_replica_began_is_not_missed(apiserver: ApiServer, cluster: Cluster) -> None:
    async with replica(apiserver, cluster) as (_, call):
        async with following(call, "stream") as stream:
            await stream.next()
            await call.submit("one")
            assert (await stream.next())[1]["name"] == "one"
        await call("DELETE", "jobs/one?purge=true")
    async with replica(apiserver, cluster) as (_, call), following(call, "stream", stream.last) as again:
        assert await again.next() == ("reset", {})
        async with following(call, "stream", again.last) as known:
            await call.submit("two")
            assert (await known.next())[1]["name"] == "two"


async def test_an_older_state_is_not_told_after_a_newer_one(apiserver: ApiServer, cluster: Cluster) -> None:
    async with replica(apiserver, cluster) as (gateway, call):
        job = await call.submit("holiday")
        older = gateway.cache.of_uid(job["id"])
        assert older is not None
        await cluster.status("holiday", phase="Running", progress=42)
        async with following(call, "jobs/holiday/stream") as stream:
            assert (await stream.next())[1]["status"]["progress"] == 42
            gateway.cache.put(older)  # as of a watch that is behind what was read
            await cluster.status("holiday", phase="Running", progress=50)
            assert (await stream.next())[1]["status"]["progress"] == 50


async def test_one_that_goes_as_its_stream_begins_says_so(apiserver: ApiServer, cluster: Cluster) -> None:
    async with replica(apiserver, cluster) as (gateway, call):
        job = await call.submit("holiday")
        gateway.cache.remove(job["id"], gateway.cache.version + 1)  # after it was read, and before it is followed
        async with following(call, "jobs/holiday/stream") as stream:
            assert await stream.next() == ("deleted", {"id": job["id"], "name": "holiday"})
            assert await stream.next() == ("", None)


@pytest.mark.parametrize("last", ["x", "-1", "²", "9" * 40])
async def test_an_id_that_no_event_has_had_is_refused(call: Caller, last: str) -> None:
    for path in ("stream", "jobs/holiday/stream"):
        if path != "stream":
            await call.submit("holiday")
        assert (await call("GET", path, headers={"Last-Event-ID": last})).status == 422
