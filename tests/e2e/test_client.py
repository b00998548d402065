"""A program has a video rendered by the client alone, and reads all that it may want to know of it."""

import json
from pathlib import Path

import pytest

from tests.e2e.cluster import WAIT_S, Cluster
from tests.e2e.specs import long
from videojob_client import Client, ConditionType, EventType, NotFoundError, Phase, VideoJobSpec


async def test_a_program_creates_watches_reads_the_log_and_deletes(cluster: Cluster, media_folder: Path) -> None:
    async with Client(kubeconfig=cluster.kubeconfig, namespace=cluster.namespace) as client:
        jobs = client.videojobs
        spec = VideoJobSpec.model_validate(long(2) | {"pool": "e2e"})
        created = await jobs.create("by-program", spec, labels={"made-by": "program"})
        started = await jobs.wait("by-program", ConditionType.STARTED, timeout_s=WAIT_S)
        assert started.status.worker

        # To its end: the worker exits after its render.
        lines = [json.loads(line) async for line in jobs.logs("by-program", follow=True) if line.startswith("{")]
        messages = [line["message"] for line in lines if line.get("name") == "by-program"]
        assert messages[0] == "claimed"
        assert any(message.startswith("succeeded after") for message in messages), messages

        job = await jobs.wait("by-program", timeout_s=WAIT_S)
        assert job.metadata.uid == created.metadata.uid
        [output] = job.status.outputs or ()
        assert (media_folder / output.uri.removeprefix("volume://media/")).stat().st_size == output.bytes
        assert job.spec.outputs == spec.outputs
        assert [event.reason for event in await jobs.events("by-program")][:2] == ["Queued", "Started"]
        assert [each.metadata.name async for each in jobs.list(labels="made-by=program", phase=Phase.SUCCEEDED)] == [
            "by-program"
        ]
        async for event in jobs.watch(fields="metadata.name=by-program"):
            if event.type is EventType.ADDED:
                await jobs.delete("by-program", uid=job.metadata.uid)
            if event.type is EventType.DELETED:
                break
        with pytest.raises(NotFoundError):
            await jobs.get("by-program")
        pool = await client.renderpools.get("e2e")
        assert pool.spec.max_workers == 3


async def test_a_program_learns_why_a_render_was_cancelled(cluster: Cluster) -> None:
    async with Client(kubeconfig=cluster.kubeconfig, namespace=cluster.namespace) as client:
        await client.videojobs.create("by-program-cancelled", long() | {"pool": "e2e"})
        await client.videojobs.wait("by-program-cancelled", ConditionType.STARTED, timeout_s=WAIT_S)
        await client.videojobs.cancel("by-program-cancelled")
        job = await client.videojobs.wait("by-program-cancelled", Phase.CANCELLED, timeout_s=WAIT_S)
        assert job.status.outputs is None
