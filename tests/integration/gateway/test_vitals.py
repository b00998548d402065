"""What `/readyz` says of all that the gateway works with, on a real API server and a real Redis."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes.aio.client.configuration import Configuration

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import create_pool, eventually, serving
from tests.redis_server import redis_server
from videojob_client import Client
from videojob_contract.api_paths import LEASES, RENDERPOOLS
from videojob_contract.queue.connection import connect
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway
from videojob_gateway.vitals import Vitals

LEASE = "videojob-operator"


@pytest.fixture
async def client(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Client]:
    async with Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client:
        yield client


async def renew(cluster: Cluster, at: datetime) -> None:
    """Hold the operator's Lease, as of a time."""
    lease: dict[str, Any] = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEASE},
        "spec": {"holderIdentity": "replica", "renewTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
    }
    if await cluster.kubernetes.create(LEASES, cluster.namespace, lease) is None:
        await cluster.kubernetes.patch(LEASES, cluster.namespace, LEASE, {"spec": lease["spec"]})


async def test_it_says_what_waits_and_runs_which_workers_there_are_and_that_all_is_well(
    client: Client, cluster: Cluster
) -> None:
    await create_pool(cluster)
    status = {"status": {"idle": 2, "busy": 1}}
    await cluster.kubernetes.patch(RENDERPOOLS, cluster.namespace, "default", status, subresource="status")
    await renew(cluster, datetime.now(UTC))
    for name, phase in (("one", "Running"), ("two", "Queued"), ("three", "Queued")):
        await cluster.create(name)
        await cluster.status(name, phase=phase)
    with redis_server() as url:
        redis = connect(url)
        settings = Settings(operator_lease=f"{cluster.namespace}/{LEASE}")
        async with serving(create_app(Gateway(settings, client, redis=redis))) as call:

            async def told() -> Any:
                ready = (await call("GET", "/readyz")).json
                return ready if ready["idle"] is not None and ready["queued"] == 2 else None

            ready = await eventually(told)
        await redis.aclose()
    assert ready.pop("operatorSeconds") < 30
    counts = {"jobs": 3, "queued": 2, "running": 1, "idle": 2, "busy": 1}
    assert ready == counts | {"ready": True, "redis": True, "problems": []}


async def test_what_is_away_is_named(client: Client, cluster: Cluster) -> None:
    with redis_server() as url:
        pass  # it is gone
    redis = connect(url)
    vitals = Vitals(client, redis, f"{cluster.namespace}/{LEASE}")
    seen = await vitals.look()
    assert (seen.idle, seen.busy, seen.redis, seen.operator_at) == (0, 0, False, None)
    assert "no operator works on VideoJobs: one was never heard of" in seen.problems
    assert any("Redis" in problem for problem in seen.problems)
    await renew(cluster, datetime.now(UTC) - timedelta(minutes=2))
    assert any("one was last at 20" in problem for problem in (await vitals.look()).problems)
    await redis.aclose()


async def test_what_may_not_be_looked_at_is_not_known(apiserver: ApiServer, cluster: Cluster) -> None:
    configuration = Configuration(host=apiserver.url)
    configuration.ssl_ca_cert = str(apiserver.certificate)
    async with Client(configuration=configuration, namespace=cluster.namespace) as client:
        seen = await Vitals(client, None, f"{cluster.namespace}/{LEASE}").look()
    assert (seen.idle, seen.busy, seen.redis, seen.operator_at) == (None, None, None, None)
    assert len(seen.problems) == 2
