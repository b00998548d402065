"""A worker and an operator under exactly the rules that the chart gives them."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from tests.integration.queue.conftest import QUEUES, assignment, read_events, result
from videojob_contract.assignment import Progress
from videojob_contract.queue.acl import USERS
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import Claim, PoolKey, RenewOutcome, Retired
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.status import Stage

POOL = PoolKey("team", "acl")
Users = dict[str, Redis]


async def command(redis: Redis, words: str) -> None:
    await redis.execute_command(*words.split())  # type: ignore[no-untyped-call]


@pytest.fixture
async def users(redis_url: str) -> AsyncIterator[Users]:
    """Clients of both users, and of the administrator."""
    admin = connect(redis_url)
    await admin.flushall()
    clients = {"admin": admin}
    for name, rules in USERS.items():
        await command(admin, f"ACL SETUSER {name} reset on >secret {rules()}")
        clients[name] = connect(redis_url, username=name, password="secret")  # noqa: S106 - a test's
    yield clients
    for client in (clients["operator"], clients["worker"]):
        await client.aclose()
    await command(admin, f"ACL DELUSER {' '.join(USERS)}")
    await admin.aclose()


async def test_both_sides_do_all_of_their_work(users: Users) -> None:
    operator = OperatorQueue(POOL, users["operator"])
    await operator.load_scripts()
    await operator.configure(QUEUES)
    assert await operator.ensure_epoch()
    for uid in ("a", "b", "c", "d"):
        await operator.enqueue("low", assignment(uid))
    worker = WorkerQueue(POOL, users["worker"], "pod-1", "job-1")
    await worker.register()
    claim = await worker.claim(0)
    assert isinstance(claim, Claim)
    assert await worker.renew(claim) is RenewOutcome.HELD
    assert await operator.cancel("a")
    assert await worker.wait_signal(claim, 1)
    await users["admin"].flushall()
    assert await operator.ensure_epoch()
    assert await worker.report(claim, Progress(stage=Stage.RENDERING, percent=1)) is RenewOutcome.HELD
    assert await worker.finish(claim, result(claim))
    assert await operator.known_uids() == {"a"}
    await operator.ack([event.id for event in await read_events(operator, 3)])
    await operator.release("a", 1)
    await operator.forget("b")
    assert not await operator.withdraw("b", 1)
    idle = WorkerQueue(POOL, users["worker"], "pod-2", "job-2")
    assert await idle.claim(0.1) is None
    assert await operator.retire("pod-2")
    assert await idle.claim(0) == Retired()
    assert await operator.expired() == []
    assert (await operator.snapshot()).claimed == 0
    await operator.delete_pool()


FORBIDDEN_TO_WORKERS = [
    "EVAL return(1) 0",
    "SCRIPT LOAD return(1)",
    "SCRIPT FLUSH",
    "FUNCTION LIST",
    "KEYS *",
    "SCAN 0",
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG GET *",
    "ACL LIST",
    "CLIENT LIST",
    "MONITOR",
    "INFO",
    "SAVE",
    "SHUTDOWN",
    "REPLICAOF NO ONE",
    "PUBLISH channel message",
    "SUBSCRIBE channel",
    "DEL vj:{team/acl}:entries",
    "UNLINK vj:{team/acl}:entries",
    "RENAME vj:{team/acl}:entries vj:{team/acl}:payloads",
    "XREADGROUP GROUP operator x STREAMS vj:{team/acl}:events >",
    "HGET elsewhere field",
    "HSET vj:{team/acl}:epoch a 1",
    "HGET vj:{team/acl}:sequence a",
]
FORBIDDEN_TO_THE_OPERATOR = [
    "EVAL return(1) 0",
    "SCRIPT FLUSH",
    "KEYS *",
    "FLUSHALL",
    "CONFIG GET *",
    "ACL LIST",
    "SHUTDOWN",
    "HGET elsewhere field",
    "XREADGROUP GROUP operator x STREAMS elsewhere >",
]


@pytest.mark.parametrize("forbidden", FORBIDDEN_TO_WORKERS)
async def test_a_worker_can_do_no_more(users: Users, forbidden: str) -> None:
    with pytest.raises(NoPermissionError):
        await command(users["worker"], forbidden)


@pytest.mark.parametrize("forbidden", FORBIDDEN_TO_THE_OPERATOR)
async def test_the_operator_can_do_no_more(users: Users, forbidden: str) -> None:
    with pytest.raises(NoPermissionError):
        await command(users["operator"], forbidden)


async def test_a_worker_cannot_use_the_operators_scripts(users: Users) -> None:
    operator = OperatorQueue(POOL, users["operator"])
    await operator.load_scripts()
    await operator.configure(QUEUES)
    impostor = OperatorQueue(POOL, users["worker"])
    with pytest.raises(QueueUnavailableError, match=r"can't run this command|no permissions"):
        await impostor.enqueue("low", assignment("a"))
    with pytest.raises(QueueUnavailableError, match=r"can't run this command|no permissions"):
        await impostor.configure({"low": 1})
    assert await operator.entry("a") is None


async def test_a_wrong_password_is_no_way_in(users: Users, redis_url: str) -> None:
    assert users
    intruder = connect(redis_url, username="worker", password="guess")  # noqa: S106 - a test's
    with pytest.raises(QueueUnavailableError):
        await WorkerQueue(POOL, intruder, "pod-1", "job-1").register()
    await intruder.aclose()
