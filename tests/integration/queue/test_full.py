"""A Redis that is out of memory lets in nothing new, and everything that it has goes on and ends."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.queue.conftest import Backend, assignment, read_events, ready, result
from tests.redis_server import redis_server
from videojob_contract.assignment import Progress
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import QueueFullError
from videojob_contract.queue.events import Claimed, Finished
from videojob_contract.queue.types import CancelOutcome, Claim, EntryState, RenewOutcome, Retired
from videojob_contract.resources.status import Stage


@pytest.fixture(params=["redis", "fake"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """A Redis of the test's own, which it may fill."""
    if request.param == "fake":
        yield Backend(None)
        return
    with redis_server() as url:
        redis = connect(url)
        yield Backend(redis)
        await redis.aclose()


async def test_all_but_enqueueing_goes_on(backend: Backend) -> None:
    operator = await ready(backend)
    for uid in ("running", "cancelled", "withdrawn", "deleted", "next"):
        await operator.enqueue("low", assignment(uid))
    worker, claim = await backend.claim()
    assert await operator.has_room()
    await backend.fill()

    assert not await operator.has_room()
    with pytest.raises(QueueFullError):
        await operator.enqueue("low", assignment("new"))
    assert await operator.entry("new") is None

    assert await worker.renew(claim) is RenewOutcome.HELD
    assert await worker.report(claim, Progress(stage=Stage.RENDERING, percent=1)) is RenewOutcome.HELD
    assert await operator.cancel("cancelled") is CancelOutcome.CANCELLED
    assert await operator.withdraw("withdrawn", 1)
    await operator.forget("deleted")
    assert await worker.finish(claim, result(claim))
    assert (await operator.snapshot()).queued["low"] == 1
    assert await operator.expired() == []
    await operator.release("running", 1)
    idle = backend.worker("pod-idle")
    await idle.register()
    assert await operator.retire("pod-idle")
    assert await idle.claim(0) == Retired()
    _, following = await backend.claim()
    assert following.assignment.uid == "next"
    assert await operator.known_uids() == {"next"}
    await operator.configure({"low": 1, "high": 2})

    events = await read_events(operator, 7)
    assert {Claimed, Finished} <= {type(event) for event in events}
    await operator.ack([event.id for event in events])


async def test_what_was_emptied_while_it_is_full_is_restored_by_its_workers(backend: Backend) -> None:
    operator = await ready(backend)
    await operator.enqueue("low", assignment("running"))
    worker, claim = await backend.claim()
    await backend.flushall()
    await backend.fill()

    assert await operator.ensure_epoch()
    assert not await operator.ensure_epoch()
    assert await worker.renew(claim) is RenewOutcome.HELD
    entry = await operator.entry("running")
    assert entry
    assert entry.state is EntryState.CLAIMED
    assert [type(event) for event in await read_events(operator, 1)] == [Claimed]


async def test_there_is_room_again(backend: Backend) -> None:
    operator = await ready(backend)
    await backend.fill()
    assert not await operator.has_room()
    await backend.fill(full=False)
    assert await operator.has_room()
    assert (await operator.enqueue("low", assignment("a"))).accepted
    assert isinstance(await backend.worker().claim(0), Claim)
