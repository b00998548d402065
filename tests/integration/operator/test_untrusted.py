"""Workers read untrusted media: what a captured one can do with its queue's rights harms its own VideoJob alone."""

import json
from typing import Any

import pytest

from tests.integration.operator.conftest import CLUSTER, World, eventually
from videojob_contract.api_paths import JOBS
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.types import Claim, PoolKey
from videojob_contract.queue.worker import WorkerQueue


async def claim_as(world: World, worker: str, job: str) -> tuple[WorkerQueue, Claim]:
    """Claim the next attempt in the guise of a worker."""
    queue = WorkerQueue(PoolKey(world.namespace, "default"), world.redis, worker, job, cluster=CLUSTER)
    claim = await queue.claim(10)
    assert isinstance(claim, Claim)
    return queue, claim


async def test_a_job_that_is_no_worker_is_not_adopted(world: World) -> None:
    container = {"name": "c", "image": "x"}
    victim = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "victim"},
        "spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
    assert await world.kubernetes.create(JOBS, world.namespace, victim)
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    await world.create("bait")
    await world.reaches("bait", "Queued")
    await claim_as(world, "liar-1", "victim")
    await eventually(lambda: "is not adopted" in world.operator.log.read_text(), "the adoption was refused")
    job = await world.kubernetes.get(JOBS, world.namespace, "victim")
    assert job
    assert "ownerReferences" not in job["metadata"]
    assert world.operator.get("/healthz")[0] == 200


async def test_a_worker_with_no_name_for_a_job_gets_nothing(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    await world.create("bait")
    await world.reaches("bait", "Queued")
    with pytest.raises(QueueUnavailableError, match="has no such job"):
        await claim_as(world, "liar-1", "../../../../api/v1/namespaces")


@pytest.mark.parametrize(
    "said", [{"width": 10**30}, {"bytes": -1}, {"duration": float("inf")}, {"frames": 2**63}, {"sha256": "x"}]
)
async def test_a_result_beyond_what_a_status_holds_fails_its_own_job(world: World, said: dict[str, Any]) -> None:
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    await world.create("bad")
    await world.reaches("bad", "Queued")
    queue, claim = await claim_as(world, "liar-1", "default-1")
    fence = (claim.assignment.uid, claim.assignment.attempt, claim.token)
    output = {"name": "main", "uri": "volume://media/a.mp4", "bytes": 1, "sha256": "0" * 64} | said
    result = {"uid": fence[0], "attempt": fence[1], "result": "succeeded", "outputs": [output]}
    await queue._runner.run("finish", *fence, json.dumps(result))
    status = await world.reaches("bad", "Failed")
    assert next(iter(said)) in status["failure"]["message"]


async def test_a_result_that_cannot_be_read_fails_its_own_job_and_no_other(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    await world.create("bad")
    await world.reaches("bad", "Queued")
    queue, claim = await claim_as(world, "liar-1", "victim")
    fence = (claim.assignment.uid, claim.assignment.attempt, claim.token)
    await queue._runner.run("report", *fence, "Rendering", "{not json")
    await queue._runner.run("finish", *fence, '{"result": "glorious"}')
    status = await world.reaches("bad", "Failed")
    assert status["failure"]["message"].startswith("what the worker handed in cannot be read: ")
    # Others are served as ever.
    await world.create("good")
    await world.reaches("good", "Queued")
    _, claim = await claim_as(world, "honest-1", "default-1")
    assert claim.assignment.name == "good"
