"""Who came first is first: after Redis was emptied, after a restart of everything, and after an interruption."""

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.test_faults import Gate
from videojob_contract.api_paths import PODS, RENDERPOOLS

NAMES = [f"job-{number * 37 % 101:03d}" for number in range(20)]
"""In an order that is not that of the alphabet."""


async def begin(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    for name in NAMES:
        await world.create(name)
        await world.reaches(name, "Queued")


async def let_work(world: World) -> list[str]:
    """Give the pool workers, and return in which order attempts began."""
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": {"maxWorkers": 1}})
    for name in NAMES:
        await world.reaches(name, "Succeeded")
    return [name for name, _ in world.node.starts]


async def is_back(world: World) -> None:
    async def all_wait() -> bool:
        return bool(await world.redis.zcard(world.keys.fixed("backlog")) == len(NAMES))

    await eventually(all_wait, "all wait again")


async def test_the_order_outlives_redis(world: World) -> None:
    await begin(world)
    await world.redis.flushall()
    await is_back(world)
    assert await let_work(world) == NAMES


async def test_the_order_outlives_redis_and_the_operator_with_idle_workers_about(world: World) -> None:
    await begin(world)
    world.operator.kill()
    await world.redis.flushall()
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": {"maxWorkers": 1, "minIdle": 1}})
    world.operator.start()
    for name in NAMES:
        await world.reaches(name, "Succeeded")
    assert [name for name, _ in world.node.starts] == NAMES


async def set_most_workers(world: World, count: int) -> None:
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": {"maxWorkers": count}})


async def test_what_was_interrupted_goes_before_what_came_after_it(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(maxWorkers=1)
    await world.create("first")
    status = await world.reaches("first", "Running")
    for name in ("a-later", "b-later"):
        await world.create(name)
        await world.reaches(name, "Queued")
    # No other worker comes before the interrupted one waits again: it would take what is there.
    await set_most_workers(world, 0)
    world.node.lose(status["job"]["name"])
    gate.opened.set()
    evicted = {"status": {"phase": "Failed", "reason": "NodeLost"}}
    await world.kubernetes.patch(PODS, world.namespace, status["worker"], evicted, subresource="status")
    await world.reaches("first", "Queued", also=lambda status: status["attempts"] == 2)
    await set_most_workers(world, 1)
    for name in ("first", "a-later", "b-later"):
        await world.reaches(name, "Succeeded")
    assert world.node.starts == [("first", 1), ("first", 2), ("a-later", 1), ("b-later", 1)]
