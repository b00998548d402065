"""VideoJobs over HTTP, on a real API server."""

import asyncio
import json
from io import BytesIO
from typing import Any

import pytest

from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, Caller, eventually
from videojob_contract.api_paths import RENDERPOOLS, VIDEOJOBS, VIDEOTEMPLATES

NOW = "2026-01-01T00:00:00Z"


async def test_of_what_nobody_has_looked_at_nothing_more_is_said(call: Caller) -> None:
    answer = await call("POST", "jobs", json={"name": "waits", "spec": SPEC}, headers={"Prefer": "wait=1"})
    assert (answer.status, answer.headers["Preference-Applied"]) == (202, "wait=1")
    assert answer.json["status"] == {"phase": "Pending", "progress": 0}
    assert "Preference-Applied" not in (await call("POST", "jobs", json={"spec": SPEC})).headers


async def test_what_is_submitted_is_a_videojob(call: Caller, cluster: Cluster) -> None:
    answer = await call("POST", "jobs", json={"name": "holiday", "labels": {"team": "films"}, "spec": SPEC})
    assert answer.status == 202
    assert answer.headers["Location"] == "/api/v1/jobs/holiday"
    assert answer.json["status"] == {"phase": "Pending", "progress": 0}
    there = await cluster.kubernetes.get(VIDEOJOBS, cluster.namespace, "holiday")
    assert there is not None
    assert there["metadata"]["labels"] == {"team": "films"}
    assert there["metadata"]["uid"] == answer.json["id"]
    assert there["spec"]["clips"][0]["color"] == "#204060"


async def test_it_is_found_by_its_name_and_by_its_uid(call: Caller) -> None:
    job = await call.submit("holiday")
    await eventually(call.listed)
    for identity in ("holiday", job["id"]):
        answer = await call("GET", f"jobs/{identity}")
        assert (answer.status, answer.json["id"]) == (200, job["id"])


async def test_what_was_just_changed_is_in_lists_at_once(call: Caller) -> None:
    for number in range(10):
        name = f"job-{number}"
        job = await call.submit(name)
        assert name in await call.listed()
        assert (await call("GET", f"jobs/{job['id']}")).status == 200
        await call("POST", f"jobs/{name}/suspend")
        (shown,) = [each for each in (await call("GET", "jobs")).json["items"] if each["name"] == name]
        assert shown["spec"]["suspend"] is True
        await call("DELETE", f"jobs/{name}?purge=true")
        assert name not in await call.listed()


async def test_a_uid_is_of_one_videojob_alone(call: Caller) -> None:
    first = await call.submit("holiday")
    await eventually(call.listed)
    assert (await call("DELETE", "jobs/holiday?purge=true")).status == 204
    await call.submit("holiday")
    for _ in range(3):  # whether the watch has told of it yet, or not
        assert (await call("GET", f"jobs/{first['id']}")).status == 404
        await asyncio.sleep(0.1)


async def test_every_field_that_is_wrong_is_named(call: Caller) -> None:
    clips = [{"color": "#204060", "duration": "3"}, {"image": {"uri": "file.png"}, "duration": "1s"}]
    answer = await call("POST", "jobs", json={"spec": {"clips": clips, "queue": "default"}})
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json["reason"] == "Invalid"
    assert [each["path"] for each in answer.json["errors"]] == ["spec.clips[0].duration", "spec.clips[1].image.uri"]


async def test_what_only_the_pool_knows_is_told_before_anything_is_made(call: Caller) -> None:
    answer = await call("POST", "jobs", json={"name": "wrong", "spec": SPEC | {"queue": "nowhere"}})
    assert answer.status == 422
    paths = {each["path"] for each in answer.json["errors"]}
    assert "spec.queue" in paths
    assert (await call("GET", "jobs/wrong")).status == 404


async def test_validate_says_the_same_and_makes_nothing(call: Caller) -> None:
    output = {"outputs": [{"name": "main", "format": "mp4", "uri": "volume://media/a.mp4"}]}
    wrong = {"name": "wrong", "spec": SPEC | {"queue": "nowhere"}}
    submitted, validated = await call("POST", "jobs", json=wrong), await call("POST", "validate", json=wrong)
    assert validated.json == {"valid": False, "errors": submitted.json["errors"]}
    right = {"name": "right", "spec": SPEC | output | {"pool": "elsewhere"}}
    assert (await call("POST", "validate", json=right)).json == {"valid": True, "errors": []}
    assert (await call("GET", "jobs/right")).status == 404


async def test_a_template_is_filled_with_parameters(call: Caller, cluster: Cluster) -> None:
    await cluster.create_template("card")
    spec = {"pool": "later", "templateRef": {"name": "card"}, "parameters": {"title": "Ana"}}
    assert (await call("POST", "jobs", json={"name": "card", "spec": spec})).status == 202
    lacking = await call("POST", "jobs", json={"spec": spec | {"parameters": {}}})
    assert [each["path"] for each in lacking.json["errors"]] == ["spec.parameters.title"]
    unknown = await call("POST", "jobs", json={"spec": spec | {"templateRef": {"name": "none"}}})
    assert [each["path"] for each in unknown.json["errors"]] == ["spec.templateRef.name"]
    await cluster.kubernetes.delete(VIDEOTEMPLATES, cluster.namespace, "card")


