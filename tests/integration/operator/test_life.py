"""One VideoJob's life, from apply to its end, with every write that it costs."""

import asyncio

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, succeeded
from videojob_contract.api_paths import EVENTS, PODS, RENDERPOOLS
from videojob_contract.assignment import Result


async def test_a_videojob_becomes_outputs_and_its_worker_its_own(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    await world.create("one")
    status = await world.reaches("one", "Succeeded")
    assert status["progress"] == 100
    assert status["attempts"] == 1
    assert status["stage"] == "Completed"
    assert [output["name"] for output in status["outputs"]] == ["main", "poster"]
    videojob = await world.videojob("one")
    assert videojob
    job = next(job for job in await world.jobs() if job["metadata"]["name"] == status["job"]["name"])
    assert [owner["uid"] for owner in job["metadata"]["ownerReferences"]] == [videojob["metadata"]["uid"]]
    assert job["metadata"]["labels"]["videojob.dev/videojob"] == "one"
    assert world.node.starts == [("one", 1)]


async def test_kopf_leaves_no_trace_and_a_life_costs_few_writes(world: World) -> None:
    async def ten_seconds(worker: Worker) -> Result:
        for percent in range(0, 100, 5):
            await worker.report(percent)
            await asyncio.sleep(0.5)
        return succeeded(worker.claim.assignment)

    world.node.render = ten_seconds
    world.operator.start()
    await world.create_pool()
    await eventually(lambda: world.operator.metric("videojob_workers", state="idle") == 1, "a warm worker")
    jobs_before = world.operator.metric("videojob_api_requests_total", verb="create", resource="jobs")
    await world.create("one")
    status = await world.reaches("one", "Succeeded")
    assert status["progress"] == 100
    videojob = await world.videojob("one")
    assert videojob
    assert "finalizers" not in videojob["metadata"]
    assert "annotations" not in videojob["metadata"]
    assert "kopf" not in status
    metric = world.operator.metric
    progress = metric("videojob_status_writes_total", resource="videojobs", kind="progress")
    transitions = metric("videojob_status_writes_total", resource="videojobs", kind="transition")
    adoptions = metric("videojob_api_requests_total", verb="patch", resource="jobs")
    assert progress <= 3
    assert transitions == 3  # Queued, Running, Succeeded
    assert adoptions == 1
    created = metric("videojob_api_requests_total", verb="create", resource="jobs") - jobs_before
    assert created <= 1  # the worker that takes the place of the warm one
    assert progress + transitions + adoptions + created <= 8
    # What the operator says it patched is what the API server was asked for.
    patched = metric("videojob_api_requests_total", verb="patch", resource="videojobs")
    assert patched == progress + transitions


async def test_events_tell_each_transition(world: World) -> None:
    world.operator.start()
    await world.create_pool()
    await world.create("one")
    await world.reaches("one", "Succeeded")

    async def reasons() -> list[str]:
        found = [event async for event in world.kubernetes.list(EVENTS, world.namespace)]
        about = [event for event in found if event["regarding"]["name"] == "one"]
        return [event["reason"] for event in sorted(about, key=lambda event: event["eventTime"])]

    async def complete() -> bool:
        return {"Queued", "Started", "Succeeded"} <= set(await reasons())

    await eventually(complete, "events Queued, Started and Succeeded")
    assert len(await reasons()) == len(set(await reasons()))


async def test_a_worker_pod_is_admitted_under_the_restricted_standard(world: World) -> None:
    world.operator.start()
    await world.create_pool()

    async def pods() -> list[object]:
        return [pod async for pod in world.kubernetes.list(PODS, world.namespace)]

    await eventually(pods, "a pod from the worker Job's template")


async def test_a_pool_says_what_it_does(world: World) -> None:
    world.operator.start()
    await world.create_pool(minIdle=2)

    async def idle() -> bool:
        pool = await world.kubernetes.get(RENDERPOOLS, world.namespace, "default")
        return bool(pool and pool.get("status", {}).get("idle") == 2)

    await eventually(idle, "two idle workers in the pool's status")
    assert world.operator.metric("videojob_workers", state="idle") == 2
    assert world.operator.get("/healthz") == (200, "ok")
