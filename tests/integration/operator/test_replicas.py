"""Two replicas of a release: one acts, and the other follows it, soon, whatever happened to the first."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.process import OperatorProcess
from tests.integration.operator.test_faults import Gate
from videojob_contract.api_paths import EVENTS, LEASES, RENDERPOOLS
from videojob_operator.act.election import LEASE_S, RENEW_S

AFTER_KILL_S = 15.0
BUSY_S = 15.0
"""What other tests may add to that. On a quiet machine of two cores it is 9 to 11 s after a kill, and 1.2
to 1.5 s after a stop."""
AFTER_STOP_S = LEASE_S - RENEW_S
"""What it would be at the least if the Lease were left to run out."""


@pytest.fixture
def other(patient: World, tmp_path: Path) -> Iterator[OperatorProcess]:
    """The second replica, not started yet; the first is that of the world."""
    patient.operator.env |= {"VIDEOJOB_ELECTION": f"{patient.namespace}/operator", "VIDEOJOB_IDENTITY": "first"}
    operator = OperatorProcess(patient.operator.env | {"VIDEOJOB_IDENTITY": "second"}, tmp_path / "second.log")
    yield operator
    operator.stop()


async def start(world: World, other: OperatorProcess) -> None:
    """Have the first lead, a warm worker, and the second stand by."""
    world.operator.start()
    await eventually(lambda: world.operator.get("/readyz") == (200, "leader"), "the first leads")
    await world.create_pool(maxWorkers=2)
    other.start()
    await eventually(lambda: world.operator.metric("videojob_workers", state="idle") == 1, "a warm worker")
    await asyncio.sleep(2.5)  # a renewal and a look at it
    assert other.get("/readyz") == (200, "standby")
    assert (world.operator.metric("videojob_operator_leader"), other.metric("videojob_operator_leader")) == (1, 0)


async def seconds_until_it_acts(world: World, since: float) -> float:
    """Return how long after a moment a new VideoJob is done: so that not who has a Lease counts, but who does work."""
    await world.create("after")
    await world.reaches("after", "Succeeded", timeout_s=2 * (AFTER_KILL_S + BUSY_S))
    return time.monotonic() - since


def writes(operator: OperatorProcess) -> float:
    """Return how many requests that change something an operator has sent, and had answered well."""
    return sum(
        operator.metric("videojob_api_requests_total", verb=verb, code=code)
        for verb in ("create", "patch", "delete")
        for code in ("200", "201", "202")
    )


async def test_the_standby_does_nothing_and_knows_everything(patient: World, other: OperatorProcess) -> None:
    await start(patient, other)
    await patient.create("one")
    await patient.reaches("one", "Succeeded")
    assert writes(other) == 0
    assert other.metric("videojob_jobs") == other.metric("videojob_queue_depth") == 0  # sums over replicas are right
    assert patient.operator.metric("videojob_jobs", phase="Succeeded") == 1
    pool = await patient.kubernetes.get(RENDERPOOLS, patient.namespace, "default")
    assert "Contested" not in {each["type"] for each in (pool or {})["status"]["conditions"]}
    assert other.metric("videojob_api_requests_total", verb="list", resource="videojobs") == 1


async def test_a_killed_one_is_followed_within_fifteen_seconds(patient: World, other: OperatorProcess) -> None:
    await start(patient, other)
    patient.node.render = gate = Gate()
    await patient.create("running")
    await patient.reaches("running", "Running")
    patient.operator.kill()
    killed_at = time.monotonic()
    gate.opened.set()
    took_s = await seconds_until_it_acts(patient, killed_at)
    assert AFTER_STOP_S < took_s < AFTER_KILL_S + BUSY_S
    status = await patient.reaches("running", "Succeeded")
    assert (status["attempts"], status["interruptions"]) == (1, 0)
    assert sorted(patient.node.starts) == [("after", 1), ("running", 1)]


async def test_one_that_ends_is_followed_at_once(patient: World, other: OperatorProcess) -> None:
    await start(patient, other)
    ended_at = time.monotonic()
    ending = asyncio.create_task(asyncio.to_thread(patient.operator.stop))
    took_s = await seconds_until_it_acts(patient, ended_at)
    assert took_s < AFTER_STOP_S
    assert await ending == 0


async def test_a_frozen_one_that_thaws_acts_no_more(patient: World, other: OperatorProcess) -> None:
    await start(patient, other)
    patient.node.render = gate = Gate()
    for number in range(4):
        await patient.create(f"job-{number}")
    await patient.reaches("job-0", "Running")
    os.kill(patient.operator.pid, signal.SIGSTOP)
    try:
        await eventually(
            lambda: other.get("/readyz") == (200, "leader"), "the second leads", timeout_s=AFTER_KILL_S + BUSY_S
        )
        await patient.create("later")
        gate.opened.set()
        for name in (*(f"job-{number}" for number in range(4)), "later"):
            status = await patient.reaches(name, "Succeeded")
            assert (status["attempts"], status["interruptions"]) == (1, 0)
    finally:
        os.kill(patient.operator.pid, signal.SIGCONT)
    await eventually(lambda: patient.operator.get("/readyz") == (200, "standby"), "the first knows")
    wrote = writes(patient.operator)
    await patient.create("last")
    await patient.reaches("last", "Succeeded")
    assert writes(patient.operator) == wrote
    names = [*(f"job-{number}" for number in range(4)), "later", "last"]
    assert sorted(patient.node.starts) == sorted((name, 1) for name in names)
    told = [event async for event in patient.kubernetes.list(EVENTS, patient.namespace)]
    ends = [event["regarding"]["name"] for event in told if event["reason"] == "Succeeded"]
    assert sorted(ends) == sorted(names)
    # And it is there when it is needed again.
    other.kill()
    await patient.create("again")
    await patient.reaches("again", "Succeeded", timeout_s=2 * (AFTER_KILL_S + BUSY_S))


@pytest.mark.parametrize("moment", [1, 2])
async def test_frozen_in_the_midst_of_work_it_changes_nothing_afterwards(
    patient: World, other: OperatorProcess, moment: int
) -> None:
    """Whatever it was about to do: the API server's log of who wrote when tells."""
    await start(patient, other)
    for number in range(10):
        await patient.create(f"job-{number}")
    await asyncio.sleep(0.15 * moment)
    os.kill(patient.operator.pid, signal.SIGSTOP)
    await eventually(
        lambda: other.get("/readyz") == (200, "leader"), "the second leads", timeout_s=AFTER_KILL_S + BUSY_S
    )
    await asyncio.sleep(0.3)
    os.kill(patient.operator.pid, signal.SIGCONT)
    for number in range(10):
        status = await patient.reaches(f"job-{number}", "Succeeded")
        assert (status["attempts"], status["interruptions"]) == (1, 0)
    assert sorted(patient.node.starts) == sorted((f"job-{number}", 1) for number in range(10))
    await eventually(lambda: patient.operator.get("/readyz") == (200, "standby"), "the first knows")


async def test_the_lease_counts_who_came_when(patient: World, other: OperatorProcess) -> None:
    await start(patient, other)
    patient.operator.stop()
    await eventually(lambda: other.get("/readyz") == (200, "leader"), "the second leads")
    lease = await patient.kubernetes.get(LEASES, patient.namespace, "operator")
    assert lease
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("second", 2)
    assert datetime.fromisoformat(lease["spec"]["acquireTime"])
    key = patient.keys.fixed("fence")
    await patient.create("one")
    await patient.reaches("one", "Succeeded")
    assert int(await patient.redis.get(key)) > 1
    assert not re.search("Traceback", other.log.read_text())
