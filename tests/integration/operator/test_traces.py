"""One trace tells where the time of a VideoJob went: a real collector has it, and the metrics and logs lead to it."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.operator.collector import Collector, collector
from tests.integration.operator.conftest import CLIPS, World
from tests.integration.operator.node import Worker, failed, succeeded
from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.errors import Reason
from videojob_contract.labels import ANNOTATION_TRACEPARENT
from videojob_contract.resources.status import Stage

pytestmark = pytest.mark.timeout(900)  # the collector is built once
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STAGES = {Stage.FETCHING: 0.01, Stage.RENDERING: 0.05, Stage.PUBLISHING: 0.01}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Collector]:
    with collector(tmp_path) as running:
        yield running


async def test_a_retried_videojob_is_one_trace_within_that_of_who_made_it(world: World, receiver: Collector) -> None:
    tries = iter(range(2))

    async def render(worker: Worker):
        await asyncio.sleep(0.1)
        if next(tries) == 0:
            return failed(worker.claim.assignment, Reason.DISK_FULL, "no space left")
        return succeeded(worker.claim.assignment, render_s=0.1).model_copy(update={"stages": STAGES})

    world.node.render = render
    world.operator.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_RESOURCE_ATTRIBUTES": "team=films"}
    world.operator.start()
    await world.create_pool()
    made = {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoJob",
        "metadata": {"name": "one", "annotations": {ANNOTATION_TRACEPARENT: PARENT}},
        "spec": {"clips": CLIPS, "retry": {"backoff": {"initial": "1s"}}},
    }
    assert await world.kubernetes.create(VIDEOJOBS, world.namespace, made)
    await world.reaches("one", "Succeeded")
    accept = {"Accept": "application/openmetrics-text"}
    request = urllib.request.Request(f"http://127.0.0.1:{world.operator.port}/metrics", headers=accept)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    exposed = opener.open(request, timeout=5).read().decode()
    assert world.operator.stop() == 0  # which sends what is left

    spans = receiver.spans()
    _, trace, parent, _ = PARENT.split("-")
    assert {span["traceId"] for span in spans} == {trace}
    assert {(span["resource"]["service.name"], span["resource"]["team"]) for span in spans} == {
        ("videojob-operator", "films")
    }
    [life] = [span for span in spans if span["name"] == "VideoJob"]
    assert life["parentSpanId"] == parent
    assert (life["attributes"]["videojob.name"], life["attributes"]["videojob.phase"]) == ("one", "Succeeded")
    queues = [span for span in spans if span["name"] == "queue"]
    first, second = sorted(
        (span for span in spans if span["name"] == "attempt"), key=lambda span: int(span["startTimeUnixNano"])
    )
    assert {span["parentSpanId"] for span in (*queues, first, second)} == {life["spanId"]}
    assert len(queues) == 2
    assert (first["attributes"]["error.type"], first["status"]["code"]) == ("DiskFull", 2)
    assert "no space left" in first["status"]["message"]
    assert "code" not in second["status"]
    stages = [span for span in spans if span.get("parentSpanId") == second["spanId"]]
    assert [span["name"] for span in stages] == ["fetching", "rendering", "publishing"]
    assert len(spans) == 8

    assert f'# {{trace_id="{trace}"}}' in exposed
    logged = [json.loads(line) for line in world.operator.log.read_text().splitlines() if line.startswith("{")]
    assert {line["trace_id"] for line in logged if line.get("name") == "one" and "Succeeded" in line["message"]} == {
        trace
    }


async def test_a_collector_that_is_away_costs_no_videojob_anything(world: World) -> None:
    world.operator.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    world.operator.start()
    await world.create_pool()
    await world.create("one")
    await world.reaches("one", "Succeeded")
    assert world.operator.stop() == 0
