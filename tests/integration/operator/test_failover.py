"""Sentinels put a replica in the place of Redis while VideoJobs wait and render."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.test_faults import Gate
from tests.redis_sentinels import RedisSentinels, redis_sentinels
from videojob_contract.api_paths import VIDEOJOBS

pytestmark = pytest.mark.timeout(400)
WITHIN_S = 180.0
"""By when all is over, on a busy machine, after a failover that takes seconds."""


@pytest.fixture
def sentinels() -> Iterator[RedisSentinels]:
    with redis_sentinels() as made:
        yield made


@pytest.fixture
def redis_url(sentinels: RedisSentinels) -> str:
    """In place of the Redis of other tests."""
    return sentinels.url


async def busy(world: World) -> tuple[Gate, list[str]]:
    """Have two VideoJobs render until the gate opens, and two wait; return the names of all."""
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=2)
    running, waiting = ["one", "two"], ["third", "fourth"]
    for names, phase in ((running, "Running"), (waiting, "Queued")):
        for name in names:
            await world.create(name)
            await world.reaches(name, phase)
    return gate, running + waiting


async def all_end_as_if_nothing_had_been(world: World, names: list[str]) -> None:
    for name in names:
        status = await world.reaches(name, "Succeeded", timeout_s=WITHIN_S)
        assert (name, status["attempts"], status["interruptions"]) == (name, 1, 0)
    assert sorted(world.node.starts) == sorted((name, 1) for name in names)

    async def empty() -> bool:
        return int(await world.redis.zcard(world.keys.fixed("backlog"))) == 0

    await eventually(empty, "nothing waits in Redis")


async def replicated(world: World) -> None:
    assert await world.redis.wait(1, 60_000) == 1


async def test_a_master_that_is_killed_costs_no_attempt(patient: World, sentinels: RedisSentinels) -> None:
    gate, names = await busy(patient)
    await replicated(patient)
    sentinels.kill(killed := sentinels.master)
    await asyncio.to_thread(sentinels.wait_for_another_master, killed)
    gate.opened.set()
    await all_end_as_if_nothing_had_been(patient, names)


async def test_what_the_replica_had_not_is_put_back(patient: World, sentinels: RedisSentinels) -> None:
    world = patient
    gate, names = await busy(world)
    await world.create("withdrawn")
    await world.reaches("withdrawn", "Queued")
    await replicated(world)
    await asyncio.to_thread(sentinels.cut_off, sentinels.servers[1])
    for name in ("new", "newer"):  # which the replica never hears of
        await world.create(name)
        await world.reaches(name, "Queued")
    await world.kubernetes.patch(VIDEOJOBS, world.namespace, "withdrawn", {"spec": {"cancel": True}})  # nor of this
    await world.reaches("withdrawn", "Cancelled")
    sentinels.kill(killed := sentinels.master)
    await asyncio.to_thread(sentinels.wait_for_another_master, killed)
    gate.opened.set()
    await all_end_as_if_nothing_had_been(world, [*names, "new", "newer"])
    assert world.operator.metric("videojob_redis_resets_total") == 2  # the first time, and now


async def test_a_claim_that_the_replica_had_not_is_put_back(patient: World, sentinels: RedisSentinels) -> None:
    world = patient
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(minIdle=2, maxWorkers=2)

    async def idle() -> bool:
        return int(await world.redis.hlen(world.keys.fixed("workers"))) == 2

    await eventually(idle, "two workers wait")
    await replicated(world)
    await asyncio.to_thread(sentinels.cut_off, sentinels.servers[1])
    await world.create("claimed")
    await world.reaches("claimed", "Running")
    sentinels.kill(killed := sentinels.master)
    await asyncio.to_thread(sentinels.wait_for_another_master, killed)

    async def restored() -> bool:
        return bool(await world.redis.zcard(world.keys.fixed("leases")))

    await eventually(restored, "its worker holds it again", WITHIN_S)
    gate.opened.set()
    await all_end_as_if_nothing_had_been(world, ["claimed"])


async def test_a_master_that_freezes_and_thaws_costs_no_attempt(patient: World, sentinels: RedisSentinels) -> None:
    gate, names = await busy(patient)
    await replicated(patient)
    frozen = sentinels.master
    with sentinels.frozen(frozen):
        await asyncio.to_thread(sentinels.wait_for_another_master, frozen)
    gate.opened.set()
    await all_end_as_if_nothing_had_been(patient, names)
    await asyncio.to_thread(sentinels.wait_until_demoted, frozen)
    await patient.create("after")
    await patient.reaches("after", "Succeeded", timeout_s=WITHIN_S)


async def test_a_failover_without_need_costs_no_attempt(patient: World, sentinels: RedisSentinels) -> None:
    gate, names = await busy(patient)
    await asyncio.to_thread(sentinels.fail_over)
    gate.opened.set()
    await all_end_as_if_nothing_had_been(patient, names)


async def test_without_sentinels_all_goes_on(patient: World, sentinels: RedisSentinels) -> None:
    gate, names = await busy(patient)
    for port in sentinels.sentinels:
        sentinels.kill(port)
    gate.opened.set()
    await all_end_as_if_nothing_had_been(patient, names)
    assert patient.operator.metric("videojob_redis_up") == 1
