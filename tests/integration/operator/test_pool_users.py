"""Each pool's workers have a Redis user of their own: made, changed and removed by the operator."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from tests.integration.operator.conftest import CLUSTER, World, eventually
from tests.integration.operator.test_faults import Gate
from videojob_contract.api_paths import RENDERPOOLS, SECRETS
from videojob_contract.queue.acl import USERS
from videojob_contract.queue.connection import connect
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey

OPERATOR = "operator's own"
SHARED = "shared"


@pytest.fixture
async def guarded(world: World) -> World:
    """A world whose Redis lets in the operator, with the chart's rules, and whom the operator makes."""
    rules = {name: rules() for name, rules in USERS.items()}
    for name, password in (("operator", OPERATOR), ("worker", SHARED)):
        await world.redis.execute_command("ACL SETUSER", name, "reset", "on", f">{password}", *rules[name].split())  # type: ignore[no-untyped-call]
    world.operator.env |= {
        "VIDEOJOB_REDIS_USER": "operator",
        "VIDEOJOB_REDIS_PASSWORD": OPERATOR,
        "VIDEOJOB_WORKER_REDIS_KEY": "first key",
    }
    return world


def user(world: World) -> str:
    return world.keys.user


async def pool_secrets(world: World) -> list[dict[str, Any]]:
    return [secret async for secret in world.kubernetes.list(SECRETS, world.namespace)]


async def test_a_pool_gets_its_user_and_secret_and_leaves_none(guarded: World) -> None:
    guarded.operator.start()
    await guarded.create_pool()
    await guarded.create("one")
    await guarded.reaches("one", "Succeeded")
    pool = await guarded.kubernetes.get(RENDERPOOLS, guarded.namespace, "default")
    assert pool
    (secret,) = await pool_secrets(guarded)
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("RenderPool", pool["metadata"]["uid"])
    assert secret["immutable"]
    rules = await guarded.redis.acl_getuser(user(guarded))
    assert rules
    assert "on" in rules["flags"]
    assert "nopass" not in rules["flags"]
    assert all(f"{{here/{guarded.namespace}/default}}" in key for key in str(rules["keys"]).split("~")[1:])
    await guarded.kubernetes.delete(RENDERPOOLS, guarded.namespace, "default")

    async def gone() -> bool:
        return user(guarded) not in await guarded.redis.acl_users()

    await eventually(gone, "the user was removed with its pool")


async def test_renders_go_on_through_a_change_of_password_and_a_restart_of_redis(guarded: World) -> None:
    guarded.node.render = gate = Gate()
    guarded.operator.start()
    await guarded.create_pool(maxWorkers=2)
    await guarded.create("running")
    await guarded.reaches("running", "Running")
    await idle_worker(guarded)
    guarded.operator.stop()
    guarded.operator.env |= {
        "VIDEOJOB_WORKER_REDIS_KEY": "second key",
        "VIDEOJOB_WORKER_REDIS_PREVIOUS_KEY": "first key",
    }
    guarded.operator.start()

    async def both() -> bool:
        found = await guarded.redis.acl_getuser(user(guarded))
        return bool(found) and len(found["passwords"]) == 2

    await eventually(both, "both passwords are valid")
    # As a Redis that is restarted: empty, with its own users alone, and nobody connected.
    await guarded.redis.acl_deluser(user(guarded))
    await guarded.redis.flushall()
    await guarded.redis.client_kill_filter(_type="normal", skipme=True)
    await eventually(both, "both are valid again")
    await asyncio.sleep(16)  # longer than a lease
    await guarded.create("new")
    await guarded.reaches("new", "Running")
    assert len(await pool_secrets(guarded)) == 2
    gate.opened.set()
    for name in ("running", "new"):
        status = await guarded.reaches(name, "Succeeded")
        assert (status["attempts"], status["interruptions"]) == (1, 0)

    guarded.operator.stop()
    guarded.operator.env["VIDEOJOB_WORKER_REDIS_PREVIOUS_KEY"] = ""
    guarded.operator.start()

    async def one() -> bool:
        found = await guarded.redis.acl_getuser(user(guarded))
        return bool(found) and len(found["passwords"]) == 1

    await eventually(one, "the old password is no way in any more")
    await guarded.create("last")
    await guarded.reaches("last", "Succeeded")


async def idle_worker(world: World) -> None:
    async def idle() -> bool:
        return world.operator.metric("videojob_workers", state="idle") == 1

    await eventually(idle, "a warm worker")


async def test_a_secret_that_someone_deleted_is_made_again(guarded: World) -> None:
    guarded.operator.start()
    await guarded.create_pool(minIdle=0)
    await guarded.create("one")
    await guarded.reaches("one", "Succeeded")
    (secret,) = await pool_secrets(guarded)
    await guarded.kubernetes.delete(SECRETS, guarded.namespace, secret["metadata"]["name"])
    guarded.operator.stop()  # or after a minute
    guarded.operator.start()
    await guarded.create("two")
    await guarded.reaches("two", "Succeeded")
    assert [each["metadata"]["name"] for each in await pool_secrets(guarded)] == [secret["metadata"]["name"]]


async def test_where_the_operator_may_make_no_users_all_share_one_and_the_pool_says_so(guarded: World) -> None:
    await guarded.redis.execute_command("ACL SETUSER", "operator", "-acl|setuser", "-acl|deluser")  # type: ignore[no-untyped-call]
    guarded.operator.env |= {"VIDEOJOB_WORKER_REDIS_SECRET": "workers"}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "workers"},
        "stringData": {"username": "worker", "password": SHARED},
    }
    await guarded.kubernetes.create(SECRETS, guarded.namespace, body)
    guarded.operator.start()
    await guarded.create_pool()
    await guarded.create("one")
    await guarded.reaches("one", "Succeeded")

    async def is_said() -> bool:
        pool = await guarded.kubernetes.get(RENDERPOOLS, guarded.namespace, "default")
        assert pool
        (ready,) = [each for each in pool["status"]["conditions"] if each["type"] == "Ready"]
        return ready["status"] == "True" and "workers share a Redis user" in ready["message"]

    await eventually(is_said, "the pool is ready, and says it")
    assert "has no Redis user of its own" in guarded.operator.log.read_text()


async def test_a_workers_credentials_open_no_other_pools_queues(guarded: World) -> None:
    guarded.operator.start()
    await guarded.create_pool()
    await idle_worker(guarded)
    client = guarded.node._clients[-1]
    with pytest.raises(NoPermissionError):
        await client.hgetall(Keys(PoolKey(guarded.namespace, "other"), CLUSTER).fixed("entries"))
    with pytest.raises(NoPermissionError):
        await client.hgetall(Keys(PoolKey(guarded.namespace, "default"), "elsewhere").fixed("entries"))
    assert await client.hgetall(guarded.keys.fixed("entries")) == {}
    anyone = connect(guarded.operator.env["VIDEOJOB_REDIS_URL"], username=user(guarded), password="guess")  # noqa: S106
    with pytest.raises(Exception, match=r"WRONGPASS|invalid username-password"):
        await anyone.ping()
    await anyone.aclose()
