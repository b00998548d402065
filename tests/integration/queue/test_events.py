import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.integration.queue.conftest import QUEUES, Backend, assignment, read_events, ready, result
from videojob_contract.assignment import Progress
from videojob_contract.queue import stream
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.events import Claimed, Event, Finished, Registered, StageChanged
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.resources.status import Stage

if TYPE_CHECKING:
    from videojob_contract.queue.reading import Unreadable


async def run_one(operator: OperatorApi, backend: Backend, uid: str) -> None:
    await operator.enqueue("low", assignment(uid))
    worker, claim = await backend.claim()
    for percent in (10, 20, 30):
        await worker.report(claim, Progress(stage=Stage.RENDERING, percent=percent))
    await worker.report(claim, Progress(stage=Stage.AUDIO, percent=90))
    await worker.finish(claim, result(claim))


async def test_an_attempt_is_told_from_claim_to_result(operator: OperatorApi, backend: Backend) -> None:
    await run_one(operator, backend, "a")
    events = await read_events(operator, 5)
    assert [type(event) for event in events] == [Registered, Claimed, StageChanged, StageChanged, Finished]
    _, claimed, *_, finished = events
    assert isinstance(claimed, Claimed)
    assert (claimed.uid, claimed.attempt, claimed.worker, claimed.job) == ("a", 1, "pod-0", "job-0")
    assert isinstance(finished, Finished)
    assert (finished.uid, finished.attempt) == ("a", 1)


async def test_what_is_not_acknowledged_comes_again_to_the_same_consumer(
    operator: OperatorApi, backend: Backend
) -> None:
    await run_one(operator, backend, "a")
    first = await read_events(operator, 5)
    await operator.ack(event.id for event in first[:2])
    await operator.ack([])
    await run_one(operator, backend, "b")
    again = await read_events(operator, 8)
    assert again[:3] == first[2:]
    assert [event.uid for event in again[3:] if isinstance(event, Finished)] == ["b"]


async def test_another_consumer_gets_only_what_nobody_took(operator: OperatorApi, backend: Backend) -> None:
    await run_one(operator, backend, "a")
    taken = await read_events(operator, 5, "operator-1")
    await run_one(operator, backend, "b")
    rest = await read_events(operator, 5, "operator-2")
    assert not {event.id for event in taken} & {event.id for event in rest}


async def test_what_a_dead_consumer_took_goes_to_another(
    redis_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = await ready(redis_backend)
    await run_one(operator, redis_backend, "a")
    taken = await read_events(operator, 5, "operator-1")
    monkeypatch.setattr(stream, "STALLED_S", 0.01)
    await asyncio.sleep(0.03)
    assert await read_events(operator, 5, "operator-2") == taken


async def test_events_go_on_after_redis_was_emptied(operator: OperatorApi, backend: Backend) -> None:
    events: list[Event] = []

    async def read() -> None:
        async for event in operator.events("operator-1"):
            events.append(event)
            await operator.ack([event.id])

    reading = asyncio.create_task(read())
    await run_one(operator, backend, "a")
    await asyncio.sleep(0.1)
    await backend.flushall()
    await operator.ensure_epoch()
    await run_one(operator, backend, "b")
    await asyncio.sleep(0.1)
    reading.cancel()
    assert [event.uid for event in events if isinstance(event, Finished)] == ["a", "b"]


async def test_acknowledged_events_leave_the_stream(redis_backend: Backend) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis is not None
    await run_one(operator, redis_backend, "a")
    await operator.ack([event.id for event in await read_events(operator, 5)])
    assert await redis.xlen(f"vj:{{{redis_backend.pool}}}:events") == 0


async def test_events_of_a_newer_version_are_passed_over(redis_backend: Backend) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis is not None
    await redis.xadd(f"vj:{{{redis_backend.pool}}}:events", {"type": "invented", "uid": "a"})
    await run_one(operator, redis_backend, "a")
    assert isinstance((await read_events(operator, 1))[0], Registered)


@pytest.mark.parametrize(
    "fields", [{"type": "x" * (8 << 20)}, {"x" * (8 << 20): "y"}, dict.fromkeys(map(str, range(60_000)), "y")]
)
async def test_an_event_of_any_size_is_told_as_unreadable_and_passed_over(
    redis_backend: Backend, fields: dict[str, str]
) -> None:
    """A worker may write to the stream without our scripts."""
    redis = redis_backend.redis
    assert redis is not None
    unreadable: list[Unreadable] = []
    operator = OperatorQueue(redis_backend.pool, redis, on_unreadable=unreadable.append)
    await operator.load_scripts()
    await operator.configure(QUEUES)
    await operator.ensure_epoch()
    key = f"vj:{{{redis_backend.pool}}}:events"
    await redis.xadd(key, fields)
    await run_one(operator, redis_backend, "a")
    events = await read_events(operator, 5)
    assert isinstance(events[0], Registered)
    await operator.ack([event.id for event in events])
    assert await redis.xlen(key) == 0
    assert [each.kind for each in unreadable] == ["event"]
