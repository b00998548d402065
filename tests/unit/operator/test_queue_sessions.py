"""A pool has one session with its queues, for as long as there is the pool."""

import asyncio
from typing import Any

from videojob_contract.queue.fake import FakeOperatorQueue, FakeServer, FakeWorkerQueue
from videojob_contract.queue.types import PoolKey
from videojob_operator.cache import Cache
from videojob_operator.queue_listener import QueueListener
from videojob_operator.queue_sessions import QueueSessions
from videojob_operator.records import VideoJobKey

POOL = PoolKey("ns", "default")


class Woken:
    """Stands for both work queues: keys that are to be reconciled."""

    def __init__(self) -> None:
        self.keys: set[Any] = set()
        self.some = asyncio.Event()

    def add(self, key: Any) -> None:
        self.keys.add(key)
        self.some.set()


def scene(tasks: asyncio.TaskGroup) -> tuple[QueueSessions, FakeServer, Cache, Woken]:
    """Return sessions on a server, the cache of what they know, and what is to be reconciled."""
    server, cache, woken = FakeServer(), Cache(), Woken()
    listener = QueueListener(
        cache,
        woken,  # type: ignore[arg-type]
        woken,  # type: ignore[arg-type]
        hold=lambda *_: None,
    )
    return QueueSessions(lambda pool: FakeOperatorQueue(pool, server), lambda: listener, tasks), server, cache, woken


async def test_a_session_is_opened_once_and_connects_in_the_background():
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        sessions, _, _, woken = scene(tasks)
        assert sessions.get(POOL) is None
        session = sessions.open(POOL)
        assert session.connecting
        await woken.some.wait()
        assert session.known
        assert woken.keys == {POOL}
        assert sessions.open(POOL) is sessions.get(POOL) is session
        assert list(sessions) == [session]
        await sessions.close(POOL)


async def test_a_closed_session_ends_and_its_queues_are_deleted():
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:  # it would wait for a session that runs on
        sessions, server, _, woken = scene(tasks)
        sessions.open(POOL)
        await woken.some.wait()
        await FakeWorkerQueue(POOL, server, "pod-1", "job-1").register()
        await sessions.close(POOL)
        assert sessions.get(POOL) is None
        assert (await FakeOperatorQueue(POOL, server).snapshot()).workers == ()


async def test_what_a_deleted_queue_was_to_forget_is_looked_at_again():
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        sessions, _, cache, woken = scene(tasks)
        metadata = {"namespace": "ns", "name": "gone", "uid": "u", "resourceVersion": "1", "generation": 1}
        cache.videojobs.put({"metadata": metadata, "spec": {}})
        cache.videojobs.remove(VideoJobKey("ns", "gone"))
        await sessions.close(POOL)
        assert woken.keys == {VideoJobKey("ns", "gone")}
