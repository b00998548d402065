"""Webhooks that come in, on a real API server."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from hack import samples
from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Answer, Caller, create_pool, eventually, gateway_of
from videojob_contract.api_paths import VIDEOHOOKS, VIDEOTEMPLATES
from videojob_contract.labels import LABEL_HOOK
from videojob_contract.resources import API_VERSION
from videojob_gateway.config import Settings

KEY = b"a key that only GitHub knows"
APP_KEY = b"k" * 32
RELEASE: dict[str, Any] = {
    "action": "published",
    "release": {"tag_name": "v1.0", "prerelease": False},
    "repository": {"full_name": "ana/films"},
}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "releases").write_bytes(KEY)
    (tmp_path / "app").write_text(f"whsec_{base64.b64encode(APP_KEY).decode()}")
    return tmp_path


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster, keys: Path) -> AsyncIterator[Caller]:
    """A gateway with the sample's hook of releases, and one of an application."""
    await create_pool(cluster)
    template, hook = yaml.safe_load_all(samples.manifest("videohook").read_text())
    await cluster.kubernetes.create(VIDEOTEMPLATES, cluster.namespace, template)
    await cluster.kubernetes.create(VIDEOHOOKS, cluster.namespace, hook)
    verification = {"scheme": "StandardWebhooks", "secretKey": "app"}
    await create_hook(
        cluster, "app", verification, [{"name": "repository", "path": "$.title"}, {"name": "version", "value": "1"}]
    )
    async with gateway_of(apiserver, cluster, settings=Settings(hook_keys=str(keys), max_body_bytes=10_000)) as call:
        yield call


async def create_hook(
    cluster: Cluster, name: str, verification: dict[str, Any], parameters: list[dict[str, Any]], **spec: Any
) -> None:
    job = {"templateRef": {"name": "release"}, "parameters": parameters}
    body = {
        "apiVersion": API_VERSION,
        "kind": "VideoHook",
        "metadata": {"name": name},
        "spec": {"verification": verification, "job": job, **spec},
    }
    await cluster.kubernetes.create(VIDEOHOOKS, cluster.namespace, body)


