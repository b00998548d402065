"""A session with a pool's queues tells of what it reads."""

import asyncio

from tests.assignments import assignment
from tests.unit.virtual_time import virtual_time
from videojob_contract.queue.events import Event
from videojob_contract.queue.fake import FakeOperatorQueue, FakeServer, FakeWorkerQueue
from videojob_contract.queue.types import PoolKey, QueueEntry, Sharing
from videojob_operator import metrics
from videojob_operator.act.queues import ADMIT_S, TICK_S, QueueSession
from videojob_operator.parts import keep_up

POOL = PoolKey("ns", "default")
LONG_S = 20.0


class Told:
    """A listener that keeps the first event."""

    def __init__(self) -> None:
        self.first: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

    async def queue_event(self, _: QueueSession, event: Event) -> None:
        self.first.set_result(event)

    def queue_known(self, _: PoolKey) -> None:
        pass

    def waiting(self, _: PoolKey) -> int:
        return 0

    def has_active(self, _: PoolKey) -> bool:
        return False

    def lease_expired(self, *_: object) -> None:
        pass

    def began_without(self, _: PoolKey, silent_s: float) -> bool:
        return silent_s >= LONG_S

    def is_past(self, _: PoolKey, uid: str, attempt: int) -> bool:
        return (uid, attempt) == ("begun", 1)


async def test_events_are_counted_by_the_names_that_they_have_in_the_stream():
    server, told = FakeServer(), Told()
    before = metrics.REGISTRY.get_sample_value("videojob_queue_events_total", {"event": "registered"}) or 0
    running = asyncio.create_task(QueueSession(FakeOperatorQueue(POOL, server), told, "test").run())
    try:
        await FakeWorkerQueue(POOL, server, "pod-1", "job-1").register()
        await asyncio.wait_for(told.first, 5)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert metrics.REGISTRY.get_sample_value("videojob_queue_events_total", {"event": "registered"}) == before + 1


@virtual_time
async def test_a_session_that_fails_believes_nothing_and_is_made_anew():
    class Faulty(FakeOperatorQueue):
        async def expired(self, limit: int = 100) -> list[QueueEntry]:
            if faults:
                raise faults.pop()
            return await super().expired(limit)

    server, told, faults = FakeServer(lambda: 0.0), Told(), [ZeroDivisionError()]
    session = QueueSession(Faulty(POOL, server), told, "test")
    running = asyncio.create_task(keep_up("test", session.run))
    await asyncio.sleep(1.5 * TICK_S)
    assert not faults
    assert not session.known
    await asyncio.sleep(TICK_S)
    assert session.known
    running.cancel()
    await asyncio.wait([running])


@virtual_time
async def test_a_session_that_is_ended_just_when_redis_goes_away_ends():
    server = FakeServer(lambda: 0.0)
    running = asyncio.create_task(QueueSession(FakeOperatorQueue(POOL, server), Told(), "test").run())
    await asyncio.sleep(TICK_S / 2)
    server.available = False
    await asyncio.sleep(TICK_S / 2)
    running.cancel()
    await asyncio.wait([running], timeout=60)
    assert running.cancelled()


@virtual_time
async def test_users_that_redis_lost_are_made_again():
    server = FakeServer(lambda: 0.0)
    session = QueueSession(FakeOperatorQueue(POOL, server), Told(), "test")
    running = asyncio.create_task(session.run())
    assert not session.has_user
    await session.admit_workers(("new", "old"))
    await asyncio.sleep(TICK_S / 2)
    assert session.has_user
    for lose in (lambda: setattr(server.state(POOL), "passwords", ()), server.flushall):
        lose()
        await asyncio.sleep(ADMIT_S + TICK_S + 1)
        assert server.state(POOL).passwords == ("new", "old")
    running.cancel()
    await asyncio.wait([running])


@virtual_time
async def test_workers_share_a_user_where_the_operator_may_make_none():
    server = FakeServer(lambda: 0.0)
    server.has_users = False
    session = QueueSession(FakeOperatorQueue(POOL, server), Told(), "test")
    await session.admit_workers(("new",))
    assert not session.has_user
    assert server.state(POOL).passwords == ()


@virtual_time
async def test_how_long_redis_is_away_counts_from_its_last_answer():
    server = FakeServer(lambda: 0.0)
    session = QueueSession(FakeOperatorQueue(POOL, server), Told(), "test")
    running = asyncio.create_task(session.run())
    await asyncio.sleep(1)
    assert session.silent_s == 0
    for _ in range(2):
        server.available = False
        await asyncio.sleep(TICK_S + 10)
        assert 10 <= session.silent_s <= TICK_S + 10
        server.available = True
        await asyncio.sleep(TICK_S)
        assert session.silent_s == 0
    running.cancel()
    await asyncio.wait([running])


@virtual_time
async def test_what_began_without_redis_is_taken_out_before_anyone_is_told_that_it_is_back():
    class Looking(Told):
        def queue_known(self, _: PoolKey) -> None:
            left.append(sorted(server.state(POOL).records))

    left: list[list[str]] = []
    server = FakeServer(lambda: 0.0)
    session = QueueSession(FakeOperatorQueue(POOL, server), Looking(), "test")
    await session.configure({"default": 1}, "", Sharing())
    running = asyncio.create_task(session.run())
    await asyncio.sleep(1)
    for uid in ("begun", "waiting"):
        await session.queue.enqueue("default", assignment(uid))
    for away_s in (LONG_S / 2, 2 * LONG_S):
        server.available = False
        await asyncio.sleep(away_s)
        server.available = True
        await asyncio.sleep(2 * TICK_S)
    assert left == [[], ["begun", "waiting"], ["waiting"]]
    running.cancel()
    await asyncio.wait([running])
