"""The gateway beside the real operator and Redis: what is asked for over HTTP is done, and told."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.gateway.conftest import SPEC, Caller, eventually, serving
from tests.integration.gateway.test_streams import following
from tests.integration.operator.conftest import World, kubernetes, patient, redis_url, world
from videojob_client import Client
from videojob_contract.api_paths import SECRETS, VIDEOHOOKS, VIDEOTEMPLATES
from videojob_contract.labels import LABEL_HOOK
from videojob_contract.resources import API_VERSION
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


async def test_a_client_that_waits_is_told_what_is_known_first(call: Caller, patient: World) -> None:
    waits = {"Prefer": "respond-async, wait=10"}

    async def predicted() -> Any:
        answer = await call("POST", "jobs", json={"spec": SPEC}, headers=waits)
        assert answer.status == 202
        assert answer.headers["Preference-Applied"] == "wait=10"
        assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json['name']}"
        return answer.json["status"] if "predicted" in answer.json["status"] else None

    status = await eventually(predicted, timeout_s=60)
    assert status["phase"] != "Pending"
    assert float(status["predicted"]["seconds"]) > 0
    await patient.create_pool("later", maxWorkers=0, minIdle=0)
    places = [await call("POST", "jobs", json={"spec": SPEC | {"pool": "later"}}, headers=waits) for _ in range(2)]
    assert [answer.json["status"]["queuePosition"] for answer in places] == [0, 1]
    nowhere = await call("POST", "jobs", json={"spec": SPEC | {"pool": "nowhere"}}, headers=waits)
    assert nowhere.json["status"]["phase"] == "Pending"
    assert nowhere.json["status"]["reason"]


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


async def test_the_end_of_one_video_begins_the_next(apiserver: ApiServer, patient: World, tmp_path: Path) -> None:
    key = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
    (tmp_path / "ends").write_text(key)
    secret = {"metadata": {"name": "videojob-webhooks"}, "data": {"ends": base64.b64encode(key.encode()).decode()}}
    assert await patient.kubernetes.create(SECRETS, patient.namespace, secret)
    timeline = {"clips": [{"title": {"text": "After {{ title }}"}, "duration": "1s"}]}
    template = {"parameters": [{"name": "title"}], "timeline": timeline}
    hook = {
        "verification": {"scheme": "StandardWebhooks", "secretKey": "ends"},
        "filters": {"payload": [{"path": "$.type", "values": ["videojob.succeeded"]}]},
        "job": {"templateRef": {"name": "next"}, "parameters": [{"name": "title", "path": "$.data.name"}]},
    }
    for resource, kind, spec in ((VIDEOTEMPLATES, "VideoTemplate", template), (VIDEOHOOKS, "VideoHook", hook)):
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "next"}, "spec": spec}
        assert await patient.kubernetes.create(resource, patient.namespace, body)
    await asyncio.to_thread(patient.operator.start)
    await patient.create_pool(webhooks={"allowPrivateNetworks": True})
    settings = Settings(hook_keys=str(tmp_path))
    async with (
        Client(kubeconfig=apiserver.kubeconfig, namespace=patient.namespace) as client,
        serving(create_app(Gateway(settings, client))) as call,
    ):
        notify = [{"url": f"{call.url}/api/v1/hooks/next", "signingKey": "ends", "events": ["Started", "Succeeded"]}]
        await call.submit("holiday", notify=notify)

        async def rendered() -> Any:
            made = (await call("GET", f"jobs?label={LABEL_HOOK}=next&phase=Succeeded")).json["items"]
            return made or None

        (after,) = await eventually(rendered, timeout_s=120)
        assert (await call("GET", f"jobs/{after['id']}")).json["spec"]["parameters"] == {"title": "holiday"}

        async def all_taken() -> bool:
            notified = (await call("GET", "jobs/holiday")).json["status"]["notifications"]
            return {each["state"] for each in notified} == {"Delivered"}

        assert await eventually(all_taken, timeout_s=120)
