"""Whose turn it is within a queue, on Redis and on the fake."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.queue.conftest import QUEUES, Backend, assignment, ready, result
from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.types import Demand, Enqueued, EnqueueState, EntryState, Sharing

FIFO = Sharing(fifo=True)


async def enqueue(
    operator: OperatorApi, uid: str, user: str = "", predicted_s: float = 60, priority: int = 0
) -> Enqueued:
    return await operator.enqueue("low", assignment(uid), None, Demand(user, "", priority, predicted_s))


async def claimed(backend: Backend, count: int) -> list[str]:
    return [(await backend.claim())[1].assignment.uid for _ in range(count)]


async def claimed_users(backend: Backend, count: int) -> Counter[str]:
    return Counter(uid.partition("-")[0] for uid in await claimed(backend, count))


async def test_many_of_one_user_delay_anothers_first_by_one(operator: OperatorApi, backend: Backend) -> None:
    for number in range(50):
        await enqueue(operator, f"ann-{number}", "ann")
    await claimed(backend, 3)
    assert await enqueue(operator, "bob-0", "bob") == Enqueued(EnqueueState.QUEUED, 0)
    assert await claimed(backend, 1) == ["bob-0"]


async def test_users_share_seconds_and_not_jobs(operator: OperatorApi, backend: Backend) -> None:
    for number in range(40):
        await enqueue(operator, f"ann-{number}", "ann", 10)
        await enqueue(operator, f"bob-{number}", "bob", 40)
    assert await claimed_users(backend, 25) == {"ann": 20, "bob": 5}


async def test_users_share_by_their_weights(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", Sharing(weights={"ann": 3}))
    for number in range(20):
        await enqueue(operator, f"ann-{number}", "ann")
        await enqueue(operator, f"bob-{number}", "bob")
    assert await claimed_users(backend, 12) == {"ann": 9, "bob": 3}
    await operator.configure(QUEUES, "", Sharing())
    assert await claimed_users(backend, 8) == {"ann": 4, "bob": 4}


async def test_who_was_away_has_saved_up_nothing(operator: OperatorApi, backend: Backend) -> None:
    await enqueue(operator, "ann-0", "ann")
    for number in range(60):
        await enqueue(operator, f"bob-{number}", "bob")
    assert await claimed_users(backend, 31) == {"ann": 1, "bob": 30}
    for number in range(1, 20):
        await enqueue(operator, f"ann-{number}", "ann")
    assert await claimed_users(backend, 11) == {"ann": 6, "bob": 5}  # one turn at most, for who was behind


async def test_what_an_attempt_took_replaces_what_was_predicted(operator: OperatorApi, backend: Backend) -> None:
    for number in range(12):
        await enqueue(operator, f"ann-{number}", "ann", 100)
        await enqueue(operator, f"bob-{number}", "bob", 100)
    claims = [await backend.claim() for _ in range(4)]
    for worker, claim in claims:
        if claim.assignment.uid.startswith("ann"):  # done at once, so ann had nothing of the queue yet
            await worker.finish(claim, result(claim))
    assert await claimed_users(backend, 4) == {"ann": 3, "bob": 1}


async def test_small_ones_of_a_user_are_first(operator: OperatorApi, backend: Backend) -> None:
    for uid, predicted_s in (("film", 3600), ("clip", 10), ("trailer", 120), ("second-clip", 10)):
        await enqueue(operator, uid, "ann", predicted_s)
    assert await claimed(backend, 4) == ["clip", "second-clip", "trailer", "film"]


async def test_small_ones_that_keep_coming_do_not_pass_a_large_one_for_ever(
    operator: OperatorApi, backend: Backend
) -> None:
    await enqueue(operator, "film", "ann", 50)
    for number in range(4):
        await enqueue(operator, f"first-{number}", "ann", 10)
    order = []
    for number in range(80):
        await enqueue(operator, f"clip-{number}", "ann", 10)
        order += await claimed(backend, 1)
    # Even sharing gives it a fifth at first and a tenth in the end: after some forty it lacks no more than a clip.
    assert 20 < order.index("film") < 60


async def test_priority_is_first_among_a_users_own_and_no_others(operator: OperatorApi, backend: Backend) -> None:
    for uid, user, priority in (("low", "ann", -100), ("none", "ann", 0), ("high", "ann", 100), ("bob", "bob", 0)):
        await enqueue(operator, uid, user, 60, priority)
    assert await claimed(backend, 4) == ["high", "bob", "none", "low"]


async def test_first_in_first_out_knows_neither_users_nor_sizes(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", FIFO)
    asked = [("a", "ann", 100, 0), ("b", "ann", 1, 0), ("c", "bob", 1, 100), ("d", "ann", 1, 0)]
    for position, (uid, user, predicted_s, priority) in enumerate(asked):
        assert (await enqueue(operator, uid, user, predicted_s, priority)).position == position
    assert await claimed(backend, 4) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("before", "now"), [(Sharing(), FIFO), (FIFO, Sharing())])
async def test_another_order_holds_for_what_is_enqueued_again(
    operator: OperatorApi, backend: Backend, before: Sharing, now: Sharing
) -> None:
    await operator.configure(QUEUES, "", before)
    asked = [("large", 100.0), ("small", 1.0)]
    for uid, predicted_s in asked:
        await enqueue(operator, uid, "ann", predicted_s)
    await operator.configure(QUEUES, "", now)
    for uid, predicted_s in reversed(asked):
        await enqueue(operator, uid, "ann", predicted_s)
    assert await claimed(backend, 2) == (["large", "small"] if now.fifo else ["small", "large"])


async def test_a_move_keeps_the_time_waited(operator: OperatorApi, backend: Backend) -> None:
    since = datetime.now(UTC) - timedelta(minutes=5)
    for uid in ("moves", "stays"):
        await operator.enqueue("low", assignment(uid), since, Demand("ann"))
    for number in range(3):
        await operator.enqueue("high", assignment(f"there-{number}"), since + timedelta(minutes=1), Demand("ann"))
    await operator.enqueue("high", assignment("moves"), since, Demand("ann"))
    entry = await operator.entry("moves")
    assert entry
    assert (entry.queue, entry.position, entry.user) == ("high", 0, "ann")
    assert await claimed(backend, 1) == ["moves"]


async def test_a_move_keeps_what_is_lacking(operator: OperatorApi, backend: Backend) -> None:
    await enqueue(operator, "film", "ann", 100)
    for number in range(9):
        await enqueue(operator, f"clip-{number}", "ann", 20)
    await claimed(backend, 8)  # 160 s for ten: the film lacks 84 s of its hundred
    await operator.enqueue("high", assignment("of-86-s"), None, Demand("ann", predicted_s=86))
    await operator.enqueue("high", assignment("of-82-s"), None, Demand("ann", predicted_s=82))
    await operator.enqueue("high", assignment("film"), None, Demand("ann", predicted_s=100))
    assert await claimed(backend, 3) == ["of-82-s", "film", "of-86-s"]


@pytest.mark.parametrize("demand", [Demand("bob"), Demand("ann", priority=5), Demand("ann", predicted_s=5)])
async def test_another_demand_takes_effect_at_once(operator: OperatorApi, backend: Backend, demand: Demand) -> None:
    for number in range(3):
        await enqueue(operator, f"ann-{number}", "ann")
    await claimed(backend, 1)
    answer = await operator.enqueue("low", assignment("ann-2"), None, demand)
    assert answer == Enqueued(EnqueueState.QUEUED, 0)
    assert await claimed(backend, 2) == ["ann-2", "ann-1"]
    assert await backend.worker().claim(0) is None


async def test_what_was_interrupted_is_its_users_next(operator: OperatorApi, backend: Backend) -> None:
    since = datetime.now(UTC)
    await operator.enqueue("low", assignment("film"), since, Demand("ann", predicted_s=1000))
    await backend.claim()
    for uid in ("clip", "second-clip"):
        await enqueue(operator, uid, "ann", 10)
    await operator.release("film", 1)
    await operator.enqueue("low", assignment("film", 2), since, Demand("ann", predicted_s=1000))
    assert await claimed(backend, 3) == ["film", "clip", "second-clip"]


async def test_what_is_tried_again_comes_to_wait_anew(operator: OperatorApi, backend: Backend) -> None:
    await operator.enqueue("low", assignment("film"), datetime.now(UTC), Demand("ann", predicted_s=1000))
    await backend.claim()
    await enqueue(operator, "clip", "ann", 10)
    await operator.release("film", 1)
    later = datetime.now(UTC) + timedelta(seconds=1)
    await operator.enqueue("low", assignment("film", 2), later, Demand("ann", predicted_s=1000))
    assert await claimed(backend, 2) == ["clip", "film"]


async def test_positions_are_exact_for_each_users_next_and_bounded_for_all(operator: OperatorApi) -> None:
    for user in ("ann", "bob", "eve"):
        for number in range(10):
            await enqueue(operator, f"{user}-{number}", user)
    entries = await operator.entries(f"{user}-{number}" for user in ("ann", "bob", "eve") for number in (0, 1, 9))
    assert [entries[f"{user}-0"].position for user in ("ann", "bob", "eve")] == [0, 1, 2]
    assert [entries[f"{user}-1"].position for user in ("ann", "bob", "eve")] == [3, 4, 5]
    assert [entries[f"{user}-9"].position for user in ("ann", "bob", "eve")] == [27, 28, 29]


async def test_shares_outlive_an_emptied_redis(operator: OperatorApi, backend: Backend) -> None:
    await operator.configure(QUEUES, "", Sharing(weights={"ann": 3}))
    await backend.flushall()
    assert await operator.ensure_epoch()
    for number in range(10):
        await enqueue(operator, f"ann-{number}", "ann")
        await enqueue(operator, f"bob-{number}", "bob")
    assert await claimed_users(backend, 8) == {"ann": 6, "bob": 2}


async def test_nothing_is_kept_of_users_who_have_nothing_waiting(redis_backend: Backend) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis
    for number in range(600):
        await enqueue(operator, f"user{number}-0", f"user{number}")
        if number % 2:
            await operator.withdraw(f"user{number}-0", 1)
    for _ in range(300):
        worker, claim = await redis_backend.claim()
        await worker.finish(claim, result(claim))
        await operator.forget(claim.assignment.uid)
    left = {key.rpartition(":")[2] for key in await redis.keys(f"vj:{{{redis_backend.pool}}}:*")}
    assert not left & {"lanes", "turns", "shared", "accounts", "backlog"}


async def test_who_owes_nothing_is_forgotten_while_others_wait(redis_backend: Backend) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis
    for number in range(200):
        await enqueue(operator, f"ann-{number}", "ann")
    for number in range(50):
        await enqueue(operator, f"user{number}-0", f"user{number}", 10)
    await claimed(redis_backend, 80)
    assert await redis.zcard(f"vj:{{{redis_backend.pool}}}:turns") == 1


async def test_a_virtual_time_near_its_end_begins_again(redis_backend: Backend) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis
    prefix, late = f"vj:{{{redis_backend.pool}}}", 6 * 10**14
    await redis.hset(f"{prefix}:accounts", "low", str(late))
    for number in range(10):
        await enqueue(operator, f"ann-{number}", "ann", 10)
        await enqueue(operator, f"bob-{number}", "bob", 30)
    assert await claimed_users(redis_backend, 4) == {"ann": 3, "bob": 1}
    turns = await redis.zrange(f"{prefix}:turns", 0, -1)
    assert all(int(turn.split(":")[1]) < 10**6 for turn in turns)
    assert await claimed_users(redis_backend, 8) == {"ann": 6, "bob": 2}


@pytest.mark.parametrize("key", ["lanes", "turns", "shared", "accounts", "rules", "sequence"])
async def test_what_lost_its_turn_is_claimed_all_the_same(redis_backend: Backend, key: str) -> None:
    operator, redis = await ready(redis_backend), redis_backend.redis
    assert redis
    for number in range(6):
        await enqueue(operator, f"ann-{number}", "ann")
        await enqueue(operator, f"bob-{number}", "bob")
    await claimed(redis_backend, 2)
    await redis.delete(f"vj:{{{redis_backend.pool}}}:{key}")
    await enqueue(operator, "eve-0", "eve")
    assert (await claimed_users(redis_backend, 11)).total() == 11
    entry = await operator.entry("eve-0")
    assert entry
    assert entry.state is EntryState.CLAIMED
    assert (await operator.snapshot()).total_queued == 0
