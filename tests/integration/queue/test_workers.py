import asyncio
import time

import pytest

from tests.integration.queue.conftest import Backend, assignment, read_events, result
from videojob_contract.errors import Reason
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.events import Registered, WorkerRetired
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import EntryState, Retired, WorkerState


async def states(operator: OperatorApi) -> dict[str, WorkerState]:
    return {worker.id: worker.state for worker in (await operator.snapshot()).workers}


async def test_an_idle_worker_takes_its_retirement_at_once(operator: OperatorApi, backend: Backend) -> None:
    worker = backend.worker("pod-x")
    waiting = asyncio.create_task(worker.claim(30))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    assert await operator.retire("pod-x")
    assert await waiting == Retired()
    assert time.monotonic() - started < 1
    assert await worker.claim(0) == Retired()  # the same answer again
    assert await states(operator) == {}
    registered, retired = await read_events(operator, 2)
    assert isinstance(registered, Registered)
    assert isinstance(retired, WorkerRetired)
    assert (retired.worker, retired.job) == ("pod-x", "job-x")


async def test_a_retiring_worker_takes_no_work(operator: OperatorApi, backend: Backend) -> None:
    worker = backend.worker("pod-x")
    await worker.register()
    for _ in range(2):
        assert await operator.retire("pod-x")
    assert await states(operator) == {"pod-x": WorkerState.RETIRING}
    await operator.enqueue("low", assignment("a"))
    assert await worker.claim(0) == Retired()
    assert await operator.retire("pod-x")
    assert (await operator.snapshot()).total_queued == 1


async def test_a_busy_or_unknown_worker_is_not_retired(operator: OperatorApi, backend: Backend) -> None:
    assert not await operator.retire("pod-x")
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim("pod-x")
    assert not await operator.retire("pod-x")
    assert await states(operator) == {"pod-x": WorkerState.BUSY}
    assert await worker.finish(claim, result(claim))


async def test_snapshot_tells_who_does_what(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("high", assignment("a"))
    await operator.enqueue("high", assignment("b"))
    await operator.enqueue("low", assignment("c"))
    await backend.claim("pod-busy")
    await backend.worker("pod-idle").register()
    await asyncio.sleep(0.05)
    snapshot = await operator.snapshot()
    assert snapshot.queued == {"high": 1, "default": 0, "low": 1}
    assert snapshot.oldest_wait_s.keys() == {"high", "low"}
    assert all(0.05 <= wait_s < 5 for wait_s in snapshot.oldest_wait_s.values())
    assert snapshot.claimed == 1
    busy, idle = snapshot.workers
    assert (busy.id, busy.job, busy.state, busy.uid) == ("pod-busy", "job-busy", WorkerState.BUSY, "a")
    assert (idle.id, idle.job, idle.state, idle.uid) == ("pod-idle", "job-idle", WorkerState.IDLE, None)
    assert idle.since <= idle.last_seen <= snapshot.at


async def test_registering_again_says_only_that_it_lives(operator: OperatorApi, backend: Backend) -> None:
    worker = backend.worker("pod-x")
    await worker.register()
    (before,) = (await operator.snapshot()).workers
    await asyncio.sleep(0.02)
    await worker.register()
    (after,) = (await operator.snapshot()).workers
    assert after.since == before.since
    assert after.last_seen > before.last_seen
    await backend.worker("pod-y").register()
    assert [event.worker for event in await read_events(operator, 2) if isinstance(event, Registered)] == [
        "pod-x",
        "pod-y",
    ]


async def test_a_worker_that_cannot_read_what_it_claimed_gives_it_back_and_leaves(
    operator: OperatorApi, backend: Backend
) -> None:
    if backend.redis is None:
        pytest.skip("the fake keeps no text")
    for uid in ("a", "b"):
        await operator.enqueue("low", assignment(uid))
    await backend.redis.hset(Keys(backend.pool).fixed("payloads"), "a", "of a later version")  # type: ignore[misc]
    assert await backend.worker("pod-x").claim(0) == Retired()
    entry = await operator.entry("a")
    assert entry
    assert entry.result
    assert (entry.state, entry.result.reason) == (EntryState.FINISHED, Reason.WORKER_LOST)
    assert await states(operator) == {}
    _, claim = await backend.claim()
    assert claim.assignment.uid == "b"
