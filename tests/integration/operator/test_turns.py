"""Whose turn it is, on the real API server: moves while waiting, shares and limits."""

from typing import Any

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.test_faults import Gate
from videojob_contract.api_paths import EVENTS, RENDERPOOLS, VIDEOJOBS


async def patch(world: World, name: str, **spec: Any) -> None:
    assert await world.kubernetes.patch(VIDEOJOBS, world.namespace, name, {"spec": spec})


async def let_work(world: World, workers: int = 1) -> None:
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": {"maxWorkers": workers}})


async def begun(world: World, names: list[str]) -> list[str]:
    for name in names:
        await world.reaches(name, "Succeeded")
    return [name for name, _ in world.node.starts]


async def test_moves_take_effect_at_once_and_keep_the_time_waited(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0, users=[{"name": "aaron", "weight": 2}])
    names = ["a", "b", "c", "d"]
    since = {}
    for name in names:
        await world.create(name, user="ann")
        since[name] = (await world.reaches(name, "Queued"))["queuedAt"]
    await patch(world, "d", priority=10)
    await patch(world, "c", user="aaron")
    await patch(world, "b", queue="high")
    for name, words in (("b", 'in queue "high"'), ("c", 'for user "aaron"'), ("d", "with priority 10")):

        def says(status: dict[str, Any], words: str = words) -> bool:
            return any(words in condition["message"] for condition in status["conditions"])

        status = await world.reaches(name, "Queued", also=says)
        assert status["queuedAt"] == since[name]

    async def told() -> bool:
        events = [event async for event in world.kubernetes.list(EVENTS, world.namespace)]
        said = [event["note"] for event in events if event["reason"] == "Queued"]
        return sum(note.endswith(" now") for note in said) == 3

    await eventually(told, "each move is one Event")
    await let_work(world)
    assert await begun(world, names) == ["b", "c", "d", "a"]


async def test_the_order_changes_while_they_wait(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    lengths = {"film": "9s", "clip": "1s", "trailer": "4s"}
    for name, length in lengths.items():
        await world.create(name, clips=[{"color": "#203040", "duration": length}])
        await world.reaches(name, "Queued")
    lanes = world.keys.fixed("lanes")
    in_fair = await world.redis.zrange(lanes, 0, -1)
    change = {"spec": {"order": "fifo"}}
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", change)

    async def moved() -> bool:
        now = await world.redis.zrange(lanes, 0, -1)
        return len(now) == len(lengths) and not set(now) & set(in_fair)

    await eventually(moved, "all wait in the other order")
    await let_work(world)
    assert await begun(world, list(lengths)) == list(lengths)


async def test_who_is_at_a_limit_waits_and_says_so_and_keeps_nobody_waiting(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(minIdle=1, maxWorkers=3, limits={"running": {"user": 1}})
    await world.create("first", user="ann")
    await world.reaches("first", "Running")
    await world.create("second", user="ann")
    await world.create("other", user="aaron")
    await world.reaches("other", "Running")
    status = await world.reaches("second", "Queued", also=lambda status: status.get("reason") == "LimitReached")
    assert status["message"].startswith('limit running of user "ann": 1 of 1 used; it waits until there is room')
    gate.opened.set()
    for name in ("first", "second", "other"):
        await world.reaches(name, "Succeeded")
