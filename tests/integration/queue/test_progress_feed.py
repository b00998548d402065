"""The feed of progress, on a real Redis, under the rules of its users."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from tests.integration.queue.conftest import assignment
from videojob_contract.assignment import Progress
from videojob_contract.queue.acl import gateway_rules, worker_rules
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import LoginRefusedError, QueueUnavailableError
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.progress_feed import ProgressFeed, Word
from videojob_contract.queue.types import Claim, PoolKey, RenewOutcome
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.status import Stage

POOLS = {"north": PoolKey("team", "north"), "south": PoolKey("team", "south")}
HALF = Progress(stage=Stage.RENDERING, percent=50, message="frame 1 of 2", eta_s=3.5)


async def execute(redis: Redis, *words: str) -> Any:
    return await redis.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.fixture
async def users(redis_url: str) -> AsyncIterator[dict[str, Redis]]:
    """Clients of the gateway's user, of each pool's, and of the administrator."""
    admin = connect(redis_url)
    await admin.flushall()
    clients = {"admin": admin}
    rules = {"gateway": gateway_rules(), **{name: worker_rules(Keys(pool)) for name, pool in POOLS.items()}}
    for name, allowed in rules.items():
        await execute(admin, *f"ACL SETUSER {name} reset on >secret {allowed}".split())
        clients[name] = connect(redis_url, username=name, password="secret")  # noqa: S106 - a test's
    yield clients
    for name in rules:
        await clients[name].aclose()
    await execute(admin, "ACL", "DELUSER", *rules)
    await admin.aclose()


async def claimed(users: dict[str, Redis], name: str, uid: str) -> tuple[WorkerQueue, Claim]:
    """Give a worker of a pool an attempt."""
    operator = OperatorQueue(POOLS[name], users["admin"])
    await operator.load_scripts()
    await operator.ensure_epoch()
    await operator.configure({"default": 1})
    await operator.enqueue("default", assignment(uid))
    worker = WorkerQueue(POOLS[name], users[name], "pod", "job")
    claim = await worker.claim(5)
    assert isinstance(claim, Claim)
    return worker, claim


async def listening(users: dict[str, Redis], feed: ProgressFeed, *names: str) -> None:
    """Listen to pools, and wait until Redis knows."""
    await feed.listen(POOLS[name] for name in names)
    channels = [Keys(POOLS[name]).fixed("progress") for name in names]
    async with asyncio.timeout(10):
        while 0 in (await execute(users["admin"], "PUBSUB", "NUMSUB", *channels))[1::2]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def heard(feed: ProgressFeed) -> Word:
    async with asyncio.timeout(10):
        return await feed.next()


async def test_what_workers_report_is_heard_at_once(users: dict[str, Redis]) -> None:
    async with ProgressFeed(users["gateway"]) as feed:
        for name, pool in POOLS.items():
            worker, claim = await claimed(users, name, f"of-{name}")
            await listening(users, feed, name)
            assert await worker.report(claim, HALF) is RenewOutcome.HELD
            assert await heard(feed) == Word(pool, f"of-{name}", HALF)


async def test_a_worker_is_heard_in_its_own_pool_alone(users: dict[str, Redis]) -> None:
    async with ProgressFeed(users["gateway"]) as feed:
        await listening(users, feed, *POOLS)
        north = Keys(POOLS["north"]).fixed("progress")
        with pytest.raises(NoPermissionError, match="channel"):
            await users["south"].publish(north, "{}")
    async with ProgressFeed(users["south"]) as other:
        await other.listen([POOLS["south"]])
        with pytest.raises(LoginRefusedError, match="subscribe"):
            await heard(other)


async def test_what_is_no_progress_is_passed_over(users: dict[str, Redis]) -> None:
    async with ProgressFeed(users["gateway"]) as feed:
        await listening(users, feed, "north")
        word = '{"uid": "u", "progress": %s}'
        hostile = (
            "",
            "{",
            "[]",
            word % "1",
            word % '"{}"',
            word % '"{\\"stage\\": \\"Rendering\\", \\"percent\\": 1e9}"',
        )
        for said in (*hostile, "\udcff", "x" * 2_000_000):
            await users["north"].publish(Keys(POOLS["north"]).fixed("progress"), said)
        worker, claim = await claimed(users, "north", "uid")
        await worker.report(claim, HALF)
        assert (await heard(feed)).uid == "uid"


async def test_a_connection_that_is_lost_is_made_again(users: dict[str, Redis]) -> None:
    worker, claim = await claimed(users, "north", "uid")
    async with ProgressFeed(users["gateway"]) as feed:
        await listening(users, feed, "north")
        hearing = asyncio.create_task(heard(feed))
        await execute(users["admin"], "CLIENT", "KILL", "TYPE", "pubsub")
        while not hearing.done():
            await worker.report(claim, HALF)
            await asyncio.wait([hearing], timeout=0.05)
        assert (await hearing).uid == "uid"


async def test_rules_of_before_the_feed_leave_reports_as_they_were(users: dict[str, Redis]) -> None:
    worker, claim = await claimed(users, "north", "uid")
    for name, missing in (("north", "publish"), ("gateway", "subscribe")):
        await execute(users["admin"], "ACL", "SETUSER", name, "resetchannels", f"-{missing}")
    assert await worker.report(claim, HALF) is RenewOutcome.HELD
    assert Keys(POOLS["north"]).fixed("progress") in await users["admin"].keys("vj:*")
    async with ProgressFeed(users["gateway"]) as feed:
        await feed.listen([POOLS["north"]])
        with pytest.raises(LoginRefusedError):
            await heard(feed)


async def test_without_redis_nothing_is_heard_and_that_is_said() -> None:
    nowhere = connect("redis://127.0.0.1:1")
    async with ProgressFeed(nowhere) as feed:
        with pytest.raises(QueueUnavailableError):
            await feed.listen([POOLS["north"]])
    await nowhere.aclose()