def signed(body: bytes, identity: str = "1", event: str = "release", key: bytes = KEY) -> dict[str, str]:
    """Headers as GitHub sends them."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": identity,
        "X-Hub-Signature-256": f"sha256={hmac.digest(key, body, hashlib.sha256).hex()}",
    }


async def github(call: Caller, payload: Any, name: str = "releases", **headers: Any) -> Answer:
    body = json.dumps(payload).encode()
    return await call("POST", f"hooks/{name}", data=body, headers=signed(body, **headers))


async def app(call: Caller, payload: Any, identity: str = "msg_1", **headers: str) -> Answer:
    """Send as an application does with the library of Standard Webhooks."""
    body, now = json.dumps(payload), datetime.now(UTC)
    sent = {
        "Content-Type": "application/json",
        "Webhook-Id": identity,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(APP_KEY).sign(identity, now, body),
    }
    return await call("POST", "hooks/app", data=body.encode(), headers=sent | headers)


async def test_a_release_becomes_a_videojob_as_its_hook_says(call: Caller) -> None:
    answer = await github(call, RELEASE)
    assert answer.status == 202, answer.text
    job = answer.json
    assert job["name"].startswith("releases-")
    assert job["labels"] == {"team": "films", LABEL_HOOK: "releases"}
    assert job["spec"]["templateRef"] == {"name": "release"}
    assert job["spec"]["parameters"] == {"repository": "ana/films", "version": "v1.0", "accent": "#c2410c"}
    assert (job["spec"]["user"], job["spec"]["pool"]) == ("website", "default")
    assert (await call("GET", answer.headers["Location"])).json["id"] == job["id"]


async def test_what_comes_again_makes_none_again(call: Caller) -> None:
    first, *again = await asyncio.gather(*(github(call, RELEASE, identity="one") for _ in range(4)))
    assert {each.status for each in (first, *again)} == {202}
    assert {each.json["id"] for each in again} == {first.json["id"]}
    other = await github(call, RELEASE, identity="two")
    assert other.json["id"] != first.json["id"]
    reused = await github(call, {**RELEASE, "more": 1}, identity="one")
    assert (reused.status, reused.json["reason"]) == (422, "KeyReused")


async def test_an_application_signs_by_standard_webhooks(call: Caller) -> None:
    answer = await app(call, {"title": "Ana"})
    assert answer.json["spec"]["parameters"] == {"repository": "Ana", "version": "1"}
    assert (await app(call, {"title": "Ana"})).json["id"] == answer.json["id"]
    old = str(int(datetime.now(UTC).timestamp()) - 3600)
    for wrong in ({"Webhook-Timestamp": old}, {"Webhook-Id": "msg_2"}, {"Webhook-Signature": "v1,AAAA"}):
        assert (await app(call, {"title": "Ana"}, **wrong)).status == 401


async def test_what_passes_no_filter_is_taken_and_ignored(call: Caller) -> None:
    for payload, event, why in (
        (RELEASE, "push", "the header X-GitHub-Event is not release"),
        (RELEASE | {"action": "created"}, "release", "what is at $.action is not published"),
        (RELEASE | {"release": {"prerelease": True}}, "release", "what is at $.release.prerelease is not false"),
        ({"zen": "Keep it logically awesome."}, "ping", "GitHub says that it is there"),
    ):
        answer = await github(call, payload, event=event)
        assert (answer.status, answer.json) == (200, {"ignored": why})
    assert await call.listed() == []


async def test_who_does_not_have_the_key_is_told_nothing(call: Caller) -> None:
    body = json.dumps(RELEASE).encode()
    answers = [
        await call("POST", "hooks/releases", data=body, headers=headers)
        for headers in (
            {"Content-Type": "application/json"},
            signed(body + b" "),
            signed(body, key=b"a key that somebody guesses"),
            signed(body) | {"X-Hub-Signature-256": "sha256=" + "0" * 64},
            signed(body) | {"X-Hub-Signature-256": "sha1=" + "0" * 40},
            {"Authorization": "Bearer vjk_a_b"},
        )
    ]
    answers.append(await call("POST", "hooks/releases", data=b"{", headers=signed(b"[")))  # not even that it is no JSON
    assert {each.status for each in answers} == {401}
    assert len({each.text for each in answers}) == 1


async def test_a_hook_that_takes_nothing_is_none(call: Caller, cluster: Cluster, apiserver: ApiServer) -> None:
    verification = {"scheme": "GitHub", "secretKey": "releases"}
    await create_hook(cluster, "resting", verification, [], suspend=True)
    for name in ("resting", "none", "a" * 42):
        answer = await github(call, RELEASE, name=name)
        assert (answer.status, answer.json["reason"]) == (404, "NoSuchHook")
    for name in ("A", "a" * 43, "..", "a/b"):
        assert (await github(call, RELEASE, name=name)).status in {404, 405, 422}
    async with gateway_of(apiserver, cluster) as without_keys:
        assert (await github(without_keys, RELEASE)).json["reason"] == "NoSuchHook"


async def test_a_new_hook_counts_soon(call: Caller, cluster: Cluster) -> None:
    assert (await github(call, RELEASE, name="new")).status == 404
    parameters = [{"name": "repository", "value": "a"}, {"name": "version", "path": "$.release.tag_name"}]
    await create_hook(cluster, "new", {"scheme": "GitHub", "secretKey": "releases"}, parameters)

    async def accepted() -> bool:
        return (await github(call, RELEASE, name="new")).status == 202

    assert await eventually(accepted, timeout_s=60)


async def test_what_is_wrong_is_said_with_its_path(call: Caller) -> None:
    unmapped = await github(call, RELEASE | {"repository": {}}, identity="unmapped")
    assert (unmapped.status, unmapped.json["errors"]) == (
        422,
        [
            {
                "path": "spec.job.parameters[0]",
                "message": "repository has no value: the payload has nothing at $.repository.full_name",
            }
        ],
    )
    wrong = await app(call, {"title": 5.5 * 10**300}, identity="huge")
    assert wrong.status in {202, 422}
    body = json.dumps(RELEASE).encode()
    form = await call("POST", "hooks/releases", data=body, headers=signed(body) | {"Content-Type": "text/plain"})
    assert form.status == 415
    long = await github(call, RELEASE | {"more": "x" * 10_000})
    assert long.status == 413
    broken = await call("POST", "hooks/releases", data=b"{", headers=signed(b"{"))
    assert broken.status == 400


async def test_a_template_that_is_gone_is_said(call: Caller, cluster: Cluster) -> None:
    await cluster.kubernetes.delete(VIDEOTEMPLATES, cluster.namespace, "release")
    answer = await github(call, RELEASE)
    assert (answer.status, answer.json["errors"][0]["path"]) == (422, "spec.templateRef.name")


async def test_keys_are_changed_without_a_restart(call: Caller, keys: Path) -> None:
    new = b"the key that comes after it"
    (keys / "releases").write_bytes(KEY + b"\n" + new)
    assert (await github(call, RELEASE, identity="1")).status == 202
    assert (await github(call, RELEASE, identity="2", key=new)).status == 202
    (keys / "releases").write_bytes(new)
    assert (await github(call, RELEASE, identity="3")).status == 401
    (keys / "releases").unlink()
    gone = await github(call, RELEASE, identity="4", key=new)
    assert (gone.status, gone.json["reason"]) == (503, "HookFails")


async def test_a_hook_that_cannot_be_read_fails_and_not_its_sender(call: Caller, cluster: Cluster) -> None:
    await create_hook(cluster, "wrong", {"scheme": "GitHub", "secretKey": "releases"}, [{"name": "neither"}])
    answer = await github(call, RELEASE, name="wrong")
    assert (answer.status, answer.json["reason"]) == (503, "HookFails")


async def test_deliveries_are_counted_by_hook_and_outcome(call: Caller) -> None:
    def count(text: str, name: str, outcome: str) -> float:
        line = f'videojob_gateway_hook_deliveries_total{{hook="{name}",outcome="{outcome}"}} '
        return sum(float(each.removeprefix(line)) for each in text.splitlines() if each.startswith(line))

    before = (await call("GET", "/metrics")).text
    await github(call, RELEASE)
    await github(call, RELEASE, event="push")
    await github(call, RELEASE, key=b"a key that somebody guesses")
    await github(call, RELEASE | {"repository": {}}, identity="2")
    await github(call, RELEASE, name="unheard-of")
    after = (await call("GET", "/metrics")).text
    for outcome in ("accepted", "ignored", "unverified", "refused"):
        assert count(after, "releases", outcome) == count(before, "releases", outcome) + 1
    assert "unheard-of" not in after


async def test_kubectl_lists_hooks_and_their_videojobs(call: Caller, cluster: Cluster, apiserver: ApiServer) -> None:
    job = (await github(call, RELEASE)).json
    head, app_line, releases = apiserver.kubectl("get", "videohooks", "-n", cluster.namespace).stdout.splitlines()
    assert head.split() == ["NAME", "SCHEME", "TEMPLATE", "POOL", "USER", "SUSPEND", "AGE"]
    assert app_line.split()[:2] == ["app", "StandardWebhooks"]
    assert releases.split()[:6] == ["releases", "GitHub", "release", "default", "website", "false"]
    made = apiserver.kubectl("get", "vj", "-n", cluster.namespace, "-l", f"{LABEL_HOOK}=releases", "-o", "name").stdout
    assert made.split() == [f"videojob.videojob.dev/{job['name']}"]


WRONG: dict[str, dict[str, Any]] = {
    "a hook for HMAC says how": {"verification": {"scheme": "HMAC", "secretKey": "a"}},
    "no way to sign": {"verification": {"scheme": "None", "secretKey": "a"}},
    "a path that is not followed": {"filters": {"payload": [{"path": "$..a"}]}},
    "a parameter twice": {
        "job": {"templateRef": {"name": "a"}, "parameters": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}
    },
    "a timestamp that is not signed": {
        "verification": {"scheme": "HMAC", "secretKey": "a", "hmac": {"header": "X-A", "timestampHeader": "X-B"}}
    },
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_api_server_refuses_what_could_take_nothing(
    apiserver: ApiServer, namespace: str, wrong: dict[str, Any]
) -> None:
    _, hook = yaml.safe_load_all(samples.manifest("videohook").read_text())
    apiserver.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(hook))
    hook["metadata"]["name"], hook["spec"] = "wrong", hook["spec"] | wrong
    done = apiserver.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(hook), check=False)
    assert done.returncode != 0
    assert "is invalid" in done.stderr


def test_a_name_leaves_room_for_those_of_its_videojobs(apiserver: ApiServer, namespace: str) -> None:
    _, hook = yaml.safe_load_all(samples.manifest("videohook").read_text())
    for name, taken in (("a" * 42, True), ("a" * 43, False), ("a.b", False)):
        hook["metadata"]["name"] = name
        done = apiserver.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(hook), check=False)
        assert (done.returncode == 0) is taken
        assert taken or "at most 42" in done.stderr


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10) | st.just("title"), inner, max_size=4)
    ),
    max_leaves=12,
)


async def test_whatever_a_sender_tells_is_answered(call: Caller) -> None:
    loop = asyncio.get_running_loop()
    wrong: list[tuple[Any, str]] = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_JSON | st.fixed_dictionaries({"title": _JSON}), st.uuids())
    def tell(payload: Any, identity: Any) -> None:
        answer = asyncio.run_coroutine_threadsafe(app(call, payload, str(identity)), loop).result()
        if answer.status not in {202, 400, 422}:
            wrong.append((payload, answer.text))

    await asyncio.to_thread(tell)
    assert wrong == []