async def test_a_request_that_is_sent_again_makes_one_videojob(call: Caller) -> None:
    body = {"spec": SPEC | {"pool": "later"}}
    headers = {"Idempotency-Key": "order-17"}
    answers = await asyncio.gather(*(call("POST", "jobs", json=body, headers=headers) for _ in range(5)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    other = await call("POST", "jobs", json={"spec": body["spec"] | {"queue": "high"}}, headers=headers)
    assert (other.status, other.json["reason"]) == (422, "KeyReused")
    named = {"name": "named", **body}
    for _ in range(2):
        assert (await call("POST", "jobs", json=named, headers={"Idempotency-Key": '"18"'})).status == 202
    taken = await call("POST", "jobs", json=named)
    assert (taken.status, taken.json["reason"]) == (409, "AlreadyExists")


async def test_it_is_answered_when_its_template_is_gone(call: Caller, cluster: Cluster) -> None:
    await cluster.create_template("card")
    job = {"spec": {"templateRef": {"name": "card"}, "parameters": {"title": "Ana"}, "queue": "default"}}
    first = await call("POST", "jobs", json=job, headers={"Idempotency-Key": "a"})
    batch = await call("POST", "jobs/batch", json={"jobs": [job]}, headers={"Idempotency-Key": "b"})
    assert (first.status, batch.status) == (202, 202), batch.text
    pool = {"spec": {"queues": [{"name": "other"}]}}
    await cluster.kubernetes.patch(RENDERPOOLS, cluster.namespace, "default", pool)
    await cluster.kubernetes.delete(VIDEOTEMPLATES, cluster.namespace, "card")
    again = await call("POST", "jobs", json=job, headers={"Idempotency-Key": "a"})
    assert (again.status, again.json["id"]) == (202, first.json["id"]), again.text
    again = await call("POST", "jobs/batch", json={"jobs": [job]}, headers={"Idempotency-Key": "b"})
    assert again.json["items"][0]["job"]["id"] == batch.json["items"][0]["job"]["id"]
    changed = {"spec": {**job["spec"], "parameters": {"title": "Ben"}}}
    for key in ("a", "c"):
        assert (await call("POST", "jobs", json=changed, headers={"Idempotency-Key": key})).status == 422


async def test_a_list_shows_what_is_asked_for(call: Caller, cluster: Cluster) -> None:
    for name, user, project in (("a-1", "ana", "summer"), ("a-2", "ana", "winter"), ("b-1", "ben", "summer")):
        await call.submit(name, user=user, project=project, pool="later")
    await cluster.status("a-2", phase="Failed", finishedAt=NOW, message="there is no file Beach.jpg")
    await eventually(lambda: call.listed("phase=Failed"))
    assert set(await call.listed()) == {"a-1", "a-2", "b-1"}
    assert await call.listed("user=ana&sort=name") == ["a-1", "a-2"]
    assert await call.listed("project=summer&sort=-name") == ["b-1", "a-1"]
    assert await call.listed("text=beach") == ["a-2"]
    assert await call.listed("phase=Failed&phase=Pending&user=ana&sort=name") == ["a-1", "a-2"]
    assert await call.listed("createdAfter=2100-01-01T00:00:00Z") == []
    first = (await call("GET", "jobs?sort=name&limit=2")).json
    rest = (await call("GET", f"jobs?sort=name&limit=2&cursor={first['next']}")).json
    assert [job["name"] for job in first["items"] + rest["items"]] == ["a-1", "a-2", "b-1"]
    assert rest["next"] is None
    assert "clips" not in first["items"][0]["spec"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("phase=Lost", "phase.0"),
        ("sort=size", "sort"),
        ("createdAfter=2026-01-01T00:00:00", "createdAfter"),
        ("createdAfter=0001-01-01T00:00:00%2B23:00", "createdAfter"),
    ],
)
async def test_a_wrong_parameter_is_named(call: Caller, query: str, path: str) -> None:
    answer = await call("GET", f"jobs?{query}")
    assert (answer.status, [each["path"] for each in answer.json["errors"]]) == (422, [path])


async def test_cancelling_stops_for_good_and_purging_deletes(call: Caller, cluster: Cluster) -> None:
    await call.submit("holiday", pool="later")
    assert (await call("DELETE", "jobs/holiday")).json["spec"]["cancel"] is True
    await cluster.status("holiday", phase="Cancelled", finishedAt=NOW)
    again = await call("DELETE", "jobs/holiday")
    assert (again.status, again.json["status"]["phase"]) == (202, "Cancelled")
    assert (await call("DELETE", "jobs/holiday?purge=true")).status == 204
    gone = await call("GET", "jobs/holiday")
    assert (gone.status, gone.json["reason"]) == (404, "NotFound")


async def test_what_has_finished_can_be_rendered_once_more(call: Caller, cluster: Cluster) -> None:
    await call.submit("holiday", pool="later")
    early = await call("POST", "jobs/holiday/rerun")
    assert (early.status, early.json["reason"]) == (409, "WrongState")
    await call("DELETE", "jobs/holiday")
    await cluster.status("holiday", phase="Cancelled", finishedAt=NOW)
    answer = await call("POST", "jobs/holiday/rerun")
    assert answer.status == 202
    assert (answer.json["spec"]["rerun"], answer.json["spec"]["cancel"]) == (1, False)
    assert (await call("POST", "jobs/holiday/rerun")).status == 409


async def test_it_is_suspended_resumed_and_moved(call: Caller, cluster: Cluster) -> None:
    await call.submit("holiday", pool="later")
    assert (await call("POST", "jobs/holiday/suspend")).json["spec"]["suspend"] is True
    assert (await call("POST", "jobs/holiday/resume")).json["spec"]["suspend"] is False
    moved = await call("POST", "jobs/holiday/move", json={"queue": "high", "priority": 5})
    assert (moved.json["spec"]["queue"], moved.json["spec"]["priority"]) == ("high", 5)
    for body in ({}, {"clips": []}, {"queue": None}, {"priority": "high"}, {"queue": "No Name"}):
        wrong = await call("POST", "jobs/holiday/move", json=body)
        assert (wrong.status, wrong.json["reason"]) == (422, "Invalid"), body
        assert wrong.json["errors"]
    await cluster.status("holiday", phase="Succeeded", finishedAt=NOW)
    assert (await call("POST", "jobs/holiday/suspend")).status == 409


async def test_events_tell_what_happened(call: Caller, cluster: Cluster) -> None:
    job = await call.submit("holiday", pool="later")
    await cluster.event("holiday", job["id"], "Queued")
    items = (await call("GET", "jobs/holiday/events")).json["items"]
    assert [(each["type"], each["reason"], each["message"]) for each in items] == [("Normal", "Queued", "it is Queued")]


BODIES: dict[str, tuple[bytes, str, int]] = {
    "no JSON": (b"{", "application/json", 400),
    "half a character": (b'{"name": "\\ud800"}', "application/json", 400),
    "a field twice": (b'{"spec": {}, "spec": {}}', "application/json", 400),
    "no number": (b'{"spec": NaN}', "application/json", 400),
    "a number of a million digits": (b"1" * 1_000_000, "application/json", 400),
    "a hundred thousand brackets": (b"[" * 100_000, "application/json", 400),
    "no object": (b"[]", "application/json", 422),
    "a form, which browsers send without asking": (b"a=b", "application/x-www-form-urlencoded", 415),
    "text": (b"{}", "text/plain", 415),
    "too long": (b" " * 1_100_000, "application/json", 413),
    "a spec that is none": (b'{"spec": 1}', "application/json", 422),
    "unknown fields": (b'{"spec": {}, "user": "ana"}', "application/json", 422),
    "a label of the operator's": (b'{"spec": {}, "labels": {"videojob.dev/pool": "a"}}', "application/json", 422),
    "an infinite number": (b'{"spec": {"clips": [{"color": "#204060", "duration": 1e999}]}}', "application/json", 400),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_wrong_body_is_refused_as_a_problem(call: Caller, name: str) -> None:
    body, media_type, status = BODIES[name]
    for path in ("jobs", "validate"):
        answer = await call("POST", path, data=BytesIO(body), headers={"Content-Type": media_type})
        if path == "validate" and status == 422 and answer.status == 200:
            assert answer.json["valid"] is False
        else:
            assert (answer.status, answer.json["status"]) == (status, status), answer.text


@pytest.mark.parametrize("path", ["jobs/..%2f..%2fpods", "jobs/a%2fb", "jobs/%00", "jobs/A_B", "jobs/" + "a" * 64])
async def test_a_path_leads_to_videojobs_alone(call: Caller, path: str) -> None:
    answer = await call("GET", path)
    assert answer.status in {404, 422}, answer.text


async def test_what_is_not_served_is_a_problem_too(call: Caller) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("PUT", "jobs", 405)):
        answer = await call(method, path)
        assert (answer.status, answer.json["status"]) == (status, status)


async def test_health_and_metrics(call: Caller) -> None:
    assert (await call("GET", "/healthz")).text == "ok"
    ready = (await call("GET", "/readyz")).json
    assert (ready["ready"], ready["jobs"], ready["queued"], ready["running"]) == (True, 0, 0, 0)
    text = (await call("GET", "/metrics")).text
    assert 'videojob_gateway_requests_total{code="200",method="GET",route="/readyz"}' in text


async def test_an_answer_is_no_page(call: Caller) -> None:
    answer = await call("GET", "jobs")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Request-Id"]


async def test_the_openapi_document_has_every_component_it_names(call: Caller) -> None:
    document: dict[str, Any] = (await call("GET", "openapi.json")).json
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= document["components"]["schemas"].keys()
    assert "x-component" not in text
    assert "HTTPValidationError" not in text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (path, method)
            if path.startswith("/api"):
                assert "default" in operation["responses"], (path, method)
