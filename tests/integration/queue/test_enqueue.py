import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.queue.conftest import QUEUES, Backend, assignment, result
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.errors import UnknownQueueError
from videojob_contract.queue.types import Claim, Enqueued, EnqueueState, EntryState

QUEUED = EnqueueState.QUEUED


async def test_position_counts_what_waits_before_in_the_same_queue(operator: OperatorApi) -> None:
    assert await operator.enqueue("low", assignment("a")) == Enqueued(QUEUED, 0)
    assert await operator.enqueue("high", assignment("b")) == Enqueued(QUEUED, 0)
    assert await operator.enqueue("low", assignment("c")) == Enqueued(QUEUED, 1)
    entries = await operator.entries(["a", "b", "c", "unknown"])
    assert {uid: entry.position for uid, entry in entries.items()} == {"a": 0, "b": 0, "c": 1}


async def test_enqueueing_again_keeps_the_place_and_replaces_the_payload(
    operator: OperatorApi, backend: Backend
) -> None:
    await operator.enqueue("low", assignment("a", name="before"))
    await operator.enqueue("low", assignment("b"))
    assert await operator.enqueue("low", assignment("a", name="after")) == Enqueued(QUEUED, 0)
    _, claim = await backend.claim()
    assert claim.assignment == assignment("a", name="after")
    assert (await operator.snapshot()).total_queued == 1


async def test_another_queue_takes_the_entry_at_its_end(operator: OperatorApi) -> None:
    await operator.enqueue("low", assignment("a"))
    await operator.enqueue("high", assignment("b"))
    assert await operator.enqueue("high", assignment("a")) == Enqueued(QUEUED, 1)
    assert (await operator.snapshot()).queued == {"high": 2, "default": 0, "low": 0}


async def test_what_has_waited_longer_is_before(operator: OperatorApi, backend: Backend) -> None:
    now = datetime.now(UTC)
    for uid, ago_s in (("c", 1), ("a", 3), ("b", 2), ("b2", 2), ("future", -60), ("z", 4)):
        await operator.enqueue("low", assignment(uid), now - timedelta(seconds=ago_s))
    await operator.enqueue("low", assignment("now"))
    order = ["z", "a", "b", "b2", "c", "now", "future"]
    entries = await operator.entries(order)
    assert {uid: entry.position for uid, entry in entries.items()} == {uid: at for at, uid in enumerate(order)}
    assert [(await backend.claim())[1].assignment.uid for _ in order] == order


async def test_enqueueing_again_with_another_time_keeps_the_place(operator: OperatorApi) -> None:
    for uid in ("a", "b"):
        await operator.enqueue("low", assignment(uid))
    assert await operator.enqueue("low", assignment("b"), datetime.fromtimestamp(0, UTC)) == Enqueued(QUEUED, 1)


async def test_while_claims_are_held_the_queue_fills_in_any_order(operator: OperatorApi, backend: Backend) -> None:
    now = datetime.now(UTC)
    await operator.configure(QUEUES, held=True)
    idle = asyncio.create_task(backend.worker("pod-idle").claim(30))
    await asyncio.sleep(0.05)
    for ago_s in (1, 3, 2):
        await operator.enqueue("low", assignment(f"waits-{ago_s}"), now - timedelta(seconds=ago_s))
    await operator.ensure_epoch()
    assert await backend.worker("pod-late").claim(0.1) is None
    assert (await operator.snapshot()).queued == {"high": 0, "default": 0, "low": 3}
    assert not idle.done()
    await operator.configure(QUEUES)
    async with asyncio.timeout(2):  # a worker that was not woken looks for itself only after 5 s
        claim = await idle
    assert isinstance(claim, Claim)
    assert claim.assignment.uid == "waits-3"


async def test_claims_stay_held_when_redis_is_emptied_once_more(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, held=True)
    await backend.flushall()
    await operator.ensure_epoch()
    await operator.enqueue("low", assignment("a"))
    assert await backend.worker().claim(0) is None
    await operator.configure(QUEUES)
    await backend.claim()


async def test_an_older_attempt_is_stale_and_a_newer_one_replaces(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a", 2))
    assert await operator.enqueue("low", assignment("a", 1)) == Enqueued(EnqueueState.STALE)
    assert (await operator.enqueue("low", assignment("a", 3))).accepted
    _, claim = await backend.claim()
    assert claim.assignment.attempt == 3
    assert (await operator.snapshot()).total_queued == 0


async def test_what_became_of_the_attempt_is_answered(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    assert await operator.enqueue("low", assignment("a")) == Enqueued(EnqueueState.CLAIMED)
    await worker.finish(claim, result(claim))
    assert await operator.enqueue("low", assignment("a")) == Enqueued(EnqueueState.FINISHED)
    await operator.forget("a")
    assert await operator.enqueue("low", assignment("a", 2)) == Enqueued(EnqueueState.CANCELLED)


async def test_a_queue_that_the_pool_lacks_is_refused(operator: OperatorApi) -> None:
    with pytest.raises(UnknownQueueError, match='has no queue "nope"; its queues: default, high, low'):
        await operator.enqueue("nope", assignment("a"))
    assert await operator.entry("a") is None


async def test_a_closed_queue_drains_and_takes_nothing_new(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    await operator.configure({"high": 10})
    with pytest.raises(UnknownQueueError):
        await operator.enqueue("low", assignment("b"))
    assert (await operator.snapshot()).queued == {"high": 0, "low": 1}
    _, claim = await backend.claim()
    assert (claim.assignment.uid, claim.queue) == ("a", "low")
    assert (await operator.snapshot()).queued == {"high": 0}


async def test_queues_are_set_again_when_redis_was_emptied_just_before(operator: OperatorApi, backend: Backend) -> None:
    await backend.flushall()
    assert (await operator.enqueue("low", assignment("a"))).accepted
    assert (await operator.snapshot()).queued == dict.fromkeys(QUEUES, 0) | {"low": 1}


async def test_withdraw_leaves_no_trace(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    assert await operator.withdraw("a", 1)
    assert not await operator.withdraw("a", 1)
    assert await operator.entry("a") is None
    assert await backend.worker().claim(0) is None
    assert await operator.enqueue("low", assignment("a")) == Enqueued(QUEUED, 0)


async def test_withdraw_spares_what_is_claimed_and_other_attempts(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a", 2))
    assert not await operator.withdraw("a", 1)
    await backend.claim()
    assert not await operator.withdraw("a", 2)
    entry = await operator.entry("a")
    assert entry
    assert entry.state is EntryState.CLAIMED


async def test_known_uids_are_those_that_live(operator: OperatorApi, backend: Backend) -> None:
    for uid in ("finished", "claimed", "queued", "cancelled", "forgotten", "released"):
        await operator.enqueue("low", assignment(uid))
    worker, claim = await backend.claim()
    await worker.finish(claim, result(claim))
    await backend.claim()
    await operator.cancel("cancelled")
    await operator.forget("forgotten")
    await operator.release("released", 1)
    assert await operator.known_uids() == {"finished", "claimed", "queued"}


async def test_delete_pool_leaves_nothing(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    await operator.delete_pool()
    assert await operator.known_uids() == set()
    assert (await operator.snapshot()).queued == {}
    if backend.redis is not None:
        assert await backend.redis.keys(f"vj:{{{backend.pool}}}:*") == []
