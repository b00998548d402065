"""The page's files, and what the page asks for beside VideoJobs: who calls, templates and pools."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, create_pool, gateway_of
from tests.integration.gateway.test_access import as_
from tests.integration.gateway.test_access import by_name as by_word
from tests.integration.gateway.test_outputs import FILM, finish, output
from videojob_gateway import page_files
from videojob_gateway.auth.api_keys import ApiKey, ApiKeys, digest_of, new_key
from videojob_gateway.auth.authentication import Authentication
from videojob_gateway.auth.caller import Role
from videojob_gateway.config import Settings

START = b"<!doctype html><title>VideoJobs</title>"
SCRIPT = b"console.log(1);" * 100


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page that was built."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(START)
    (folder / "assets" / "main-ABC.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-ABC.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "secret.txt").write_text("not of the page")
    monkeypatch.setattr(page_files, "FOLDER", folder)
    return folder


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Caller]:
    """A gateway that knows callers by their word."""
    await create_pool(cluster)
    async with gateway_of(apiserver, cluster, authenticate=by_word) as call:
        yield call


@pytest.mark.usefixtures("page")
async def test_the_page_is_for_everyone_and_runs_its_own_files_alone(apiserver: ApiServer, cluster: Cluster) -> None:
    async with gateway_of(apiserver, cluster, authenticate=by_word) as call:
        start = await call("GET", "/", headers={"Accept-Encoding": "identity"})
        assert (start.status, start.text) == (200, START.decode())
        assert start.headers["Content-Type"] == "text/html; charset=utf-8"
        assert start.headers["Cache-Control"] == "no-cache"
        policy = start.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        again = await call("GET", "/", headers={"If-None-Match": start.headers["ETag"]})
        assert (again.status, again.text) == (304, "")
        script = await call("GET", "/assets/main-ABC.js", headers={"Accept-Encoding": "gzip"})
        assert (script.text, script.headers["Content-Encoding"]) == (SCRIPT.decode(), "gzip")
        assert script.headers["Cache-Control"].endswith("immutable")
        plain = await call("GET", "/assets/main-ABC.js", headers={"Accept-Encoding": "identity"})
        assert (plain.text, "Content-Encoding" in plain.headers) == (SCRIPT.decode(), False)
        for path in ("/assets/other.js", "/assets/..%2fsecret.txt", "/assets/%2e%2e/index.html", "/secret.txt"):
            assert (await call("GET", path)).status == 404, path


async def test_a_gateway_without_a_built_page_says_how_it_gets_one(
    call: Caller, apiserver: ApiServer, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_files, "FOLDER", tmp_path)
    async with gateway_of(apiserver, cluster) as bare:
        found = await bare("GET", "/")
        assert (found.status, "make page" in found.json["detail"]) == (404, True)
        assert call.url != bare.url


async def test_callers_are_told_who_they_are_known_as(call: Caller) -> None:
    found = await as_(call, "ana submitter", "GET", "caller")
    assert found.json == {"user": "ana", "role": "submitter", "tier": None, "managesPools": False}


async def test_templates_are_listed_with_their_parameters_and_pools_with_their_queues(
    call: Caller, cluster: Cluster
) -> None:
    await cluster.create_template("card")
    templates = (await as_(call, "ana viewer", "GET", "templates")).json["items"]
    assert [(each["name"], each["parameters"]) for each in templates] == [
        ("card", [{"name": "title", "type": "string", "description": ""}])
    ]
    (pool,) = (await as_(call, "ana viewer", "GET", "pools")).json["items"]
    assert (pool["name"], pool["volumes"], pool["uploads"], pool["busy"]) == ("default", ["media"], False, None)
    assert [queue["name"] for queue in pool["queues"]]
    assert "storage" not in pool


async def test_players_are_known_by_a_cookie_for_outputs_and_for_nothing_else(
    apiserver: ApiServer, cluster: Cluster, tmp_path: Path
) -> None:
    await create_pool(cluster)
    folder = tmp_path / "default" / "media" / "out" / cluster.namespace / "holiday"
    folder.mkdir(parents=True)
    (folder / "main.mp4").write_bytes(FILM)
    keys = tmp_path / "keys"
    keys.mkdir()
    tokens = {}
    for user in ("ana", "ben"):
        tokens[user] = new_key(user)
        entry = ApiKey(sha256=digest_of(tokens[user]), user=user, role=Role.SUBMITTER)
        (keys / user).write_text(entry.model_dump_json(by_alias=True, exclude_none=True))
    async with gateway_of(
        apiserver, cluster, settings=Settings(volumes=str(tmp_path)), authenticate=Authentication(ApiKeys(keys))
    ) as call:
        bearer = {"Authorization": f"Bearer {tokens['ana']}"}
        body = {"name": "holiday", "spec": {"clips": [{"color": "#204060", "duration": "1s"}]}}
        assert (await call("POST", "jobs", json=body, headers=bearer)).status == 202
        await finish(cluster, output(cluster, "main.mp4", FILM))
        cookie = {user: {"Cookie": f"videojob-token={token}"} for user, token in tokens.items()}
        path = "jobs/holiday/outputs/main"
        assert (await call("HEAD", path, headers=cookie["ana"])).status == 200
        assert (await call("HEAD", path, headers=cookie["ben"])).status == 404
        assert (await call("HEAD", path)).status == 401
        assert (await call("HEAD", path, headers={"Cookie": "videojob-token=\u00e9"})).status == 401
        wrong = {"Authorization": "Bearer vjk_ana_wrong"}
        assert (await call("HEAD", path, headers=cookie["ana"] | wrong)).status == 401
        for method, other in (("GET", "jobs/holiday"), ("POST", "jobs/holiday/suspend"), ("DELETE", "jobs/holiday")):
            assert (await call(method, other, headers=cookie["ana"])).status == 401, other
