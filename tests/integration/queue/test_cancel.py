import asyncio
import time

from tests.integration.queue.conftest import Backend, assignment, result
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.types import CancelOutcome, EnqueueState, EntryState, RenewOutcome


async def test_what_waits_is_removed_and_refused(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a", 2))
    for _ in range(2):
        assert await operator.cancel("a") is CancelOutcome.CANCELLED
    assert await backend.worker().claim(0) is None
    entry = await operator.entry("a")
    assert entry
    assert (entry.state, entry.attempt, entry.position) == (EntryState.CANCELLED, 2, None)
    assert (await operator.enqueue("low", assignment("a", 3))).state is EnqueueState.CANCELLED


async def test_what_is_not_known_is_refused_too(operator: OperatorApi) -> None:
    assert await operator.cancel("a") is CancelOutcome.CANCELLED
    assert not (await operator.enqueue("low", assignment("a"))).accepted


async def test_a_worker_is_told_at_once_and_ends_with_a_result(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    waiting = asyncio.create_task(worker.wait_signal(claim, 10))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    for _ in range(2):
        assert await operator.cancel("a") is CancelOutcome.SIGNALLED
    assert await waiting
    assert time.monotonic() - started < 0.5
    assert not await worker.wait_signal(claim, 0.05)  # the second cancel added nothing
    assert await worker.renew(claim) is RenewOutcome.CANCELLED
    entry = await operator.entry("a")
    assert entry
    assert (entry.state, entry.cancelling) == (EntryState.CLAIMED, True)
    assert await worker.finish(claim, result(claim))
    assert await operator.cancel("a") is CancelOutcome.FINISHED


async def test_a_cancelled_claim_that_is_lost_is_not_run_again(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    await backend.claim()
    await operator.cancel("a")
    await operator.release("a", 1)
    entry = await operator.entry("a")
    assert entry
    assert entry.state is EntryState.CANCELLED
    assert not (await operator.enqueue("low", assignment("a", 2))).accepted


async def test_a_released_attempt_can_still_be_cancelled(operator: OperatorApi) -> None:
    await operator.enqueue("low", assignment("a"))
    await operator.release("a", 1)
    assert await operator.cancel("a") is CancelOutcome.CANCELLED
    assert not (await operator.enqueue("low", assignment("a", 2))).accepted


async def test_forget_stops_the_worker_and_refuses_what_it_says(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    for _ in range(2):
        await operator.forget("a")
    assert await operator.entry("a") is None
    assert await worker.wait_signal(claim, 1)
    assert not await worker.wait_signal(claim, 0.05)
    assert await worker.renew(claim) is RenewOutcome.LOST
    assert not await worker.finish(claim, result(claim))
    assert (await operator.snapshot()).claimed == 0


async def test_no_signal_is_no_news(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("a"))
    worker, claim = await backend.claim()
    started = time.monotonic()
    assert not await worker.wait_signal(claim, 0.1)
    assert 0.05 < time.monotonic() - started < 1
