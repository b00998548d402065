"""Many VideoJobs at once, on a real API server."""

from typing import Any

from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, Caller, eventually


async def test_all_are_made_and_made_once(call: Caller) -> None:
    body = {"jobs": [{"name": f"film-{number}", "spec": SPEC} for number in range(20)]}
    headers = {"Idempotency-Key": "nightly"}
    first = await call("POST", "jobs/batch", json=body, headers=headers)
    assert first.status == 202
    assert [each["job"]["name"] for each in first.json["items"]] == [f"film-{number}" for number in range(20)]
    again = await call("POST", "jobs/batch", json=body, headers=headers)
    assert [each["job"]["id"] for each in again.json["items"]] == [each["job"]["id"] for each in first.json["items"]]
    taken = await call("POST", "jobs/batch", json={"jobs": [{"name": "film-1", "spec": SPEC}, {"spec": SPEC}]})
    problem, made = taken.json["items"]
    assert (problem["job"], problem["error"]["reason"], made["error"]) == (None, "AlreadyExists", None)


async def test_nothing_is_made_unless_all_can_be(call: Caller) -> None:
    jobs: list[Any] = [{"name": "good", "spec": SPEC}, {"spec": {"clips": []}}, {"spec": SPEC, "nmae": "x"}]
    answer = await call("POST", "jobs/batch", json={"jobs": jobs})
    assert answer.status == 422
    assert {each["path"] for each in answer.json["errors"]} == {"jobs[1].spec.clips", "jobs[2].nmae"}
    assert (await call("GET", "jobs/good")).status == 404
    for body in ({}, {"jobs": []}, {"jobs": 1}, {"jobs": [1]}, {"jobs": [{"spec": SPEC}] * 101}, {"jobs": [], "x": 1}):
        assert (await call("POST", "jobs/batch", json=body)).status == 422, body


async def test_a_table_is_a_videojob_a_row(call: Caller, cluster: Cluster) -> None:
    await cluster.create_template("card")
    table = "name,title\nana,Ana\nben,Ben\n"
    headers = {"Content-Type": "text/csv"}
    answer = await call("POST", "jobs/batch?template=card&project=cards", data=table, headers=headers)
    assert answer.status == 202, answer.text
    assert [each["job"]["spec"]["parameters"]["title"] for each in answer.json["items"]] == ["Ana", "Ben"]

    async def listed() -> bool:
        return await call.listed("project=cards&sort=name") == ["ana", "ben"]

    await eventually(listed)
    wrong = await call("POST", "jobs/batch?template=card", data="titel\nAna\n", headers=headers)
    assert {each["path"] for each in wrong.json["errors"]} == {
        "jobs[0].spec.parameters.titel",
        "jobs[0].spec.parameters.title",
    }
    assert (await call("POST", "jobs/batch?template=none", data=table, headers=headers)).status == 422
    assert (await call("POST", "jobs/batch", data=table, headers=headers)).status == 415
