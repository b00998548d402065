"""A watch misses nothing: over lost connections, over history that the API server has forgotten, and in silence."""

import asyncio
import copy
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from kubernetes.aio.client.configuration import Configuration

from tests.integration.client.conftest import SPEC, Cluster, take
from tests.integration.client.proxy import Proxy
from tests.integration.client.relay import Relay
from videojob_client import Client, EventType, ForbiddenError, UnavailableError, WatchEvent, watching

ADDED, MODIFIED, DELETED = EventType.ADDED, EventType.MODIFIED, EventType.DELETED


class Watcher:
    """What a watch has yielded so far."""

    def __init__(self, events: AsyncIterator[WatchEvent]) -> None:
        self._events = events
        self._came = asyncio.Condition()
        self.seen: list[tuple[EventType, str, str]] = []

    async def run(self) -> None:
        async for event in self._events:
            async with self._came:
                self.seen.append((event.type, event.object.metadata.name, str(event.object.status.phase)))
                self._came.notify_all()

    async def until(self, count: int) -> list[tuple[EventType, str, str]]:
        async with asyncio.timeout(20), self._came:
            await self._came.wait_for(lambda: len(self.seen) >= count)
        return self.seen


@pytest.fixture
async def watcher(proxied: Client) -> AsyncIterator[Watcher]:
    """A watch of all VideoJobs of the namespace, by way of the proxy."""
    async with aclosing(proxied.videojobs.watch()) as events:
        watcher = Watcher(events)
        task = asyncio.create_task(watcher.run())
        yield watcher
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_watch_begins_with_what_there_is_and_goes_on_with_what_changes(
    cluster: Cluster, watcher: Watcher
) -> None:
    await cluster.create("first")
    await watcher.until(1)
    await cluster.status("first", phase="Queued")
    await cluster.create("second")
    await cluster.delete("first")
    assert await watcher.until(4) == [
        (ADDED, "first", "Pending"),
        (MODIFIED, "first", "Queued"),
        (ADDED, "second", "Pending"),
        (DELETED, "first", "Queued"),
    ]


