"""Credentials that a cloud gives by its token endpoints, which are played here: their requests, answers and renewals.

The variables and files are those that EKS, GKE and AKS put into pods.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.integration.objects.conftest import Worker
from tests.integration.objects.faulty_proxy import MultipartProxy, running
from tests.ports import free_port
from videojob_contract.errors import TransientError
from videojob_worker.storage.objects import opening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.integration.objects.servers import Server

BUCKET = "films"


@dataclass
class Cloud:
    """A token endpoint, and what it was asked."""

    answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    port: int = 0
    tokens: list[str] = field(default_factory=list)
    """Tokens of the pod that it was shown."""
    lasting: timedelta = timedelta(hours=1)
    refuses: int = 0
    """The status that it answers with in place of a token."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def take(self, request: web.Request) -> web.StreamResponse:
        if self.refuses:
            return web.Response(status=self.refuses, text="not of this cluster")
        return await self.answer(request)

    @property
    def until(self) -> str:
        return f"{datetime.now(UTC) + self.lasting:%Y-%m-%dT%H:%M:%SZ}"


@asynccontextmanager
async def serving(cloud: Cloud, tls: ssl.SSLContext | None = None) -> AsyncIterator[Cloud]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", cloud.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    cloud.port = int(runner.addresses[0][1])
    try:
        yield cloud
    finally:
        server = runner.server
        await runner.cleanup()
        await asyncio.sleep(0.01)
        if server is not None:
            await server.shutdown(0)  # who came while it stopped is still connected


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("first")
    return file


def identified(worker: Worker, **changes: object) -> Worker:
    """A worker whose pool says `workloadIdentity`."""
    server = worker.server
    entry = server.entry(secretRef=None, workloadIdentity=True, **changes)
    return replace(worker, access=server.access(worker.folder / "identified", entry))


