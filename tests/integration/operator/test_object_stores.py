"""A pool's object stores, on the real API server: what is refused, what workers are given, and what becomes of it."""

from typing import Any

from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Worker, succeeded
from videojob_contract.api_paths import PODS, RENDERPOOLS
from videojob_contract.assignment import Assignment, Result

STORES: list[dict[str, Any]] = [
    {"name": "photos", "provider": "gs", "bucket": "photos", "readOnly": True, "secretRef": {"name": "google"}},
    {"name": "films", "provider": "s3", "bucket": "films", "endpoint": "http://minio:9000",
     "secretRef": {"name": "minio"}, "urls": {"presignedFor": "1h"}},
]  # fmt: skip
STORAGE = {"outputPrefix": "s3://films/out", "objects": STORES}


async def test_a_job_of_a_pool_with_object_stores_gets_them_and_tells_urls(world: World) -> None:
    seen: list[Assignment] = []

    async def render(worker: Worker) -> Result:
        seen.append(worker.claim.assignment)
        result = succeeded(worker.claim.assignment)
        signed = [
            output.model_copy(update={"url": f"http://minio:9000/films/{output.name}?X-Amz-Signature=0"})
            for output in result.outputs
        ]
        return result.model_copy(update={"outputs": signed})

    world.node.render = render
    world.operator.start()
    await world.create_pool(storage=STORAGE)
    await world.create("one", clips=[{"image": {"uri": "gs://photos/a.jpg"}, "duration": "1s"}])
    status = await world.reaches("one", "Succeeded")
    assert [output["uri"] for output in status["outputs"]] == [
        f"s3://films/out/{world.namespace}/one/{file}" for file in ("main.mp4", "poster.jpg")
    ]
    assert status["outputs"][0]["url"] == "http://minio:9000/films/main?X-Amz-Signature=0"
    assert [(store.name, store.endpoint) for store in seen[0].objects] == [
        ("photos", None),
        ("films", "http://minio:9000"),
    ]
    assert "X-Amz-Signature" not in world.operator.log.read_text()


async def test_pods_have_the_secrets_as_files_and_follow_another_secret(world: World) -> None:
    async def mounted() -> set[str]:
        pods = [pod async for pod in world.kubernetes.list(PODS, world.namespace)]
        waiting = [pod for pod in pods if pod["status"].get("phase") == "Running"]
        volumes = [volume for pod in waiting for volume in pod["spec"]["volumes"] if "secret" in volume]
        assert all(volume["secret"]["optional"] is False for volume in volumes)
        return {volume["secret"]["secretName"] for volume in volumes}

    async def only(*names: str) -> bool:
        return await mounted() == set(names)

    world.operator.start()
    await world.create_pool(storage=STORAGE)
    await eventually(lambda: only("google", "minio"), "a warm worker with both Secrets")
    changed = [STORES[0], {**STORES[1], "secretRef": {"name": "other"}}]
    patch = {"spec": {"storage": {"objects": changed}}}
    assert await world.kubernetes.patch(RENDERPOOLS, world.namespace, "default", patch)
    await eventually(lambda: only("google", "other"), "a warm worker with the other Secret")


async def test_what_no_store_covers_or_may_be_written_is_refused_at_once(world: World) -> None:
    world.operator.start()
    await world.create_pool(storage=STORAGE)
    await world.create("elsewhere", clips=[{"image": {"uri": "s3://other/a.jpg"}, "duration": "1s"}])
    await world.create("protected", outputs=[{"name": "main", "format": "mp4", "uri": "gs://photos/a.mp4"}])
    status = await world.reaches("elsewhere", "Failed")
    assert status["reason"] == "InvalidSpec"
    assert status["message"] == (
        'spec.clips[0].image.uri: s3://other/a.jpg: pool "default" reaches no such object store; storage.objects has '
        "gs://photos/ (photos), s3://films/ (films)"
    )
    status = await world.reaches("protected", "Failed")
    assert 'object store "photos" of pool "default" is read-only' in status["message"]
    assert world.node.starts == []


async def test_two_jobs_do_not_write_one_object(world: World) -> None:
    outputs = [{"name": "main", "format": "mp4", "uri": "s3://films/a%20b.mp4"}]
    world.operator.start()
    await world.create_pool(storage=STORAGE, minIdle=0, maxWorkers=0)
    await world.create("first", outputs=outputs)
    await world.reaches("first", "Queued")
    await world.create("second", outputs=[{**outputs[0], "uri": "s3://films/a%20%62.mp4"}])
    status = await world.reaches("second", "Failed")
    assert status["reason"] == "OutputForbidden"
    assert "first" in status["message"]