async def test_a_lost_connection_is_made_again_where_it_was(
    cluster: Cluster, proxy: Proxy, watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.create("kept")
    await watcher.until(1)
    await proxy.watches(1)
    proxy.faults = [None, 503]  # the next two connections are lost, and refused
    proxy.cut()
    await cluster.status("kept", phase="Queued")
    await cluster.status("kept", phase="Running")
    await cluster.create("new")
    assert await watcher.until(4) == [
        (ADDED, "kept", "Pending"),
        (MODIFIED, "kept", "Queued"),
        (MODIFIED, "kept", "Running"),
        (ADDED, "new", "Pending"),
    ]
    lists = [request for request in proxy.requests if not request.endswith("watch")]
    assert len(lists) == 1, "nothing was listed again"
    told = [record.levelno for record in caplog.records if record.name == watching.__name__]
    assert set(told) == {logging.WARNING}


async def test_what_happened_in_forgotten_history_is_found_by_listing(
    cluster: Cluster, proxy: Proxy, watcher: Watcher
) -> None:
    for name in ("changed", "gone", "same", "replaced"):
        await cluster.create(name)
    await watcher.until(4)
    await proxy.watches(1)
    proxy.faults = [503] * 3
    proxy.expired = 1
    proxy.cut()
    await cluster.status("changed", phase="Queued")
    await cluster.status("changed", phase="Running")
    await cluster.delete("gone")
    await cluster.delete("replaced")
    await cluster.create("replaced")
    await cluster.create("new")
    seen = await watcher.until(9)
    assert proxy.expired == 0, "the API server was asked for a version that it has forgotten"
    assert sorted(seen[4:6]) == [(DELETED, "gone", "Pending"), (DELETED, "replaced", "Pending")]
    assert sorted(seen[6:]) == [
        (ADDED, "new", "Pending"), (ADDED, "replaced", "Pending"), (MODIFIED, "changed", "Running"),
    ]  # fmt: skip
    await cluster.create("later")
    assert (await watcher.until(10))[9:] == [(ADDED, "later", "Pending")]


async def test_a_connection_that_falls_silent_is_made_again(
    cluster: Cluster, proxied: Client, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SILENCE_S", 0.2)
    await cluster.create("quiet")
    async with aclosing(proxied.videojobs.watch()) as events:
        await anext(events)
        following = asyncio.create_task(anext(events))
        await proxy.watches(3)
        await cluster.status("quiet", phase="Queued")
        event = await asyncio.wait_for(following, 20)
    assert (event.type, event.object.status.phase) == (MODIFIED, "Queued")


async def test_an_object_of_a_megabyte_is_watched(client: Client, cluster: Cluster) -> None:
    await cluster.create("small")
    async with aclosing(client.videojobs.watch()) as events:
        await anext(events)
        await cluster.create("large", annotations={"text": "x" * 250_000})
        await cluster.status("large", message="y" * 2000)
        assert [(await anext(events)).type for _ in range(2)] == [ADDED, MODIFIED]


async def test_a_watch_is_narrowed_by_labels_and_fields(client: Client, cluster: Cluster) -> None:
    await cluster.create("ours", labels={"team": "films"})
    await cluster.create("theirs", labels={"team": "ads"})
    [event] = await take(client.videojobs.watch(labels="team=ads"), 1)
    assert event.object.metadata.name == "theirs"
    [event] = await take(client.videojobs.watch(fields="metadata.name=ours"), 1)
    assert event.object.metadata.name == "ours"


async def test_renderpools_are_watched(client: Client, cluster: Cluster) -> None:
    await cluster.create_pool("large")
    [event] = await take(client.renderpools.watch(), 1)
    assert (event.type, event.object.metadata.name, event.object.spec.max_workers) == (ADDED, "large", 10)


async def test_a_watch_that_cannot_begin_says_so(proxied: Client, proxy: Proxy) -> None:
    proxy.faults = [503] * 20
    with pytest.raises(UnavailableError) as caught:
        await anext(proxied.videojobs.watch())
    assert (caught.value.code, len(proxy.requests)) == (503, 5)


async def test_a_watch_that_is_refused_ends(proxied: Client, proxy: Proxy) -> None:
    await proxied.videojobs.create("seen", SPEC)
    async with aclosing(proxied.videojobs.watch()) as events:
        await anext(events)
        proxy.faults = [403]
        with pytest.raises(ForbiddenError):
            await anext(events)


async def test_a_watch_that_is_left_ends_its_connection_though_the_server_says_nothing(
    configuration: Configuration, namespace: str
) -> None:
    async with Relay(configuration.host) as relay:
        relayed = copy.copy(configuration)
        relayed.host = relay.url
        async with Client(configuration=relayed, namespace=namespace) as client:
            async with aclosing(client.videojobs.watch()) as events:
                reading = asyncio.ensure_future(anext(events))
                await asyncio.sleep(0.5)  # until it waits for what comes next
                relay.silence()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            await asyncio.wait_for(relay.ended.wait(), 5)


async def test_a_watch_keeps_what_it_is_told_to_and_says_when_all_is_told(cluster: Cluster, client: Client) -> None:
    await cluster.create("first")
    told: list[str] = []

    def keep(manifest: dict[str, Any]) -> dict[str, Any]:
        return {"metadata": manifest["metadata"]}

    events = client.videojobs.watch(keep=keep, on_listed=told.append)
    async with aclosing(events):
        event = await anext(events)
        assert (event.object.metadata.name, set(event.object.manifest), told) == ("first", {"metadata"}, [])
        following = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(20):
            while not told:  # noqa: ASYNC110 - it is called back
                await asyncio.sleep(0.01)
        (version,) = told
        assert int(version) >= int(event.object.metadata.resource_version)
        await cluster.create("second")
        event = await following
        assert (event.object.metadata.name, set(event.object.manifest)) == ("second", {"metadata"})
        assert told == [version]