@dataclass
class Sessions:
    """A store that takes sessions, which versitygw does not: one object, for who shows the token."""

    authorization: str
    token: str = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"].startswith(self.authorization)
        assert request.headers.get("x-amz-security-token", "") == self.token
        assert request.path.endswith(f"/{BUCKET}/a.mp4")
        return web.Response(body=b"film", headers={"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "ETag": '"1"'})


@pytest.fixture
async def pod_identity(token: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    """EKS Pod Identity: an agent of the node that is asked without TLS, whatever the store is."""

    async def answer(request: web.Request) -> web.StreamResponse:
        cloud.tokens.append(request.headers["Authorization"])
        keys = {"AccessKeyId": "given", "SecretAccessKey": "secret", "Token": "session"}
        return web.json_response({**keys, "Expiration": cloud.until})

    async with serving(Cloud(answer)) as cloud:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{cloud.url}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token))
        yield cloud


@pytest.fixture
async def sessions(worker: Worker) -> AsyncIterator[Worker]:
    async with serving(Cloud(Sessions("AWS4-HMAC-SHA256 Credential=given/", "session").take)) as store:
        yield identified(worker, endpoint=store.url)


async def test_an_agent_of_eks_gives_keys_for_a_token(sessions: Worker, pod_identity: Cloud) -> None:
    assert await sessions.fetch("a.mp4") == b"film"
    assert await sessions.fetch("a.mp4") == b"film"
    assert pod_identity.tokens == ["first"]


async def test_the_agent_is_asked_without_tls_where_the_store_has_it(worker: Worker, pod_identity: Cloud) -> None:
    refused = await identified(worker).refusal("a.mp4")
    assert "does not know the credentials (HTTP 400, InvalidToken)" in refused.message  # it was shown the session
    assert pod_identity.tokens == ["first"]


async def test_keys_that_end_are_asked_for_again_with_the_token_of_then(
    sessions: Worker, pod_identity: Cloud, token: Path
) -> None:
    pod_identity.lasting = timedelta(seconds=20)  # less than what the client wants to have left
    assert await sessions.fetch("a.mp4") == b"film"
    await asyncio.to_thread(token.write_text, "second")
    await asyncio.sleep(0.2)  # within which it does not ask again
    assert await sessions.fetch("a.mp4") == b"film"
    assert set(pod_identity.tokens) == {"first", "second"}


@pytest.mark.parametrize("code", [400, 401, 403, 404, 503])
async def test_a_cloud_that_gives_none_is_told_of_and_may_do_so_later(
    sessions: Worker, pod_identity: Cloud, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(opening, "_RETRIES", 0)
    pod_identity.refuses = code
    await refused_by_cloud(sessions)
    pod_identity.refuses = 0
    assert await sessions.fetch("a.mp4") == b"film"


@pytest.mark.parametrize("missing", ["agent", "token"])
async def test_what_is_missing_of_the_cloud_is_its_trouble(
    sessions: Worker, pod_identity: Cloud, token: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(opening, "_RETRIES", 0)
    if missing == "agent":
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{free_port()}/v1/credentials")
    else:
        await asyncio.to_thread(token.unlink)
    await refused_by_cloud(sessions)
    assert pod_identity.tokens == []


async def refused_by_cloud(worker: Worker) -> None:
    refused = await worker.refusal("a.mp4")
    assert type(refused) is TransientError
    assert refused.message.endswith("object store store gets no credentials from its cloud")


@pytest.mark.parametrize("refuses", [0, 403])
async def test_sts_of_amazon_gives_keys_for_the_token_of_a_service_account(
    worker: Worker, token: Path, monkeypatch: pytest.MonkeyPatch, refuses: int
) -> None:
    """IRSA; it is asked by TLS alone."""

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = {**request.query, **await request.post()}
        assert asked["Action"] == "AssumeRoleWithWebIdentity"
        assert asked["RoleArn"] == "arn:aws:iam::111122223333:role/renders"
        cloud.tokens.append(str(asked["WebIdentityToken"]))
        keys = "<AccessKeyId>given</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
        credentials = f"{keys}<SessionToken>session</SessionToken><Expiration>{cloud.until}</Expiration>"
        name = "AssumeRoleWithWebIdentity"
        text = f"<{name}Result><Credentials>{credentials}</Credentials></{name}Result>"
        return web.Response(text=f"<{name}Response>{text}</{name}Response>", content_type="text/xml")

    monkeypatch.setattr(opening, "_RETRIES", 0)
    store = Sessions("AWS4-HMAC-SHA256 Credential=given/", "session")
    tls = worker.server.folder / "tls"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
    async with serving(Cloud(answer, refuses=refuses), context) as cloud, serving(Cloud(store.take)) as films:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/renders")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url.replace("http:", "https:"))
        itself = identified(worker, endpoint=films.url)
        if refuses:
            await refused_by_cloud(itself)
            return
        assert await itself.fetch("a.mp4") == b"film"
        assert cloud.tokens == ["first"]


@pytest.mark.parametrize("refuses", [0, 403])
async def test_the_metadata_server_of_google_gives_a_token(
    gcs: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: int
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.path == "/computeMetadata/v1/instance/service-accounts/default/token"
        assert request.headers["Metadata-Flavor"] == "Google"
        return web.json_response({"access_token": "of-google", "expires_in": 3600, "token_type": "Bearer"})

    gcs.put("a.mp4", b"film")
    async with serving(Cloud(answer, refuses=refuses)) as cloud, running(MultipartProxy(gcs)) as faulty:
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{cloud.port}")
        itself = identified(Worker(gcs, tmp_path, gcs.access(tmp_path / "objects")), endpoint=faulty.url)
        if refuses:
            await refused_by_cloud(itself)
            return
        assert await itself.fetch("a.mp4") == b"film"
        assert b"authorization: bearer of-google" in faulty.requests[-1].head.lower()


@pytest.mark.parametrize("refuses", [0, 403])
async def test_azure_gives_a_token_for_the_federated_one(
    azure: Server, tmp_path: Path, token: Path, monkeypatch: pytest.MonkeyPatch, refuses: int
) -> None:
    """AKS; azurite knows no such token, so the blob is played, too."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/tenant/oauth2/v2.0/token":
            asked = await request.post()
            assert (asked["client_id"], asked["grant_type"]) == ("client", "client_credentials")
            assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            cloud.tokens.append(str(asked["client_assertion"]))
            return web.json_response({"access_token": "of-azure", "expires_in": 3600, "token_type": "Bearer"})
        assert request.path == f"/devstoreaccount1/{BUCKET}/a.mp4"
        assert request.headers["Authorization"] == "Bearer of-azure"
        when = {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "ETag": '"1"'}
        return web.Response(body=b"film", headers=when)

    async with serving(Cloud(answer, refuses=refuses)) as cloud:
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token))
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", cloud.url)
        monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
        monkeypatch.setenv("AZURE_CLIENT_ID", "client")
        itself = identified(
            Worker(azure, tmp_path, azure.access(tmp_path / "objects")), endpoint=f"{cloud.url}/devstoreaccount1"
        )
        if refuses:
            await refused_by_cloud(itself)
            return
        assert await itself.fetch("a.mp4") == b"film"
        assert cloud.tokens == ["first"]
