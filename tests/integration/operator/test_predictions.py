"""How long VideoJobs take is predicted, learnt from those that ended, and kept over a restart and an emptied Redis."""

import asyncio
from typing import Any

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, succeeded
from videojob_contract.api_paths import RENDERPOOLS
from videojob_contract.assignment import Result
from videojob_contract.resources.work import WorkDone, WorkKind

SLOW = (
    WorkDone(kind=WorkKind.STILL, planned_s=1.0, took_s=8.0),
    WorkDone(kind=WorkKind.OVERHEAD, planned_s=1.0, took_s=8.0),
)


class Gate:
    """Renders as a worker eight times as slow as one core, when it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, worker: Worker) -> Result:
        await self.opened.wait()
        said = succeeded(worker.claim.assignment, render_s=9.0)
        return said.model_copy(update={"work": SLOW, "peak_bytes": 1 << 30})


async def pool_status(world: World) -> dict[str, Any]:
    pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
    assert pool is not None
    status: dict[str, Any] = pool.get("status", {})
    return status


async def test_a_pool_learns_and_says_when_its_work_is_done(patient: World) -> None:
    patient.node.render = gate = Gate()
    patient.operator.start()
    await patient.create_pool(maxWorkers=1)
    await patient.create("first")
    running = await patient.reaches("first", "Running")
    assert running["predicted"]["seconds"] == 1.2
    assert running["eta"] >= running["startedAt"][:19]

    await patient.create("second")
    assert (await patient.reaches("second", "Queued"))["queuePosition"] == 0
    await patient.create("third")
    assert (await patient.reaches("third", "Queued"))["queuePosition"] == 1
    waits = await patient.reaches("third", "Queued", also=lambda status: {"eta", "reason"} <= status.keys())
    assert (waits["reason"], waits["queuePosition"]) == ("PoolAtMaximum", 1)

    async def has_backlog() -> bool:
        return bool((await pool_status(patient)).get("backlogSeconds", 0) >= 2)

    await eventually(has_backlog, "the pool says how much work it has")

    gate.opened.set()
    for name in ("first", "second", "third"):
        await patient.reaches(name, "Succeeded")

    async def has_learnt() -> dict[str, Any] | None:
        status = await pool_status(patient)
        rates = {rate["of"]: rate.get("ratios", []) for rate in status.get("learnt", {}).get("rates", [])}
        return status if len(rates.get("still", [])) == 3 and status["backlogSeconds"] == 0 else None

    assert patient.operator.metric("videojob_prediction_ratio_count") == 3
    learnt = (await eventually(has_learnt, "it has learnt of each"))["learnt"]
    assert {rate["of"]: set(rate["ratios"]) for rate in learnt["rates"]}["overhead"] == {8.0}

    # What it learnt outlasts the operator, and Redis.
    patient.operator.stop()
    await patient.redis.flushall()
    gate.opened.clear()
    patient.operator.start()
    await patient.create("fourth")
    known = (await patient.reaches("fourth", "Running"))["predicted"]
    assert known["seconds"] > 7
    assert known["memoryBytes"] > running["predicted"]["memoryBytes"]
    gate.opened.set()
    await patient.reaches("fourth", "Succeeded")


async def test_what_was_lost_with_redis_waits_as_it_was_predicted(patient: World) -> None:
    patient.node.render = gate = Gate()
    patient.operator.start()
    await patient.create_pool(maxWorkers=1)
    await patient.create("first")
    await patient.reaches("first", "Running")
    await patient.create("second")
    before = await patient.reaches("second", "Queued")
    await patient.redis.flushall()
    queued_at = {before["queuedAt"]}

    async def is_back() -> bool:
        return bool(await patient.redis.zcard(patient.keys.fixed("backlog")))

    await eventually(is_back, "it waits in Redis again")
    after = await patient.reaches("second", "Queued")
    assert after["predicted"] == before["predicted"]
    assert {after["queuedAt"]} == queued_at
    gate.opened.set()
    await patient.reaches("second", "Succeeded")
