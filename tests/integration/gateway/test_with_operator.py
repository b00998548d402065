"""The gateway beside the real operator and Redis: what is asked for over HTTP is done, and told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.gateway.conftest import SPEC, Caller, eventually, serving
from tests.integration.gateway.test_streams import following
from tests.integration.operator.conftest import World, kubernetes, patient, redis_url, world
from videojob_client import Client
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway

__all__ = ["kubernetes", "patient", "redis_url", "world"]


@pytest.fixture
async def call(apiserver: ApiServer, patient: World) -> AsyncIterator[Caller]:
    """A gateway of the namespace in which an operator runs that is told of what happens, or does nothing."""
    patient.operator.start()
    await patient.create_pool()
    async with (
        Client(kubeconfig=apiserver.kubeconfig, namespace=patient.namespace) as client,
        serving(create_app(Gateway(Settings(), client))) as call,
    ):
        yield call


async def phase(call: Caller, name: str, wanted: str) -> Any:
    async def reached() -> Any:
        job = (await call("GET", f"jobs/{name}")).json
        return job if job["status"]["phase"] == wanted else None

    return await eventually(reached, timeout_s=60)


async def test_a_render_is_followed_from_its_request_to_its_outputs(call: Caller) -> None:
    assert (await call("POST", "jobs", json={"name": "holiday", "spec": SPEC})).status == 202
    phases = []
    async with following(call, "jobs/holiday/stream") as stream:
        while True:
            name, job = await stream.next()
            if not name:
                break
            phases.append(job["status"]["phase"])
    assert phases[-1] == "Succeeded"
    assert phases == sorted(phases, key=["Pending", "Queued", "Running", "Succeeded"].index)
    found = (await call("GET", "jobs/holiday")).json["status"]
    assert found["outputs"][0]["name"] == "main"
    events = (await call("GET", "jobs/holiday/events")).json["items"]
    assert "Succeeded" in {each["reason"] for each in events}
    assert (await call("POST", "jobs/holiday/rerun")).status == 202

    async def rendered_again() -> bool:
        status = (await call("GET", "jobs/holiday")).json["status"]
        return bool(status["phase"] == "Succeeded" and status.get("history"))

    await eventually(rendered_again, timeout_s=60)


async def test_what_waits_is_suspended_resumed_moved_and_cancelled(call: Caller, patient: World) -> None:
    await patient.create_pool("later", maxWorkers=0, minIdle=0, queues=[{"name": "default"}, {"name": "high"}])
    await call.submit("one", pool="later")
    await phase(call, "one", "Queued")
    await call("POST", "jobs/one/suspend")
    await phase(call, "one", "Pending")
    await call("POST", "jobs/one/resume")
    await phase(call, "one", "Queued")
    assert (await call("POST", "jobs/one/move", json={"queue": "high"})).status == 202
    await call("DELETE", "jobs/one")
    job = await phase(call, "one", "Cancelled")
    assert job["spec"]["queue"] == "high"
