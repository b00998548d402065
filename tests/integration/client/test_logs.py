"""A VideoJob's log is that of the pod that renders it; the API server is real, and the kubelet is played."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.client.kubelet import Kubelet
from videojob_client import Client, NoPodError, NotFoundError


@pytest.fixture
async def kubelet(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Kubelet]:
    async with Kubelet(cluster.kubernetes, apiserver.kubeconfig.parent / "certificates") as kubelet:
        yield kubelet


async def test_the_status_names_the_pod(client: Client, cluster: Cluster, kubelet: Kubelet) -> None:
    await cluster.create("job")
    await kubelet.run(client.namespace, "pool-1-abcde", "claimed", "rendering ünd so", job="pool-1")
    await kubelet.run(client.namespace, "pool-2-abcde", "another's", job="pool-2")
    await cluster.status("job", phase="Running", worker="pool-1-abcde", job={"name": "pool-1"})
    assert [line async for line in client.videojobs.logs("job")] == ["claimed", "rendering ünd so"]
    assert [line async for line in client.videojobs.logs("job", tail_lines=1)] == ["rendering ünd so"]
    assert [line async for line in client.videojobs.logs("job", tail_lines=0)] == []
    assert [line async for line in client.videojobs.logs("job", limit_bytes=10)] == ["claimed", "re"]
    assert [line async for line in client.videojobs.logs(await client.videojobs.get("job"))] != []
    stamped = client.videojobs.logs("job", timestamps=True, tail_lines=1)
    assert [line async for line in stamped] == ["2026-01-01T00:00:00Z rendering ünd so"]


async def test_the_pod_is_found_by_the_label_of_its_job(client: Client, cluster: Cluster, kubelet: Kubelet) -> None:
    await cluster.create("job")
    await kubelet.run(client.namespace, "pool-1-abcde", "another's", job="pool-1")
    await kubelet.run(client.namespace, "pool-2-abcde", "claimed", job="pool-2")
    await cluster.status("job", phase="Running", job={"name": "pool-2"})
    assert [line async for line in client.videojobs.logs("job")] == ["claimed"]


async def test_a_pod_that_is_about_to_start_is_waited_for(client: Client, cluster: Cluster, kubelet: Kubelet) -> None:
    await cluster.create("job")
    await kubelet.run(client.namespace, "pool-1-abcde", "claimed")
    await cluster.status("job", phase="Running", worker="pool-1-abcde")
    kubelet.starting = 2
    assert [line async for line in client.videojobs.logs("job")] == ["claimed"]
    assert kubelet.starting == 0


async def test_a_log_is_followed_to_its_end(client: Client, cluster: Cluster, kubelet: Kubelet) -> None:
    await cluster.create("job")
    await kubelet.run(client.namespace, "pool-1-abcde", "claimed")
    await cluster.status("job", phase="Running", worker="pool-1-abcde")
    async with aclosing(client.videojobs.logs("job", follow=True)) as lines:
        assert await asyncio.wait_for(anext(lines), 10) == "claimed"
        kubelet.ended.set()
        assert [line async for line in lines] == ["the end, without a line's end"]


async def test_what_has_not_begun_has_no_log(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    await cluster.status("job", phase="Queued")
    with pytest.raises(NoPodError, match="is Queued, and has no pod"):
        await anext(client.videojobs.logs("job"))
    await cluster.status("job", phase="Pending", job={"name": "gone"})
    with pytest.raises(NoPodError):
        await anext(client.videojobs.logs("job"))


async def test_a_pod_that_is_gone_is_not_found(client: Client, cluster: Cluster) -> None:
    await cluster.create("job")
    await cluster.status("job", phase="Succeeded", worker="pool-1-abcde")
    with pytest.raises(NotFoundError, match='pods "pool-1-abcde" not found'):
        await anext(client.videojobs.logs("job"))
