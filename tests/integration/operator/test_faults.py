"""What may happen at any moment: the operator killed, Redis emptied, a worker lost, a user who changes his
mind."""

import asyncio

from tests.integration.operator.conftest import CLUSTER, World, eventually
from tests.integration.operator.node import Worker, succeeded
from videojob_contract.api_paths import JOBS, PODS, RENDERPOOLS, VIDEOJOBS
from videojob_contract.assignment import Result
from videojob_contract.errors import Reason
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey


class Gate:
    """A render that goes on until it is let go."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self, worker: Worker) -> Result:
        self.entered.set()
        await self.opened.wait()
        return succeeded(worker.claim.assignment)


async def test_operator_killed_while_a_job_runs_loses_nothing(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(maxWorkers=1)
    await world.create("running")
    await world.reaches("running", "Running")
    await world.create("waiting")
    await world.reaches("waiting", "Queued")
    world.operator.kill()
    gate.opened.set()  # both end while nobody looks
    await eventually(lambda: len(world.node.starts) == 1, "one attempt began")
    world.operator.start()
    await world.reaches("running", "Succeeded")
    await world.reaches("waiting", "Succeeded")
    assert sorted(world.node.starts) == [("running", 1), ("waiting", 1)]


async def test_operator_killed_at_any_moment_starts_nothing_twice(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    for number in range(6):
        await world.create(f"job-{number}")
        await asyncio.sleep(0.05 * number)
        world.operator.kill()
        world.operator.start()
    for number in range(6):
        status = await world.reaches(f"job-{number}", "Succeeded")
        assert status["attempts"] == 1
    assert sorted(world.node.starts) == [(f"job-{number}", 1) for number in range(6)]


async def test_flushall_loses_no_job_and_starts_nothing_twice(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(maxWorkers=1)
    await world.create("running")
    await world.reaches("running", "Running")
    for number in range(3):
        await world.create(f"waiting-{number}")
        await world.reaches(f"waiting-{number}", "Queued")
    await world.redis.flushall()
    await asyncio.sleep(3)
    gate.opened.set()
    names = ["running", *(f"waiting-{number}" for number in range(3))]
    for name in names:
        status = await world.reaches(name, "Succeeded")
        assert status["attempts"] == 1
        assert status["interruptions"] == 0
    assert sorted(world.node.starts) == sorted((name, 1) for name in names)


async def test_deleted_videojob_leaves_the_queue_and_its_worker_is_told(world: World) -> None:
    outcomes: list[bool] = []

    async def until_cancelled(worker: Worker) -> Result:
        outcomes.append(await worker.cancelled(30))
        return succeeded(worker.claim.assignment)

    world.node.render = until_cancelled
    world.operator.start()
    await world.create_pool(maxWorkers=1)
    await world.create("running")
    await world.reaches("running", "Running")
    await world.create("waiting")
    await world.reaches("waiting", "Queued")
    queue = OperatorQueue(PoolKey(world.namespace, "default"), world.redis, cluster=CLUSTER)
    assert len(await queue.known_uids()) == 2
    for name in ("waiting", "running"):
        await world.kubernetes.delete(VIDEOJOBS, world.namespace, name)
    await eventually(lambda: outcomes == [True], "the worker was told to stop")

    async def nothing_known() -> bool:
        return not await queue.known_uids()

    await eventually(nothing_known, "the queue has forgotten both")
    assert world.node.starts == [("running", 1)]


async def test_cancel_while_queued_and_while_running(world: World) -> None:
    async def until_cancelled(worker: Worker) -> Result:
        await worker.cancelled(30)
        assignment = worker.claim.assignment
        return Result(
            uid=assignment.uid,
            attempt=assignment.attempt,
            result="cancelled",
            reason=Reason.CANCELLED,
            message="cancelled",
        )

    world.node.render = until_cancelled
    world.operator.start()
    await world.create_pool(maxWorkers=1)
    await world.create("running")
    await world.reaches("running", "Running")
    await world.create("waiting")
    await world.reaches("waiting", "Queued")
    for name in ("waiting", "running"):
        await world.kubernetes.patch(VIDEOJOBS, world.namespace, name, {"spec": {"cancel": True}})
        await world.reaches(name, "Cancelled")
    assert world.node.starts == [("running", 1)]


async def test_finished_videojob_is_deleted_after_its_time(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    await world.create("brief", ttlAfterFinished="1s")
    await world.create("kept")
    await world.reaches("kept", "Succeeded")

    async def gone() -> bool:
        return await world.videojob("brief") is None

    await eventually(gone, "brief was deleted")
    assert await world.videojob("kept")


async def test_time_to_live_is_counted_from_a_cancel_before_any_worker(world: World) -> None:
    """Nothing happens after the end that would have the VideoJob looked at once more."""
    world.operator.start()
    await world.create_pool(minIdle=0, maxWorkers=0)
    await world.create("idle", ttlAfterFinished="1s")
    await world.reaches("idle", "Queued")
    await world.kubernetes.patch(VIDEOJOBS, world.namespace, "idle", {"spec": {"cancel": True}})

    async def gone() -> bool:
        return await world.videojob("idle") is None

    await eventually(gone, "idle was deleted", timeout_s=10)


async def test_videojob_waits_for_a_pool_that_is_made_later(world: World) -> None:
    world.operator.start()
    await world.create("early")
    status = await world.reaches("early", "Pending", also=lambda status: bool(status.get("conditions")))
    assert "WaitingForPool" in {condition["reason"] for condition in status["conditions"]}
    await world.create_pool()
    await world.reaches("early", "Succeeded")


async def test_lost_worker_costs_an_attempt_and_not_the_job(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(maxWorkers=2)
    await world.create("unlucky")
    status = await world.reaches("unlucky", "Running")
    job = status["job"]["name"]
    world.node.lose(job)
    gate.opened.set()
    # Its node is gone, and the node controller has said so: the pod is Failed, and nothing came from its
    # worker.
    pods = [
        pod
        async for pod in world.kubernetes.list(PODS, world.namespace, selector=f"batch.kubernetes.io/job-name={job}")
    ]
    await world.kubernetes.patch(
        PODS,
        world.namespace,
        pods[0]["metadata"]["name"],
        {"status": {"phase": "Failed", "reason": "NodeLost"}},
        subresource="status",
    )
    status = await world.reaches("unlucky", "Succeeded")
    assert status["interruptions"] == 1
    assert status["failures"] == 0
    assert world.node.starts == [("unlucky", 1), ("unlucky", 2)]


async def test_result_is_taken_from_the_pod_when_redis_lost_it(world: World) -> None:
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool()
    await world.create("one")
    await world.reaches("one", "Running")
    world.operator.kill()
    gate.opened.set()

    async def complete() -> bool:
        return any(job.get("status", {}).get("succeeded") for job in await world.jobs())

    await eventually(complete, "the worker has ended")
    await world.redis.flushall()
    world.operator.start()
    await world.reaches("one", "Succeeded")
    assert world.node.starts == [("one", 1)]


async def test_what_began_and_ended_unseen_is_not_done_again_when_redis_lost_it(world: World) -> None:
    """The operator was away all the while, so that its status still says Queued: the pod has the result."""
    world.node.render = gate = Gate()
    world.operator.start()
    await world.create_pool(minIdle=1, maxWorkers=2, limits={"running": {"pool": 1}})
    await world.create("first")
    await world.reaches("first", "Running")
    await world.create("unseen")
    await world.reaches("unseen", "Queued")
    await eventually(lambda: world.operator.metric("videojob_workers", state="idle") == 1, "a worker waits for it")
    world.operator.kill()
    gate.opened.set()

    async def both_ended() -> bool:
        jobs = await world.jobs()
        return sum(bool(job.get("status", {}).get("succeeded")) for job in jobs) == 2

    await eventually(both_ended, "both workers have ended")
    await world.redis.flushall()
    world.operator.start()
    for name in ("first", "unseen"):
        status = await world.reaches(name, "Succeeded")
        assert (status["attempts"], status["interruptions"]) == (1, 0)
    assert status["job"]["name"] in {job["metadata"]["name"] for job in await world.jobs()}
    assert world.node.starts == [("first", 1), ("unseen", 1)]


async def test_deleted_pool_and_its_return(world: World) -> None:
    world.operator.start()
    await world.create_pool(maxWorkers=0, minIdle=0)
    await world.create("patient")
    await world.reaches("patient", "Queued")
    await world.kubernetes.delete(RENDERPOOLS, world.namespace, "default")
    await world.reaches("patient", "Pending")
    await world.create_pool()
    await world.reaches("patient", "Succeeded")


async def test_jobs_that_events_did_not_tell_of_are_found(world: World) -> None:
    """Kopf's watch is not told of what is deleted while it reconnects: the resync is."""
    world.operator.start()
    await world.create_pool()

    async def idle() -> bool:
        return world.operator.metric("videojob_workers", state="idle") == 1

    await eventually(idle, "a warm worker")
    (job,) = await world.jobs()
    await world.kubernetes.delete(JOBS, world.namespace, job["metadata"]["name"])

    async def replaced() -> bool:
        names = {other["metadata"]["name"] for other in await world.jobs()}
        return bool(names) and job["metadata"]["name"] not in names

    await eventually(replaced, "another worker took its place")
