"""Limits of what may wait, on the real API server and Redis."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, failed, succeeded
from tests.integration.operator.test_faults import Gate
from videojob_contract.api_paths import CONFIGMAPS, EVENTS, RENDERPOOLS, VIDEOJOBS
from videojob_contract.assignment import Result
from videojob_contract.errors import Reason
from videojob_contract.labels import DAYS_CONFIGMAP

pytestmark = pytest.mark.usefixtures("patient")  # nothing is found by a comparison that should be told at once
NO_WORKER: dict[str, Any] = {"minIdle": 0, "maxWorkers": 0}


async def change(world: World, **spec: Any) -> None:
    assert await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", {"spec": spec})


async def phases(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    async for videojob in world.kubernetes.list(VIDEOJOBS, world.namespace):
        phase = videojob.get("status", {}).get("phase", "")
        found[phase] = found.get(phase, 0) + 1
    return found


def says(reason: str, words: str = "") -> Any:
    return lambda status: status.get("reason") == reason and words in status["message"]


def admitted(status: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in status["conditions"] if each["type"] == "Admitted")


async def test_of_many_that_come_at_once_no_more_wait_than_may(world: World) -> None:
    world.operator.start()
    await world.create_pool(**NO_WORKER, limits={"waiting": {"user": 3, "pool": 8}})
    names = [f"{user}-{number}" for number in range(8) for user in ("ann", "bob", "cid")]
    await asyncio.gather(*(world.create(name, user=name.partition("-")[0]) for name in names))
    await eventually(lambda: equal(world, {"Queued": 8, "Pending": 16}), "all are decided on")
    status = await world.reaches("ann-7", "Pending", also=says("LimitReached"))
    condition = admitted(status)
    assert (condition["status"], condition["reason"]) == ("False", "LimitReached")
    assert condition["message"].partition(";")[0] in {
        'limit waiting.user of user "ann": 3 of 3 used',
        'limit waiting.pool of pool "default": 8 of 8 used',
    }
    await change(world, limits={"waiting": {"user": 5, "pool": None}})
    await eventually(lambda: equal(world, {"Queued": 15, "Pending": 9}), "there is room for more", 20)
    await change(world, maxWorkers=3)
    await eventually(lambda: equal(world, {"Succeeded": 24}), "each has its turn", 60)


async def equal(world: World, expected: dict[str, int]) -> bool:
    return await phases(world) == expected


async def test_a_place_goes_to_who_is_next_by_priority_and_age(world: World) -> None:
    world.operator.start()
    await world.create_pool(**NO_WORKER, limits={"waiting": {"pool": 1}})
    await world.create("first")
    await world.reaches("first", "Queued")
    for name, priority in (("low", -1), ("old", 0), ("young", 0), ("high", 1)):
        await world.create(name, priority=priority)
        await world.reaches(name, "Pending", also=says("LimitReached"))
        await asyncio.sleep(1.1 if name == "old" else 0)  # ages are of seconds
    for gone, following in (("first", "high"), ("high", "old"), ("old", "young")):
        await world.kubernetes.delete(VIDEOJOBS, world.namespace, gone)
        await world.reaches(following, "Queued", timeout_s=5)
    assert await equal(world, {"Queued": 1, "Pending": 1})


async def test_what_is_over_a_limit_is_refused_where_the_pool_says_so(world: World) -> None:
    world.operator.start()
    await world.create_pool(
        **NO_WORKER, limits={"waiting": {"user": 1}, "size": 10**9, "whenExceeded": "refuse"}, storage=STORAGE
    )
    await world.create("fits", user="ann")
    await world.reaches("fits", "Queued")
    await world.create("second", user="ann")
    status = await world.reaches("second", "Failed")
    assert (status["reason"], status["message"]) == ("LimitExceeded", 'limit waiting.user of user "ann": 1 of 1 used')
    assert admitted(status)["reason"] == "LimitExceeded"
    await world.create("large", user="bob", clips=[{"color": "#203040", "duration": "1h"}])
    status = await world.reaches("large", "Failed")
    assert status["message"].startswith('limit size of pool "default": 223,948,800,000 of 1,000,000,000 pixels')


STORAGE = {"outputPrefix": "volume://media/out"}


async def test_a_days_count_outlives_videojobs_restarts_and_redis(world: World) -> None:
    world.operator.start()
    await world.create_pool(limits={"dailyPerUser": 2, "timeZone": "Asia/Kathmandu"})
    for name in ("a", "b"):
        await world.create(name, user="ann")
        status = await world.reaches(name, "Succeeded")
        assert status["admittedAt"]
        await world.kubernetes.delete(VIDEOJOBS, world.namespace, name)
    await world.redis.flushall()
    world.operator.kill()
    world.operator.start()
    await world.create("c", user="ann")
    status = await world.reaches("c", "Pending", also=says("LimitReached", "2 of 2 used; the next day begins at "))
    begins = datetime.fromisoformat(status["message"].split("begins at ")[1].partition(";")[0])
    assert begins.utcoffset() == timedelta(hours=5, minutes=45)
    assert (begins.hour, begins.minute) == (0, 0)
    await world.create("other", user="bob")
    await world.reaches("other", "Succeeded")
    # An administrator may let it in.
    await change(world, limits={"dailyPerUser": 3})
    await world.reaches("c", "Succeeded", timeout_s=20)
    kept = await world.kubernetes.get(CONFIGMAPS, world.namespace, DAYS_CONFIGMAP)
    assert kept
    assert list(kept["data"]) == ["default"]
    assert "ann" not in kept["data"]["default"]


async def test_a_retry_and_a_rerun_ask_as_they_should(world: World) -> None:
    """What waits for its retry is let in whatever others there are; a rerun is another render."""
    fails = ["a"]

    async def render(worker: Worker) -> Result:
        assignment = worker.claim.assignment
        if assignment.name in fails:
            fails.remove(assignment.name)
            return failed(assignment, Reason.DISK_FULL)
        return succeeded(assignment)

    world.node.render = render
    world.operator.start()
    await world.create_pool(limits={"dailyPerUser": 1})
    await world.create("a", user="ann", retry={"limit": 1, "backoff": {"initial": "100ms"}})
    assert (await world.reaches("a", "Succeeded"))["attempts"] == 2
    await world.kubernetes.patch(VIDEOJOBS, world.namespace, "a", {"spec": {"rerun": 1}})

    async def stays_out() -> bool:
        status = ((await world.videojob("a")) or {})["status"]
        return bool(status["phase"] == "Pending" and says("LimitReached", "1 of 1 used")(status))

    await eventually(stays_out, "the day has no more")
    await change(world, limits={"dailyPerUser": 2})
    await world.reaches("a", "Succeeded", also=lambda status: status.get("rerun") == 1)


async def test_a_tier_is_for_those_whom_the_pool_allows(world: World) -> None:
    world.operator.start()
    tiers = {"pro": {"waiting": {"user": 2}}, "free": {}}
    await world.create_pool(
        **NO_WORKER,
        limits={"waiting": {"user": 1}, "tiers": tiers, "allowTiers": {"pro": ["ann"], "free": ["*"]}},
    )
    for name in ("a", "b"):
        await world.create(name, user="ann", tier="pro")
        await world.reaches(name, "Queued")
    await world.create("c", user="bob", tier="pro")
    status = await world.reaches("c", "Failed")
    assert status["message"] == 'spec.tier: pool "default" does not allow tier "pro" to user "bob"'
    await world.create("d", user="bob", tier="free")
    await world.reaches("d", "Queued")
    await world.create("e", tier="gold")
    assert 'has no tier "gold"; it has free, pro' in (await world.reaches("e", "Failed"))["message"]


async def test_who_stays_out_is_written_once(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(maxWorkers=1, limits={"waiting": {"user": 1}})
    names = [f"job-{number}" for number in range(6)]
    for name in names:
        await world.create(name, user="ann")
        await world.reaches(name, "Running" if name == "job-0" else "Queued" if name == "job-1" else "Pending")
    last = await world.videojob("job-5")
    assert last
    await world.kubernetes.delete(VIDEOJOBS, world.namespace, "job-1")
    await world.reaches("job-2", "Queued")
    await asyncio.sleep(1)
    now = await world.videojob("job-5")
    assert now
    assert now["metadata"]["resourceVersion"] == last["metadata"]["resourceVersion"]
    gate.opened.set()
    for name in names[2:]:
        await world.reaches(name, "Succeeded")
    events = [event async for event in world.kubernetes.list(EVENTS, world.namespace)]
    told = [event["regarding"]["name"] for event in events if event["reason"] == "LimitReached"]
    assert sorted(told) == names[2:]
