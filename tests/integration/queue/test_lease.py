import asyncio

import pytest

from tests.integration.queue.conftest import Backend, assignment, read_events, result
from videojob_contract.assignment import Progress
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.events import Claimed, Registered
from videojob_contract.queue.types import EnqueueState, EntryState, RenewOutcome
from videojob_contract.resources.status import Stage

HALFWAY = Progress(stage=Stage.RENDERING, percent=50, message="frame 5 of 10")


async def test_a_lease_that_is_not_renewed_expires(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    await operator.enqueue("low", assignment("b"))
    worker, claim = await backend.claim(lease_s=0.02)
    await backend.claim()
    await asyncio.sleep(0.04)
    (expired,) = await operator.expired()
    assert (expired.uid, expired.attempt, expired.expired) == ("a", 1, True)
    entry = await operator.entry("a")
    assert entry
    assert entry.expired
    assert await backend.worker("pod-0", lease_s=15).renew(claim) is RenewOutcome.HELD
    assert await operator.expired() == []
    assert worker is not None


async def test_expired_gives_the_oldest_first_and_no_more_than_asked(operator: OperatorApi, backend: Backend) -> None:
    for number in range(5):
        await operator.enqueue("low", assignment(f"job-{number}"))
        await backend.claim(lease_s=0.001 * (number + 1))
    await asyncio.sleep(0.03)
    assert [entry.uid for entry in await operator.expired(3)] == ["job-0", "job-1", "job-2"]


async def test_progress_is_read_from_the_entry(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    assert await worker.report(claim, HALFWAY) is RenewOutcome.HELD
    entry = await operator.entry("a")
    assert entry
    assert entry.progress == HALFWAY


async def test_finish_keeps_the_result_for_the_operator(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    assert await worker.finish(claim, result(claim))
    assert await worker.finish(claim, result(claim))
    entry = await operator.entry("a")
    assert entry
    assert (entry.state, entry.result, entry.lease_expires_at) == (EntryState.FINISHED, result(claim), None)
    snapshot = await operator.snapshot()
    assert (snapshot.workers, snapshot.claimed) == ((), 0)
    assert await worker.renew(claim) is RenewOutcome.LOST


async def test_a_released_attempt_is_lost_and_never_restored(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    await operator.release("a", 1)
    await operator.release("a", 1)
    assert await operator.entry("a") is None
    assert await worker.wait_signal(claim, 1)
    assert await worker.renew(claim) is RenewOutcome.LOST
    assert await worker.report(claim, HALFWAY) is RenewOutcome.LOST
    assert not await worker.finish(claim, result(claim))
    assert await operator.entry("a") is None
    assert (await operator.enqueue("low", assignment("a", 1))).state is EnqueueState.STALE
    assert (await operator.enqueue("low", assignment("a", 2))).state is EnqueueState.QUEUED
    assert await worker.renew(claim) is RenewOutcome.LOST


async def test_releasing_an_older_attempt_changes_nothing(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a", 2))
    worker, claim = await backend.claim()
    await operator.release("a", 1)
    assert await worker.renew(claim) is RenewOutcome.HELD


async def test_a_newer_attempt_takes_the_claim_away(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a", 1))
    old_worker, old_claim = await backend.claim()
    await operator.enqueue("low", assignment("a", 2))
    new_worker, new_claim = await backend.claim()
    assert new_claim.assignment.attempt == 2
    assert await old_worker.wait_signal(old_claim, 1)
    assert await old_worker.renew(old_claim) is RenewOutcome.LOST
    assert not await old_worker.finish(old_claim, result(old_claim))
    assert await new_worker.renew(new_claim) is RenewOutcome.HELD
    assert not await new_worker.wait_signal(new_claim, 0.05)


@pytest.mark.parametrize("step", ["renew", "report", "finish"])
async def test_a_running_worker_restores_its_claim_after_redis_was_emptied(
    operator: OperatorApi, backend: Backend, step: str
) -> None:
    await operator.enqueue("high", assignment("a"))
    worker, claim = await backend.claim("pod-x")
    await backend.flushall()
    assert await operator.entry("a") is None
    assert await operator.ensure_epoch()
    assert not await operator.ensure_epoch()
    match step:
        case "renew":
            assert await worker.renew(claim) is RenewOutcome.HELD
        case "report":
            assert await worker.report(claim, HALFWAY) is RenewOutcome.HELD
        case "finish":
            assert await worker.finish(claim, result(claim))
    entry = await operator.entry("a")
    assert entry
    expected = EntryState.FINISHED if step == "finish" else EntryState.CLAIMED
    assert (entry.state, entry.attempt, entry.queue) == (expected, 1, "high")
    assert (entry.worker, entry.token, entry.claimed_at) == ("pod-x", claim.token, claim.claimed_at)
    assert not (await operator.enqueue("high", assignment("a"))).position
    event = (await read_events(operator, 1))[0]
    assert isinstance(event, Claimed)
    assert (event.uid, event.worker, event.job) == ("a", "pod-x", "job-x")


async def test_restoring_takes_the_attempt_back_from_the_queue(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    await backend.flushall()
    await operator.enqueue("low", assignment("a"))
    assert await worker.renew(claim) is RenewOutcome.HELD
    assert await backend.worker().claim(0) is None
    assert (await operator.snapshot()).total_queued == 0


async def test_restoring_comes_too_late_when_another_holds_the_attempt(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    slow, old_claim = await backend.claim()
    await backend.flushall()
    await operator.enqueue("low", assignment("a"))
    other, claim = await backend.claim()
    assert await slow.renew(old_claim) is RenewOutcome.LOST
    assert not await slow.finish(old_claim, result(old_claim))
    assert await other.renew(claim) is RenewOutcome.HELD


async def test_the_restored_attempt_that_is_newer_wins(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a", 1))
    old_worker, old_claim = await backend.claim()
    await operator.enqueue("low", assignment("a", 2))
    new_worker, new_claim = await backend.claim()
    await backend.flushall()
    assert await old_worker.renew(old_claim) is RenewOutcome.HELD
    assert await new_worker.renew(new_claim) is RenewOutcome.HELD
    assert await old_worker.renew(old_claim) is RenewOutcome.LOST
    entry = await operator.entry("a")
    assert entry
    assert (entry.attempt, entry.token) == (2, new_claim.token)


async def test_an_idle_worker_registers_again_after_redis_was_emptied(operator: OperatorApi, backend: Backend) -> None:
    worker = backend.worker("pod-x")
    await worker.register()
    await backend.flushall()
    await worker.register()
    (event,) = await read_events(operator, 1)
    assert isinstance(event, Registered)
    assert [worker.id for worker in (await operator.snapshot()).workers] == ["pod-x"]


async def test_tombstones_go_after_their_time(backend: Backend, operator: OperatorApi) -> None:
    forgetful = backend.operator(tombstone_s=0.02)
    await forgetful.forget("a")
    await forgetful.release("b", 1)
    await operator.forget("c")
    await asyncio.sleep(0.04)
    await operator.expired()
    assert (await operator.enqueue("low", assignment("a"))).accepted
    assert (await operator.enqueue("low", assignment("b"))).accepted
    assert not (await operator.enqueue("low", assignment("c"))).accepted
