"""RenderPools over HTTP: what admins drain, stop and let go on, on a real API server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, create_pool, gateway_of
from videojob_contract.api_paths import RENDERPOOLS
from videojob_gateway.config import Settings

QUEUES = [{"name": "high", "weight": 3}, {"name": "low", "weight": 1, "stopped": False}]


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Caller]:
    await create_pool(cluster)
    async with gateway_of(apiserver, cluster, settings=Settings(manage_pools=True)) as call:
        yield call


async def spec_of(cluster: Cluster) -> dict[str, Any]:
    pool = await cluster.kubernetes.get(RENDERPOOLS, cluster.namespace, "default")
    assert pool is not None
    return dict(pool["spec"])


async def test_a_pool_is_drained_and_goes_on(call: Caller, cluster: Cluster) -> None:
    before = await spec_of(cluster)
    assert (await call("GET", "caller")).json["managesPools"] is True
    drained = await call("POST", "pools/default/drain")
    assert (drained.status, drained.json["name"], drained.json["drain"]) == (202, "default", True)
    assert await spec_of(cluster) == before | {"drain": True}
    assert (await call("GET", "pools")).json["items"] == [drained.json]
    assert (await call("POST", "pools/default/drain")).status == 202  # which it does already
    assert (await call("POST", "pools/default/resume")).json["drain"] is False
    assert await spec_of(cluster) == before | {"drain": False}


async def test_one_queue_is_stopped_and_the_others_stay_as_they_are(call: Caller, cluster: Cluster) -> None:
    await cluster.kubernetes.patch(RENDERPOOLS, cluster.namespace, "default", {"spec": {"queues": QUEUES}})
    stopped = await call("POST", "pools/default/queues/high/stop")
    assert stopped.status == 202
    assert (await spec_of(cluster))["queues"] == [QUEUES[0] | {"stopped": True}, QUEUES[1]]
    await call("POST", "pools/default/queues/high/resume")
    assert (await spec_of(cluster))["queues"] == [QUEUES[0] | {"stopped": False}, QUEUES[1]]


async def test_changes_that_come_together_are_all_made(call: Caller, cluster: Cluster) -> None:
    queues = [{"name": f"queue-{number}", "weight": 1} for number in range(4)]
    await cluster.kubernetes.patch(RENDERPOOLS, cluster.namespace, "default", {"spec": {"queues": queues}})
    asked = [call("POST", f"pools/default/queues/{each['name']}/stop") for each in queues]
    assert {answer.status for answer in await asyncio.gather(*asked)} == {202}
    assert all(each["stopped"] for each in (await spec_of(cluster))["queues"])


@pytest.mark.parametrize("path", ["pools/other/drain", "pools/default/queues/other/stop", "pools/other/queues/a/stop"])
async def test_what_is_not_there_is_not_changed(call: Caller, cluster: Cluster, path: str) -> None:
    before = await spec_of(cluster)
    answer = await call("POST", path)
    assert (answer.status, answer.json["reason"]) == (404, "NoSuchPool")
    assert await spec_of(cluster) == before


async def test_nobody_changes_pools_where_that_is_not_set(apiserver: ApiServer, cluster: Cluster) -> None:
    await create_pool(cluster)
    before = await spec_of(cluster)
    async with gateway_of(apiserver, cluster) as call:
        assert (await call("GET", "caller")).json["managesPools"] is False
        for path in ("pools/default/drain", "pools/default/queues/default/stop"):
            answer = await call("POST", path)
            assert (answer.status, answer.json["reason"]) == (403, "NotAllowed")
    assert await spec_of(cluster) == before
