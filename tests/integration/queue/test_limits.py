"""Limits of what runs, on Redis and on the fake."""

import asyncio
from collections import Counter

import pytest

from tests.integration.queue.conftest import QUEUES, Backend, assignment, ready, result
from videojob_contract.queue.api import OperatorApi, WorkerApi
from videojob_contract.queue.types import Claim, Demand, LimitReached, Sharing


def limited(**running: int) -> Sharing:
    return Sharing(running=running)


async def enqueue(operator: OperatorApi, uid: str, demand: Demand, queue: str = "low") -> None:
    await operator.enqueue(queue, assignment(uid), None, demand)


async def claim_all(backend: Backend, most: int = 100) -> list[tuple[WorkerApi, Claim]]:
    """Claim until there is nothing that may be."""
    claims = []
    for _ in range(most):
        worker = backend.worker()
        claim = await worker.claim(0)
        if not isinstance(claim, Claim):
            break
        claims.append((worker, claim))
    return claims


def uids(claims: list[tuple[WorkerApi, Claim]]) -> list[str]:
    return [claim.assignment.uid for _, claim in claims]


@pytest.mark.parametrize("sharing", [Sharing(running={"user": 2}), Sharing(fifo=True, running={"user": 2})])
async def test_a_user_at_the_limit_is_passed_over_and_goes_on_when_one_ends(
    operator: OperatorApi, backend: Backend, sharing: Sharing
) -> None:
    await operator.configure(QUEUES, "", sharing)
    for number in range(5):
        await enqueue(operator, f"ann-{number}", Demand("ann", fifo=sharing.fifo))
    for number in range(3):
        await enqueue(operator, f"bob-{number}", Demand("bob", fifo=sharing.fifo))
    claims = await claim_all(backend)
    assert Counter(uid.partition("-")[0] for uid in uids(claims)) == {"ann": 2, "bob": 2}
    entry = await operator.entry("ann-4")
    assert entry
    assert entry.waits_for == LimitReached("user", 2, 2)
    assert (await operator.snapshot()).resting == 4
    worker, claim = next(each for each in claims if each[1].assignment.uid == "ann-0")
    await worker.finish(claim, result(claim))
    assert uids(await claim_all(backend)) == ["ann-2"]


