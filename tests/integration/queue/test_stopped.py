"""Queues that are stopped, on Redis and on the fake."""

import asyncio

from tests.integration.queue.conftest import QUEUES, Backend
from tests.integration.queue.test_limits import claim_all, enqueue, uids
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.types import Claim, Demand, Sharing

STOPPED = QUEUES | {"low": -QUEUES["low"]}


async def test_a_queue_that_is_stopped_takes_in_and_gives_nothing_out(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(STOPPED)
    await enqueue(operator, "stays", Demand("ann"))
    await enqueue(operator, "goes", Demand("ann"), "default")
    assert uids(await claim_all(backend)) == ["goes"]
    assert (await operator.snapshot()).queued["low"] == 1
    await operator.configure(QUEUES)
    assert uids(await claim_all(backend)) == ["stays"]


async def test_it_stays_stopped_while_claims_are_held_and_after(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(STOPPED, held=True)
    await enqueue(operator, "stays", Demand("ann"))
    await enqueue(operator, "goes", Demand("ann"), "default")
    assert await claim_all(backend) == []
    await operator.configure(STOPPED)
    assert uids(await claim_all(backend)) == ["goes"]


async def test_who_waits_for_work_is_woken_when_a_queue_goes_on(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(STOPPED)
    await enqueue(operator, "stays", Demand("ann"))
    worker = backend.worker()
    claiming = asyncio.create_task(worker.claim(30))
    await asyncio.sleep(0.3)
    assert not claiming.done()
    await operator.configure(QUEUES)
    claim = await asyncio.wait_for(claiming, 2)
    assert isinstance(claim, Claim)


async def test_what_rests_in_a_queue_that_is_stopped_is_not_counted(operator: OperatorApi, backend: Backend) -> None:
    limited = Sharing(running={"user": 1, "project": 1})
    await operator.configure(QUEUES, "", limited)
    for number in range(3):
        await enqueue(operator, f"ann-{number}", Demand("ann"))
        await enqueue(operator, f"film-{number}", Demand(f"user-{number}", "film"), "default")
    assert len(await claim_all(backend)) == 2
    assert (await operator.snapshot()).resting == 4
    await operator.configure(STOPPED, "", limited)
    assert (await operator.snapshot()).resting == 2
