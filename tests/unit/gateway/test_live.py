"""Live streams: what a client is sent, whatever changes, comes back late, or is slow."""

import asyncio
import json
import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.gateway.records import manifest
from videojob_gateway import live
from videojob_gateway.job_cache import JobCache, JobRecord
from videojob_gateway.job_query import JobQuery
from videojob_gateway.live import Changes, LiveResponse, OpenStreams

EVENT = re.compile(rb"event: (\w+)\nid: (\d+)\ndata: (.*)\n\n")


def record(name: str, version: int, user: str = "ana", phase: str = "Running") -> JobRecord:
    made = manifest(name, spec={"user": user}, status={"phase": phase})
    made["metadata"]["resourceVersion"] = str(version)
    return JobRecord.of(made)


class Client:
    """Knows of VideoJobs what it was sent; comes back from where it was when it is cut off."""

    def __init__(self, cache: JobCache, owner: str | None = None) -> None:
        self.cache, self.owner = cache, owner
        self.seen: dict[str, dict[str, Any]] = {}
        self.last: int | None = None
        self.connect()

    def connect(self) -> None:
        self.changes = Changes(JobQuery(owner=self.owner).tests)
        self.following = self.cache.followed(self.changes)
        self.following.__enter__()
        self.changes.catch_up(self.cache, self.last)

    async def receive(self, most: int = 1000) -> None:
        for name, version, data in EVENT.findall(b"".join(await self.changes.take(0)))[:most]:
            assert self.last is None or int(version) >= self.last
            self.last = int(version)
            document = json.loads(data)
            if name == b"job":
                self.seen[document["id"]] = document
            elif name == b"deleted":
                self.seen.pop(document["id"], None)
            else:
                self.list()

    def list(self) -> None:
        wanted = [each for each in self.cache.newest_first() if self.owner in {None, each.user}]
        self.seen = {each.uid: json.loads(each.shown) for each in wanted}

    def cut(self) -> None:
        self.following.__exit__(None, None, None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abc"), st.sampled_from(["ana", "ben"])),
        st.tuples(st.just("delete"), st.sampled_from("abc")),
        st.tuples(st.just("lose"), st.sampled_from("abc")),  # deleted while nobody watched
        st.tuples(st.just("relist"), st.sampled_from("abc")),  # likewise, and found by the watch's next list
        st.tuples(st.just("receive"), st.integers(0, 3)),
        st.tuples(st.just("cut")),
    ),
    max_size=30,
)


@example([("put", "b", "ana"), ("receive", 1), ("put", "b", "ben"), ("cut",)], "ana")  # another's, while she is away
@given(STEPS, st.sampled_from([None, "ana"]))
def test_whatever_happens_a_client_comes_to_know_what_there_is(steps, owner):
    async def run() -> None:
        cache = JobCache()
        client = Client(cache, owner)
        for version, step in enumerate(steps, 1):
            match step:
                case ("put", name, user):
                    cache.put(record(name, version, user))
                case ("delete", name):
                    cache.remove(f"uid-{name}", version)
                case ("lose", name):
                    cache.remove(f"uid-{name}")
                case ("relist", name):
                    gone = cache.of_uid(f"uid-{name}")
                    cache.remove(f"uid-{name}", gone.version if gone else 0)
                case ("receive", most):  # and is cut off in the middle of what was sent
                    await client.receive(most)
                    client.cut()
                    client.connect()
                case ("cut",):
                    client.cut()
                    client.connect()
        await client.receive()
        seen = client.seen
        client.list()
        assert seen == client.seen

    asyncio.run(run())


async def test_of_each_videojob_the_last_state_alone_waits():
    cache = JobCache()
    changes = Changes()
    with cache.followed(changes):
        for version in range(1, 1000):
            cache.put(record("ab"[version % 2], version))
        events = EVENT.findall(b"".join(await changes.take(0)))
    assert [int(version) for _, version, _ in events] == [998, 999]


async def test_a_videojob_that_is_given_away_is_gone_for_who_had_it():
    cache = JobCache()
    cache.put(record("a", 1, "ana"))
    changes = Changes(JobQuery(owner="ana").tests)
    with cache.followed(changes):
        cache.put(record("a", 2, "ben"))
        ((name, _, data),) = EVENT.findall(b"".join(await changes.take(0)))
    assert (name, json.loads(data)) == (b"deleted", {"id": "uid-a", "name": "a"})


class Connection:
    """The server's side of a connection, whose client reads or does not."""

    def __init__(self) -> None:
        self.sent = b""
        self.started: dict[str, Any] = {}
        self.reads = asyncio.Event()
        self.reads.set()
        self.left = asyncio.Event()

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.started = message
        self.sent += message.get("body", b"")

    async def receive(self) -> Any:
        await self.left.wait()
        return {"type": "http.disconnect"}


def response(cache: JobCache, streams: OpenStreams, changes: Changes) -> LiveResponse:
    return LiveResponse(cache, changes, streams, lambda: changes.catch_up(cache, None), user="ana")


async def until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - whatever it is
            await asyncio.sleep(0.001)


async def test_a_stream_ends_with_its_client_and_with_the_gateway():
    cache, streams = JobCache(), OpenStreams(2)
    left, ended = Connection(), Connection()
    tasks = []
    for connection in (left, ended):
        assert not streams.is_full("ana")
        serving = response(cache, streams, Changes())({}, connection.receive, connection.send)
        tasks.append(asyncio.create_task(serving))
    await until(lambda: b"ready" in left.sent and b"ready" in ended.sent)
    assert streams.is_full("ana")
    assert not streams.is_full("ben")
    left.left.set()
    await tasks[0]
    assert not streams.is_full("ana")
    cache.put(record("a", 1))
    streams.end_all()
    await tasks[1]
    assert b"event: job" in ended.sent
    assert b"event: job" not in left.sent


async def test_a_silent_stream_shows_signs_of_life(monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)
    cache, streams, connection = JobCache(), OpenStreams(1), Connection()
    task = asyncio.create_task(response(cache, streams, Changes())({}, connection.receive, connection.send))
    await until(lambda: connection.sent.endswith(2 * live.HEARTBEAT))
    connection.left.set()
    await task


async def test_a_client_that_reads_nothing_is_dropped(monkeypatch):
    monkeypatch.setattr(live, "SLOW_S", 0.05)
    cache, streams = JobCache(), OpenStreams(1)
    connection = Connection()
    task = asyncio.create_task(response(cache, streams, Changes())({}, connection.receive, connection.send))
    await until(lambda: b"ready" in connection.sent)
    connection.reads.clear()
    cache.put(record("a", 1))
    async with asyncio.timeout(5):
        await task
    assert not streams.is_full("ana")


async def test_a_stream_does_not_last_for_ever(monkeypatch):
    monkeypatch.setattr(live, "LONGEST_S", 0.0)
    connection = Connection()
    async with asyncio.timeout(5):
        await response(JobCache(), OpenStreams(1), Changes())({}, connection.receive, connection.send)
    assert connection.sent.startswith(b"retry: 1000\n\nevent: ready\n")
