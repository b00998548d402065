"""Inspections: who asks and whoever is idle, on a real Redis, under the rules of their users."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.assignments import assignment
from videojob_contract.errors import Reason
from videojob_contract.inspection import (
    MAX_PICTURE_BYTES,
    Findings,
    Inspection,
    Look,
    PictureFormat,
    PictureReport,
    Unseen,
)
from videojob_contract.queue.acl import gateway_rules, worker_rules
from videojob_contract.queue.connection import connect
from videojob_contract.queue.inspections import (
    MOST_WAITING,
    InspectionBench,
    InspectionDesk,
    InspectionTooLargeError,
    NobodyLooksError,
    pack_inspection,
    unpack_inspection,
)
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey

POOL = PoolKey("team", "looks")
REFUSED = Findings(refusal=Unseen(reason=Reason.SOURCE_NOT_FOUND, message="it is not there"))


def inspection(look: Look = Look.PLAN) -> Inspection:
    identity = uuid.uuid4().hex
    return Inspection(id=identity, look=look, assignment=assignment(identity).model_copy(update={"deadline": 5}))


@pytest.fixture
async def users(redis_url: str) -> AsyncIterator[dict[str, Redis]]:
    """Clients of the gateway's user and of a pool's, and of the administrator."""
    admin = connect(redis_url)
    await admin.flushall()
    clients = {"admin": admin}
    for name, rules in (("gateway", gateway_rules()), ("pool", worker_rules(Keys(POOL)))):
        await admin.execute_command(*f"ACL SETUSER {name} reset on >secret {rules}".split())  # type: ignore[no-untyped-call]
        clients[name] = connect(redis_url, username=name, password="secret")  # noqa: S106 - a test's
    yield clients
    for name in ("gateway", "pool"):
        await clients[name].aclose()
    await admin.execute_command("ACL", "DELUSER", "gateway", "pool")  # type: ignore[no-untyped-call]
    await admin.aclose()


async def ask(
    users: dict[str, Redis], asked: Inspection, taken_s: float = 5.0, **options: Any
) -> tuple[Findings, bytes]:
    return await InspectionDesk(POOL, users["gateway"], **options).ask(asked, taken_s=taken_s, done_s=5.0)


async def keys(users: dict[str, Redis]) -> set[str]:
    return {key.rpartition("}:")[2].partition(":")[0] for key in await users["admin"].keys("vj:*")}


async def test_an_idle_worker_takes_it_and_its_findings_come_with_a_picture(users: dict[str, Redis]) -> None:
    asked, picture = inspection(Look.PREVIEW), bytes(range(256)) * (MAX_PICTURE_BYTES // 256)
    bench = InspectionBench(POOL, users["pool"])
    asking = asyncio.create_task(ask(users, asked))
    assert await bench.take() == asked
    report = PictureReport(format=PictureFormat.PNG, width=640, height=360, frames=[7])
    await bench.answer(asked.id, Findings(picture=report), picture)
    assert await asking == (Findings(picture=report), picture)
    assert await keys(users) == set()


async def test_what_nobody_takes_is_taken_back(users: dict[str, Redis]) -> None:
    with pytest.raises(NobodyLooksError, match="idle"):
        await ask(users, inspection(), taken_s=0.1)
    assert await keys(users) == set()
    asking = asyncio.create_task(ask(users, inspection()))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await keys(users) == set()


async def test_one_that_was_taken_is_waited_for(users: dict[str, Redis]) -> None:
    asked, bench = inspection(), InspectionBench(POOL, users["pool"])
    asking = asyncio.create_task(ask(users, asked, taken_s=0.2))
    assert await bench.take() == asked
    await asyncio.sleep(0.5)
    await bench.answer(asked.id, REFUSED)
    assert (await asking)[0] == REFUSED


async def test_no_more_wait_than_idle_workers_could_look_at(users: dict[str, Redis]) -> None:
    asking = [asyncio.create_task(ask(users, inspection())) for _ in range(MOST_WAITING)]
    waiting = Keys(POOL).fixed("inspections")
    async with asyncio.timeout(5):
        while await users["admin"].llen(waiting) < MOST_WAITING:  # type: ignore[misc]  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(NobodyLooksError, match="more"):
        await ask(users, inspection())
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)


async def test_all_that_waits_goes_by_itself(users: dict[str, Redis]) -> None:
    asked = inspection()
    asking = asyncio.create_task(ask(users, asked))
    await asyncio.sleep(0.1)
    for key in await users["admin"].keys("vj:*"):
        assert 0 < await users["admin"].pttl(key) <= 60_000
    asking.cancel()
    await asyncio.wait([asking])
    await InspectionBench(POOL, users["pool"]).answer(asked.id, REFUSED)
    for key in await users["admin"].keys("vj:*"):
        assert 0 < await users["admin"].pttl(key) <= 60_000


async def test_nonsense_is_nobodys_answer(users: dict[str, Redis]) -> None:
    for said in ("", "{", '{"picture": {"format": "exe", "width": 1, "height": 1, "frames": []}}', "x" * 2_000_000):
        asked = inspection()
        await users["admin"].rpush(Keys(POOL).inspected(asked.id), said)  # type: ignore[misc]
        with pytest.raises(NobodyLooksError):
            await ask(users, asked, taken_s=0.2)


async def test_a_worker_passes_over_what_it_cannot_read(users: dict[str, Redis]) -> None:
    bench, admin = InspectionBench(POOL, users["pool"]), users["admin"]
    other = inspection()
    for said in ("", "nonsense", pack_inspection(other)):
        await admin.set(Keys(POOL).inspection("a" * 32), said)
        await admin.rpush(Keys(POOL).fixed("inspections"), "a" * 32)  # type: ignore[misc]
        assert await bench.take() is None


def test_an_inspection_is_bounded() -> None:
    asked = inspection()
    assert unpack_inspection(pack_inspection(asked)) == asked
    endless = asked.model_copy(update={"assignment": asked.assignment.model_copy(update={"deadline": 3600})})
    strange = asked.model_copy(update={"assignment": asked.assignment.model_copy(update={"uid": "../.."})})
    for wrong in (endless, strange):
        with pytest.raises(ValueError, match="value_error"):
            unpack_inspection(pack_inspection(wrong))
    long = asked.assignment.model_copy(update={"name": "a" * 2_000_000})
    with pytest.raises(InspectionTooLargeError):
        pack_inspection(asked.model_copy(update={"assignment": long}))