async def test_a_limit_is_each_users_in_all_queues_together(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", limited(user=3))
    for number in range(4):
        for queue in QUEUES:
            await enqueue(operator, f"{queue}-{number}", Demand("ann"), queue)
    claims = await claim_all(backend)
    assert len(claims) == 3
    for _, claim in claims:
        await operator.release(claim.assignment.uid, 1)
    assert len(await claim_all(backend)) == 3


async def test_a_project_at_the_limit_keeps_no_other_waiting(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", limited(project=1))
    for number in range(3):
        await enqueue(operator, f"film-{number}", Demand("ann", "film", predicted_s=1))
    await enqueue(operator, "series", Demand("ann", "series", predicted_s=1000))
    await enqueue(operator, "none-0", Demand("ann", predicted_s=2000))
    await enqueue(operator, "none-1", Demand("ann", predicted_s=3000))
    claims = await claim_all(backend)
    assert uids(claims) == ["film-0", "series", "none-0", "none-1"]
    entry = await operator.entry("film-2")
    assert entry
    assert entry.waits_for == LimitReached("project", 1, 1)
    for expected in ("film-1", "film-2"):
        worker, claim = claims[0]
        await worker.finish(claim, result(claim))
        claims = await claim_all(backend)
        assert uids(claims) == [expected]


async def test_users_of_a_project_at_its_limit_take_turns(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", limited(project=1))
    for user in ("ann", "bob", "eve"):
        for number in range(4):
            await enqueue(operator, f"{user}-{number}", Demand(user, "film"))
    order = []
    for _ in range(12):
        ((worker, claim),) = await claim_all(backend)
        order.append(claim.assignment.uid.partition("-")[0])
        await worker.finish(claim, result(claim))
    # The first was claimed before any was put aside.
    assert all(Counter(order[1 : 1 + 3 * turns]) == dict.fromkeys(("ann", "bob", "eve"), turns) for turns in (1, 2, 3))


async def test_a_pool_runs_no_more_than_its_limit(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", limited(pool=2))
    for number in range(4):
        await enqueue(operator, f"ann-{number}", Demand("ann"))
    claims = await claim_all(backend)
    assert len(claims) == 2
    entry = await operator.entry("ann-3")
    assert entry
    assert entry.waits_for == LimitReached("pool", 2, 2)
    await claims[0][0].finish(claims[0][1], result(claims[0][1]))
    assert len(await claim_all(backend)) == 1


@pytest.mark.parametrize("limits", [{"user": 1}, {"project": 1}, {"pool": 1}])
@pytest.mark.parametrize("how", ["finish", "release", "forget"])
async def test_a_worker_that_waits_hears_at_once_that_there_is_room(
    operator: OperatorApi, backend: Backend, limits: dict[str, int], how: str
) -> None:
    await operator.configure(QUEUES, "", limited(**limits))
    for uid in ("first", "second"):
        await enqueue(operator, uid, Demand("ann", "film"))
    ((worker, claim),) = await claim_all(backend)
    waiting = asyncio.create_task(backend.worker().claim(4))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    if how == "finish":
        await worker.finish(claim, result(claim))
    elif how == "release":
        await operator.release("first", 1)
    else:
        await operator.forget("first")
    async with asyncio.timeout(1):  # a worker that was not woken looks for itself only after 5 s
        assert isinstance(await waiting, Claim)


@pytest.mark.parametrize("now", [{}, {"user": 3, "project": 3, "pool": 3}])
async def test_a_limit_that_is_raised_holds_at_once(
    operator: OperatorApi, backend: Backend, now: dict[str, int]
) -> None:
    await operator.configure(QUEUES, "", limited(user=1, project=1, pool=1))
    for number in range(3):
        await enqueue(operator, f"film-{number}", Demand("ann", "film"))
    assert len(await claim_all(backend)) == 1
    waiting = [asyncio.create_task(backend.worker().claim(4)) for _ in range(2)]
    await asyncio.sleep(0.1)
    await operator.configure(QUEUES, "", limited(**now))
    async with asyncio.timeout(1):
        assert all(isinstance(claim, Claim) for claim in await asyncio.gather(*waiting))


async def test_what_leaves_while_it_waits_for_room_leaves_that_to_others(
    operator: OperatorApi, backend: Backend
) -> None:
    await operator.configure(QUEUES, "", limited(project=1))
    for uid in ("runs", "leaves", "stays"):
        await enqueue(operator, uid, Demand("ann", "film"))
    ((worker, claim),) = await claim_all(backend)
    assert await claim_all(backend) == []
    await worker.finish(claim, result(claim))  # there is room for the next, which leaves
    await operator.withdraw("leaves", 1)
    assert uids(await claim_all(backend)) == ["stays"]
    assert await operator.entry("leaves") is None


async def test_claims_that_are_restored_count(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", limited(user=1))
    spec = assignment("first").spec.model_copy(update={"user": "ann"})
    await operator.enqueue("low", assignment("first").model_copy(update={"spec": spec}), None, Demand("ann"))
    ((worker, claim),) = await claim_all(backend)
    await backend.flushall()
    assert await operator.ensure_epoch()
    await worker.renew(claim)
    await enqueue(operator, "second", Demand("ann"))
    assert await claim_all(backend) == []
    await worker.finish(claim, result(claim))
    assert uids(await claim_all(backend)) == ["second"]


async def test_thousands_at_a_limit_cost_a_claim_no_more_than_a_step_each_once(redis_backend: Backend) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis
    await operator.configure(QUEUES, "", limited(user=1, project=2))
    for number in range(600):
        await enqueue(operator, f"film-{number}", Demand(f"user-{number % 300}", "film"))
    for number in range(900):
        await enqueue(operator, f"ann-{number}", Demand("ann", predicted_s=0.5))
    await enqueue(operator, "bob", Demand("bob"))
    found: list[str] = []
    for _ in range(4):
        found += uids(await claim_all(redis_backend))
    assert Counter(uid.partition("-")[0] for uid in found) == {"film": 2, "ann": 1, "bob": 1}
    await redis.config_resetstat()
    for _ in range(10):
        assert await redis_backend.worker().claim(0) is None
    calls = (await redis.info("commandstats"))["cmdstat_zrange"]["calls"]
    assert calls < 200


async def test_what_runs_no_more_without_a_word_is_not_counted_for_ever(redis_backend: Backend) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis
    await operator.configure(QUEUES, "", limited(user=1))
    await redis.zadd(f"vj:{{{redis_backend.pool}}}:running", {"user:ann:gone": 0, "nonsense": 0})
    await redis.zadd(f"vj:{{{redis_backend.pool}}}:resting", {"nonsense": 0, "user:ann:nowhere": 0})
    await enqueue(operator, "first", Demand("ann"))
    assert await claim_all(redis_backend) == []
    await operator.expired()
    await operator.configure(QUEUES, "", limited(user=1))
    assert uids(await claim_all(redis_backend)) == ["first"]
