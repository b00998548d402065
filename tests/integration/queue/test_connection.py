"""What happens when Redis goes away, comes back empty, or is not there."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import MovedError

from tests.integration.queue.conftest import QUEUES, assignment
from tests.ports import free_port
from tests.redis_server import redis_server
from videojob_contract.queue import connection
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import (
    CALL_S,
    LoginRefusedError,
    QueueUnavailableError,
    ScriptsMissingError,
    answered,
)
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import Claim, PoolKey, RenewOutcome
from videojob_contract.queue.worker import WorkerQueue

POOL = PoolKey("team", "default")


async def test_workers_go_on_when_redis_was_restarted_empty() -> None:
    port = free_port()
    with redis_server(port):
        operator_redis, worker_redis = connect(f"redis://127.0.0.1:{port}"), connect(f"redis://127.0.0.1:{port}")
        operator = OperatorQueue(POOL, operator_redis)
        await operator.load_scripts()
        await operator.configure(QUEUES)
        assert await operator.ensure_epoch()
        await operator.enqueue("low", assignment("a"))
        worker = WorkerQueue(POOL, worker_redis, "pod-1", "job-1")
        claim = await worker.claim(0)
        assert isinstance(claim, Claim)
        idle = asyncio.create_task(WorkerQueue(POOL, worker_redis, "pod-2", "job-2").claim(30))
        await asyncio.sleep(0.1)
    with redis_server(port):
        renewing = asyncio.create_task(worker.renew(claim))
        await asyncio.sleep(0.3)
        assert not renewing.done()  # it waits for the scripts
        assert await operator.expired() == []  # which any call of the operator's loads
        assert await operator.ensure_epoch()
        async with asyncio.timeout(5):
            assert await renewing is RenewOutcome.HELD
        await operator.enqueue("low", assignment("b"))
        async with asyncio.timeout(5):
            claimed = await idle
        assert isinstance(claimed, Claim)
        await operator_redis.aclose()
        await worker_redis.aclose()


async def test_a_redis_that_is_not_there_is_unavailable_soon() -> None:
    redis = connect(f"redis://127.0.0.1:{free_port()}")
    started = time.monotonic()
    with pytest.raises(QueueUnavailableError, match=r"does not work|cannot be reached"):
        await OperatorQueue(POOL, redis).entry("a")
    assert time.monotonic() - started < 10
    await redis.aclose()


async def test_a_redis_that_does_not_answer_is_unavailable_after_the_limit_of_a_call() -> None:
    with redis_server() as url:
        async with connect(url) as redis, connect(url) as another:
            operator, worker = OperatorQueue(POOL, redis), WorkerQueue(POOL, redis, "pod-1", "job-1")
            await operator.configure(QUEUES)
            await operator.ensure_epoch()
            await operator.enqueue("low", assignment("a"))
            claim = await worker.claim(0)
            assert isinstance(claim, Claim)
            never_connected = OperatorQueue(POOL, another)
            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "script": lambda: operator.entry("a"),
                "change": lambda: operator.enqueue("low", assignment("b")),
                "first connection": lambda: never_connected.entry("a"),
                "transaction": lambda: operator.ack(["1-0"]),
                "loading": operator.load_scripts,
                "deletion": operator.delete_pool,
                "epoch": operator.ensure_epoch,
                "renewal": lambda: worker.renew(claim),
                "next event": lambda: anext(aiter(operator.events("me"))),
            }
            async with stopped(redis):
                started = time.monotonic()
                said = await asyncio.gather(*(call() for call in calls.values()), return_exceptions=True)
                assert time.monotonic() - started < CALL_S + 0.5
                for name, error in zip(calls, said, strict=True):
                    assert isinstance(error, QueueUnavailableError), (name, error)
                    assert "has not answered for 2.5 s" in error.message
                with pytest.raises(QueueUnavailableError):  # what waits has its wait besides
                    await worker.wait_signal(claim, 1)
                assert time.monotonic() - started < 2 * CALL_S + 1 + 1
            assert await worker.renew(claim) is RenewOutcome.HELD  # no late answer is taken for another's
            entry = await operator.entry("a")
            assert entry
            assert entry.uid == "a"


@asynccontextmanager
async def stopped(redis: Redis) -> AsyncIterator[None]:
    """Have a server neither answer nor refuse."""
    pid = (await redis.info("server"))["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_worker_says_when_nobody_loads_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SCRIPT_WAIT_S", 0.2)
    with redis_server() as url:
        async with connect(url) as redis:
            with pytest.raises(ScriptsMissingError, match="is an operator of this version running"):
                await WorkerQueue(POOL, redis, "pod-1", "job-1").register()


async def test_the_operator_loads_scripts_that_were_lost() -> None:
    with redis_server() as url:
        redis = connect(url)
        operator = OperatorQueue(POOL, redis)
        await operator.configure(QUEUES)
        await redis.script_flush()
        assert (await operator.enqueue("low", assignment("a"))).accepted
        await redis.aclose()


@pytest.mark.parametrize(
    ("user", "password"), [(None, None), ("worker", "wrong"), ("nobody", "secret"), ("worker", "secret")]
)
async def test_a_login_that_is_refused_is_told_from_an_outage(user: str | None, password: str | None) -> None:
    with redis_server() as url:
        async with connect(url) as redis:
            await redis.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">secret", "~*")  # without commands
            await redis.config_set("requirepass", "secret")
        async with connect(url, username=user, password=password) as redis:
            with pytest.raises(LoginRefusedError, match="refuses the login"):
                await WorkerQueue(POOL, redis, "pod-1", "job-1").register()


async def test_a_cluster_of_one_shard_serves_and_one_of_several_is_named() -> None:
    with redis_server(None, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as url:
        async with Redis.from_url(url) as admin:
            await admin.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            for _ in range(400):
                if b"cluster_state:ok" in await admin.execute_command("CLUSTER", "INFO"):
                    break
                await asyncio.sleep(0.05)
        redis = connect(url)
        operator = OperatorQueue(POOL, redis)
        await operator.load_scripts()
        await operator.configure(QUEUES)
        assert await operator.ensure_epoch()
        await operator.enqueue("low", assignment("a"))
        assert isinstance(await WorkerQueue(POOL, redis, "pod-1", "job-1").claim(0), Claim)
        await redis.aclose()

    with pytest.raises(QueueUnavailableError, match="of several shards"):
        async with answered():
            raise MovedError("8428 127.0.0.1:17002")
