"""The queue on a master that Sentinels name: found, followed, and told from one that was replaced."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.integration.objects.servers import make_certificate
from tests.integration.queue.conftest import QUEUES, assignment
from tests.redis_sentinels import Guard, RedisSentinels, redis_sentinels
from videojob_contract.queue.acl import USERS
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import LoginRefusedError, QueueUnavailableError, answered
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import Claim, PoolKey, RenewOutcome
from videojob_contract.queue.worker import WorkerQueue

POOL = PoolKey("team", "default")


@pytest.fixture
def sentinels() -> Iterator[RedisSentinels]:
    with redis_sentinels() as made:
        yield made


@pytest.fixture
async def redis(sentinels: RedisSentinels) -> AsyncIterator[Redis]:
    async with connect(sentinels.url) as client:
        yield client


async def serving(redis: Redis) -> tuple[OperatorQueue, WorkerQueue, Claim]:
    """Return both sides of a pool, and the claim of `a`; `b` waits."""
    operator, worker = OperatorQueue(POOL, redis), WorkerQueue(POOL, redis, "pod-1", "job-1")
    await operator.load_scripts()
    await operator.configure(QUEUES)
    assert await operator.ensure_epoch()
    await operator.enqueue("low", assignment("a"))
    claim = await worker.claim(0)
    assert isinstance(claim, Claim)
    await operator.enqueue("low", assignment("b"))
    assert not await operator.ensure_epoch()
    return operator, worker, claim


async def replicated(redis: Redis) -> None:
    """Wait until the replica has what the master was told."""
    assert await redis.wait(1, 60_000) == 1


async def test_after_a_failover_all_is_there_and_claims_are_held_until_the_operator_has_looked(
    sentinels: RedisSentinels, redis: Redis
) -> None:
    operator, worker, claim = await serving(redis)
    await replicated(redis)
    await asyncio.to_thread(sentinels.fail_over)
    assert await operator.ensure_epoch()
    assert not await operator.ensure_epoch()
    assert await worker.renew(claim) is RenewOutcome.HELD
    another = WorkerQueue(POOL, redis, "pod-2", "job-2")
    assert await another.claim(0) is None
    await operator.configure(QUEUES)
    assert isinstance(await another.claim(0), Claim)


async def test_a_master_that_is_killed_is_followed_by_its_replica(sentinels: RedisSentinels, redis: Redis) -> None:
    operator, worker, claim = await serving(redis)
    await replicated(redis)
    sentinels.kill(killed := sentinels.master)
    with pytest.raises(QueueUnavailableError):
        await worker.renew(claim)
    await asyncio.to_thread(sentinels.wait_for_another_master, killed)
    assert await operator.ensure_epoch()
    assert await worker.renew(claim) is RenewOutcome.HELD


async def test_nothing_is_written_to_a_master_that_thaws_after_it_was_replaced(
    sentinels: RedisSentinels, redis: Redis
) -> None:
    await redis.set("told", "before")
    await replicated(redis)
    old = sentinels.master
    with sentinels.frozen(old):
        new = await asyncio.to_thread(sentinels.wait_for_another_master, old)
    # Its connections are as they were, and it takes itself for the master.
    await redis.set("told", "afterwards")
    with sentinels.server(old) as server:
        assert server.get("told") == "before"
    with sentinels.server(new) as server:
        assert server.get("told") == "afterwards"
    await asyncio.to_thread(sentinels.wait_until_demoted, old)
    await redis.set("told", "at last")
    with sentinels.server(new) as server:
        assert server.get("told") == "at last"


async def test_a_master_that_has_become_a_replica_is_not_believed(sentinels: RedisSentinels, redis: Redis) -> None:
    await redis.set("told", "before")
    first, second = sentinels.servers
    with sentinels.server(first) as server:
        server.execute_command("REPLICAOF", "127.0.0.1", second)  # by hand: the Sentinels go on naming it for a while
        for call in (redis.set("told", "afterwards"), redis.get("told")):
            with pytest.raises(QueueUnavailableError, match=f"127.0.0.1:{first} is a replica, and the Sentinels name"):
                async with answered(60):
                    await call
        server.execute_command("REPLICAOF", "NO", "ONE")
    await redis.set("told", "again")


async def test_without_sentinels_the_master_that_they_named_serves_on(sentinels: RedisSentinels, redis: Redis) -> None:
    await redis.set("told", "before")
    for port in sentinels.sentinels:
        sentinels.kill(port)
    await asyncio.sleep(1.1)  # so that they are asked again
    assert await redis.get("told") == "before"
    with sentinels.server(sentinels.servers[0]) as server:
        server.client_kill_filter(_type="normal", skipme=True)
    assert await redis.get("told") == "before"
    async with connect(sentinels.url) as another:
        with pytest.raises(QueueUnavailableError, match="no Sentinel answers: ") as said:
            await another.get("told")
    assert all(f"127.0.0.1:{port}: " in said.value.message for port in sentinels.sentinels)
    for port in sentinels.sentinels:
        sentinels.start_sentinel(port)
    await asyncio.to_thread(sentinels.fail_over)
    assert await redis.get("told") == "before"


async def test_sentinels_that_are_silent_keep_nobody_waiting_for_long(sentinels: RedisSentinels) -> None:
    with sentinels.frozen(*sentinels.sentinels[:2]):
        async with connect(sentinels.url) as redis:
            assert not await OperatorQueue(POOL, redis).entry("a")


async def test_a_master_that_the_sentinels_hold_for_down_is_named(sentinels: RedisSentinels, redis: Redis) -> None:
    for port in sentinels.servers:
        sentinels.kill(port)  # so none can follow
    async with asyncio.timeout(60):
        while True:
            with pytest.raises(QueueUnavailableError) as said:
                async with answered():
                    await redis.get("told")
            if "for down" in said.value.message:
                break
            await asyncio.sleep(0.1)
    assert said.value.message == f"the Sentinels hold videojob, 127.0.0.1:{sentinels.servers[0]}, for down"


async def test_a_master_that_nobody_knows_is_named(sentinels: RedisSentinels) -> None:
    async with connect(sentinels.url.replace("/videojob/", "/other/")) as redis:
        with pytest.raises(QueueUnavailableError, match="the Sentinels know no master other"):
            await redis.get("told")


async def test_a_sentinel_that_missed_a_failover_is_outvoted(sentinels: RedisSentinels) -> None:
    with redis_sentinels() as elsewhere:  # which no failover has reached
        await asyncio.to_thread(sentinels.fail_over)
        both = (sentinels.url.split("/")[2], elsewhere.url.split("/")[2])
        for hosts in (",".join(both), ",".join(reversed(both))):
            async with connect(f"redis+sentinel://{hosts}/videojob") as redis:
                await redis.set("told", hosts)
            with sentinels.server(sentinels.master) as server:
                assert server.get("told") == hosts


async def test_a_master_with_too_few_replicas_takes_no_change_and_says_so() -> None:
    with redis_sentinels("--min-replicas-to-write", "1") as sentinels:
        async with connect(sentinels.url) as redis:
            operator, worker, claim = await serving(redis)
            sentinels.kill(sentinels.servers[1])
            with pytest.raises(QueueUnavailableError, match=r"too few replicas follow it \(min-replicas-to-write\)"):
                await worker.renew(claim)
            with pytest.raises(QueueUnavailableError, match="too few replicas"):
                await operator.enqueue("low", assignment("c"))
            assert await operator.entry("a")


async def test_users_passwords_and_tls_hold_with_sentinels_too(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls")
    ca, word = certificate[2].read_text(), "word"
    with redis_sentinels(guard=Guard(word, certificate)) as sentinels:
        for port in sentinels.servers:
            with sentinels.server(port) as server:
                server.execute_command("ACL SETUSER", "operator", "on", ">secret", *USERS["operator"]().split())
                server.execute_command("ACL SETUSER", "worker", "on", ">secret", *USERS["worker"]().split())

        def client(user: str, sentinel_password: str = word, ca: str | None = ca) -> Redis:
            return connect(
                sentinels.url,
                username=user,
                password="secret",  # noqa: S106 - a test's
                ca=ca,
                sentinel_password=sentinel_password,
            )

        async with client("operator") as redis, client("worker") as another:
            await OperatorQueue(POOL, redis).load_scripts()
            await WorkerQueue(POOL, another, "pod-1", "job-1").register()
            await asyncio.to_thread(sentinels.fail_over)
            await OperatorQueue(POOL, redis).load_scripts()
            await WorkerQueue(POOL, another, "pod-1", "job-1").register()
        async with client("operator", "guess") as redis:
            with pytest.raises(QueueUnavailableError, match=r"no Sentinel answers: .*password"):
                await OperatorQueue(POOL, redis).entry("a")
        async with client("operator", ca=None) as redis:
            with pytest.raises(QueueUnavailableError, match=r"no Sentinel answers: .*CERTIFICATE_VERIFY_FAILED"):
                await OperatorQueue(POOL, redis).entry("a")
        async with client("nobody") as redis:
            with pytest.raises(LoginRefusedError):
                await OperatorQueue(POOL, redis).entry("a")
