"""What happens when Redis goes away, comes back empty, or is not there."""

import asyncio
import time

import pytest

from tests.integration.queue.conftest import QUEUES, assignment
from tests.ports import free_port
from tests.redis_server import redis_server
from videojob_contract.queue import connection
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import QueueUnavailableError, ScriptsMissingError
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
