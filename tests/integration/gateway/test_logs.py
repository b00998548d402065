"""Logs over HTTP: of the worker of one's own VideoJob; the API server is real, and the kubelet is played."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.client.kubelet import Kubelet
from tests.integration.client.test_logs import kubelet
from tests.integration.gateway.conftest import Caller, create_pool, gateway_of
from tests.integration.gateway.test_access import as_, by_name
from videojob_gateway.config import Settings
from videojob_gateway.routes.logs import MOST_BYTES

__all__ = ["kubelet"]

ANA, BEN = "ana submitter", "ben viewer"
SPEC = {"clips": [{"color": "#204060", "duration": "1s"}]}


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Caller]:
    await create_pool(cluster)
    async with gateway_of(apiserver, cluster, settings=Settings(read_logs=True), authenticate=by_name) as call:
        made = await as_(call, ANA, "POST", "jobs", json={"name": "holiday", "spec": SPEC})
        assert made.status == 202
        yield call


async def test_the_last_lines_of_its_worker_are_sent(call: Caller, cluster: Cluster, kubelet: Kubelet) -> None:
    await kubelet.run(cluster.namespace, "pool-1-abcde", "claimed", "<b>rendering</b> ünd so")
    await cluster.status("holiday", phase="Running", worker="pool-1-abcde")
    answer = await as_(call, ANA, "GET", "jobs/holiday/logs")
    assert (answer.status, answer.text) == (200, "claimed\n<b>rendering</b> ünd so\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await as_(call, ANA, "GET", "jobs/holiday/logs?lines=1")).text == "<b>rendering</b> ünd so\n"
    assert (await as_(call, BEN, "GET", "jobs/holiday/logs")).json["reason"] == "NotFound"
    for lines in ("0", "-1", "1000000", "x"):
        assert (await as_(call, ANA, "GET", f"jobs/holiday/logs?lines={lines}")).status == 422


async def test_of_a_long_log_a_part_is_sent(call: Caller, cluster: Cluster, kubelet: Kubelet) -> None:
    await kubelet.run(cluster.namespace, "pool-1-abcde", "x" * (2 * MOST_BYTES))
    await cluster.status("holiday", phase="Running", worker="pool-1-abcde")
    answer = await as_(call, ANA, "GET", "jobs/holiday/logs")
    assert (answer.status, answer.text) == (200, "x" * MOST_BYTES + "\n")


async def test_what_has_no_pod_has_no_log(call: Caller, cluster: Cluster) -> None:
    for status in ({"phase": "Queued"}, {"phase": "Succeeded", "worker": "pool-1-gone"}):
        await cluster.status("holiday", **status)
        answer = await as_(call, ANA, "GET", "jobs/holiday/logs")
        assert (answer.status, answer.json["reason"]) == (404, "NoSuchLog")


async def test_nobody_reads_logs_where_that_is_not_set(apiserver: ApiServer, cluster: Cluster) -> None:
    await create_pool(cluster)
    async with gateway_of(apiserver, cluster) as call:
        await call.submit("holiday")
        answer = await call("GET", "jobs/holiday/logs")
        assert (answer.status, answer.json["reason"]) == (403, "NotAllowed")
