"""A VideoJob that is rendered once more, after its queue was told to forget it."""

import pytest

from tests.integration.queue.conftest import Backend, assignment, result
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.types import EnqueueState, EntryState


async def finish(operator: OperatorApi, backend: Backend, uid: str) -> None:
    await operator.enqueue("low", assignment(uid))
    worker, claim = await backend.claim()
    assert await worker.finish(claim, result(claim))


@pytest.mark.parametrize("end", ["forgotten", "cancelled", "finished"])
async def test_a_newer_attempt_runs_again_if_it_is_to(operator: OperatorApi, backend: Backend, end: str) -> None:
    if end == "cancelled":
        await operator.enqueue("low", assignment("one"))
        await operator.cancel("one")
    else:
        await finish(operator, backend, "one")
    if end == "forgotten":
        await operator.forget("one")
    if end != "finished":
        assert (await operator.enqueue("low", assignment("one", 2))).state is EnqueueState.CANCELLED

    assert (await operator.enqueue("low", assignment("one", 2), again=True)).state is EnqueueState.QUEUED
    entry = await operator.entry("one")
    assert entry is not None
    assert (entry.state, entry.attempt, entry.result) == (EntryState.QUEUED, 2, None)
    _, claim = await backend.claim()
    assert (claim.assignment.uid, claim.assignment.attempt) == ("one", 2)


@pytest.mark.parametrize("end", ["cancelled", "forgotten"])
async def test_an_attempt_of_before_is_refused_as_one_whose_number_is_used(
    operator: OperatorApi, backend: Backend, end: str
) -> None:
    await finish(operator, backend, "one")
    await operator.forget("one")
    await operator.enqueue("low", assignment("two"))
    await operator.cancel("two")
    uid = {"cancelled": "two", "forgotten": "one"}[end]
    assert (await operator.enqueue("low", assignment(uid), again=True)).state is EnqueueState.STALE
    assert (await operator.enqueue("low", assignment(uid), again=False)).state is EnqueueState.CANCELLED


async def test_a_worker_of_before_cannot_speak_for_it(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("one"))
    worker, claim = await backend.claim()
    await operator.forget("one")
    await operator.enqueue("low", assignment("one", 2), again=True)

    assert not await worker.finish(claim, result(claim))
    entry = await operator.entry("one")
    assert entry is not None
    assert entry.state is EntryState.QUEUED
