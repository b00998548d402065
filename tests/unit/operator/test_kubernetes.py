"""Paths of the API server, and what is taken for its answer."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.ports import free_port
from tests.unit.virtual_time import virtual_time
from videojob_contract.api_paths import JOBS, PODS, VIDEOJOBS
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.kubernetes import Kubernetes, load_configuration
from videojob_operator.errors import ApiError


def test_paths():
    assert VIDEOJOBS.url("ns", "one", "status") == "/apis/videojob.dev/v1alpha1/namespaces/ns/videojobs/one/status"
    assert PODS.url(None) == "/api/v1/pods"
    assert (JOBS.group, JOBS.version) == ("batch", "v1")
    assert (PODS.group, PODS.version) == ("", "v1")


def test_no_name_leads_to_another_path():
    assert JOBS.url("ns", "../pods/x?y=z") == "/apis/batch/v1/namespaces/ns/jobs/..%2Fpods%2Fx%3Fy%3Dz"


class Garbled(Kubernetes):
    """A client to whom somebody answers what is none of the API server's."""

    def __init__(self, code: int, data: bytes) -> None:
        self._answer = code, data

    async def _send(self, *_: object) -> tuple[int, bytes]:
        return self._answer


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"kind": "Sta', b"\x1f\x8b\x08", b"\xff"])
@pytest.mark.parametrize("code", [200, 201, 502])
async def test_what_is_no_answer_of_the_api_server_is_an_error_like_any_other(code: int, data: bytes):
    with pytest.raises(ApiError) as raised:
        await Garbled(code, data).get(JOBS, "ns", "one")
    assert raised.value.code == code
    assert not raised.value.is_refusal


async def test_a_request_goes_by_no_proxy_of_the_environment_with_its_body_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"got": await request.json()})

    application, port = web.Application(), free_port()
    application.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    config = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # where nobody is
    for name in ("NO_PROXY", "no_proxy", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    body = {"metadata": {"name": "one", "labels": {"größe": None}}, "spec": [1, 2.5, True, {}]}
    try:
        async with Kubernetes(await load_configuration()) as client:
            assert await client.create(JOBS, "ns", body) == {"got": body}
    finally:
        await runner.cleanup()


@virtual_time
async def test_what_was_not_deleted_for_another_conflict_than_its_uid_is_an_error():
    client = FakeKubernetes(FakeApiServer(lambda: 0.0))
    made = await client.create(JOBS, "ns", {"metadata": {"name": "one"}})
    assert made is not None
    uid = made["metadata"]["uid"]
    client.refuse(409, "Conflict", times=1, method="DELETE")
    with pytest.raises(ApiError):
        await client.delete(JOBS, "ns", "one", uid=uid)
    await client.delete(JOBS, "ns", "one", uid="another")
    assert await client.get(JOBS, "ns", "one")
    await client.delete(JOBS, "ns", "one", uid=uid)
    assert await client.get(JOBS, "ns", "one") is None
