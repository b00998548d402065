"""A worker and an operator under exactly the rules that the chart, or the operator, gives them."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from tests.integration.queue.conftest import QUEUES, assignment, read_events, result
from videojob_contract.assignment import Progress
from videojob_contract.queue.acl import USERS
from videojob_contract.queue.connection import connect
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.keys import FIXED, Keys
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import Claim, PoolKey, RenewOutcome, Retired
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.status import Stage

POOL, OTHER = PoolKey("team", "acl"), PoolKey("team", "acl2")
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
    clients["pool"] = connect(redis_url, username=Keys(POOL).user, password="own")  # noqa: S106 - a test's
    yield clients
    for client in (clients[name] for name in (*USERS, "pool")):
        await client.aclose()
    await command(admin, f"ACL DELUSER {' '.join(USERS)} {Keys(POOL).user} {Keys(OTHER).user}")
    await admin.aclose()


@pytest.mark.parametrize("user", ["worker", "pool"])
async def test_both_sides_do_all_of_their_work(users: Users, user: str) -> None:
    operator = OperatorQueue(POOL, users["operator"])
    assert await operator.admit_workers(["own"])
    await operator.load_scripts()
    await operator.configure(QUEUES)
    assert await operator.ensure_epoch()
    for uid in ("a", "b", "c", "d"):
        await operator.enqueue("low", assignment(uid))
    worker = WorkerQueue(POOL, users[user], "pod-1", "job-1")
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
    idle = WorkerQueue(POOL, users[user], "pod-2", "job-2")
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
    "ACL GETUSER default",
    "ACL SAVE",
    "SHUTDOWN",
    "HGET elsewhere field",
    "XREADGROUP GROUP operator x STREAMS elsewhere >",
]


FORBIDDEN_TO_THE_GATEWAY = [
    "EVAL return(1) 0",
    "SCRIPT FLUSH",
    "KEYS *",
    "FLUSHALL",
    "CONFIG GET *",
    "ACL LIST",
    "SHUTDOWN",
    "GET vj:{team/acl}:epoch",
    "SET vj:{team/acl}:fence 1",
    "DEL vj:{team/acl}:entries",
    "RENAME vj:{team/acl}:entries vj:rates:mine",
    "RPUSH vj:{team/acl}:wake x",
    "GET elsewhere",
]


@pytest.mark.parametrize("forbidden", FORBIDDEN_TO_THE_GATEWAY)
async def test_the_gateway_can_do_no_more(users: Users, forbidden: str) -> None:
    with pytest.raises(NoPermissionError):
        await command(users["gateway"], forbidden)


async def test_the_gateway_cannot_use_the_queues_scripts(users: Users) -> None:
    await OperatorQueue(POOL, users["operator"]).load_scripts()
    with pytest.raises(QueueUnavailableError, match=r"can't run this command|no permissions"):
        await WorkerQueue(POOL, users["gateway"], "pod-1", "job-1").register()


@pytest.mark.parametrize("user", ["worker", "pool"])
@pytest.mark.parametrize("forbidden", FORBIDDEN_TO_WORKERS)
async def test_a_worker_can_do_no_more(users: Users, forbidden: str, user: str) -> None:
    assert await OperatorQueue(POOL, users["operator"]).admit_workers(["own"])
    with pytest.raises(NoPermissionError):
        await command(users[user], forbidden)


async def test_a_pools_user_reaches_no_key_of_another_pool(users: Users) -> None:
    """The names are alike, and what one may do on the keys of its own pool it may not on those of the other."""
    for pool in (POOL, OTHER):
        operator = OperatorQueue(pool, users["operator"])
        assert await operator.admit_workers(["own"])
        await operator.load_scripts()
        await operator.configure(QUEUES)
        await operator.enqueue("low", assignment(f"of-{pool.name}"))
    stranger = WorkerQueue(OTHER, users["pool"], "pod-1", "job-1")
    with pytest.raises(QueueUnavailableError, match=r"No permissions|no permissions|can't access"):
        await stranger.claim(0)
    with pytest.raises(QueueUnavailableError, match=r"No permissions|no permissions|can't access"):
        await stranger.register()
    for key in [*FIXED, "mail:x", "signal:x"]:
        for name in ("HGETALL", "ZCARD", "LLEN"):
            with pytest.raises(NoPermissionError):
                await command(users["pool"], f"{name} vj:{{{OTHER}}}:{key}")
        with pytest.raises(NoPermissionError):
            await command(users["pool"], f"BLPOP vj:{{{OTHER}}}:{key} 1")
    claim = await WorkerQueue(POOL, users["pool"], "pod-1", "job-1").claim(0)
    assert isinstance(claim, Claim)
    assert claim.assignment.uid == "of-acl"


async def test_two_passwords_are_valid_for_a_time(users: Users, redis_url: str) -> None:
    operator = OperatorQueue(POOL, users["operator"])
    await operator.load_scripts()
    await operator.configure(QUEUES)
    await operator.enqueue("low", assignment("a"))
    assert await operator.admit_workers(["old"])
    old, new = (connect(redis_url, username=Keys(POOL).user, password=word) for word in ("old", "new"))
    worker = WorkerQueue(POOL, old, "pod-1", "job-1")
    claim = await worker.claim(0)
    assert isinstance(claim, Claim)
    with pytest.raises(QueueUnavailableError):
        await WorkerQueue(POOL, new, "pod-2", "job-2").register()

    assert await operator.admit_workers(["new", "old"])
    await old.connection_pool.disconnect()
    assert await worker.renew(claim) is RenewOutcome.HELD
    await WorkerQueue(POOL, new, "pod-2", "job-2").register()

    assert await operator.admit_workers(["new"])
    assert await worker.renew(claim) is RenewOutcome.HELD  # who is logged in stays so
    await old.connection_pool.disconnect()
    with pytest.raises(QueueUnavailableError):
        await worker.renew(claim)
    await WorkerQueue(POOL, new, "pod-2", "job-2").register()
    for client in (old, new):
        await client.aclose()


async def test_a_deleted_pool_leaves_no_user(users: Users) -> None:
    operator = OperatorQueue(POOL, users["operator"])
    await operator.admit_workers(["own"])
    assert Keys(POOL).user in await users["admin"].acl_users()
    await operator.delete_pool()
    assert Keys(POOL).user not in await users["admin"].acl_users()


async def test_where_the_operator_may_make_no_users_it_says_so(users: Users) -> None:
    operator = OperatorQueue(POOL, users["operator"])
    await command(users["admin"], "ACL SETUSER operator -acl|setuser -acl|deluser")
    assert not await operator.admit_workers(["own"])
    assert Keys(POOL).user not in await users["admin"].acl_users()
    await operator.delete_pool()


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
