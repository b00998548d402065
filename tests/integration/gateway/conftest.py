"""A gateway of a real API server, served over real HTTP, in a namespace of the test's own."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import Headers

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster, client, cluster, configuration
from tests.pauses import pause_s
from videojob_client import Client
from videojob_contract.api_paths import RENDERPOOLS
from videojob_contract.resources import API_VERSION
from videojob_gateway.app import create_app
from videojob_gateway.auth.authentication import nobody_is_asked
from videojob_gateway.auth.caller import Caller as Who
from videojob_gateway.config import Settings
from videojob_gateway.connections import SOCKETS, Connection
from videojob_gateway.gateway import Gateway

__all__ = ["client", "cluster", "configuration"]

SPEC: dict[str, Any] = {"clips": [{"color": "#204060", "duration": "1s"}]}


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.text)


class Caller:
    """Sends requests to one gateway."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def __call__(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request and return the answer; a path without a slash is below the API's."""
        url = self.url + (path if path.startswith("/") else f"/api/v1/{path}")
        async with self.session.request(method, url, **options) as response:
            return Answer(response.status, response.headers, await response.text())

    async def submit(self, name: str, **spec: Any) -> dict[str, Any]:
        """Have a VideoJob made, which must be accepted."""
        answer = await self("POST", "jobs", json={"name": name, "spec": SPEC | spec})
        assert answer.status == 202, answer.text
        return dict(answer.json)

    async def listed(self, query: str = "") -> list[str]:
        """Return the names of a list."""
        answer = await self("GET", f"jobs?{query}")
        assert answer.status == 200, answer.text
        return [job["name"] for job in answer.json["items"]]


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[Caller]:
    """Serve an application on a port of its own."""
    server = uvicorn.Server(
        uvicorn.Config(app, http=Connection, log_config=None, timeout_graceful_shutdown=1, **SOCKETS)
    )
    server.capture_signals = _none  # type: ignore[method-assign]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve([listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with aiohttp.ClientSession() as session:
                call = Caller(session, url)
                await eventually(lambda: _ready(call, task))
                yield call
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def gateway_of(
    apiserver: ApiServer,
    cluster: Cluster,
    *,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    authenticate: Callable[[Headers, str], Awaitable[Who]] = nobody_is_asked,
) -> AsyncIterator[Caller]:
    """Serve the VideoJobs of the test's namespace."""
    async with (
        Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client,
        serving(create_app(Gateway(settings, client), authenticate)) as call,
    ):
        yield call


async def create_pool(cluster: Cluster) -> None:
    """Create the RenderPool `default`, which has a volume for outputs."""
    body = {
        "apiVersion": API_VERSION,
        "kind": "RenderPool",
        "metadata": {"name": "default"},
        "spec": {
            "volumes": [{"name": "media", "source": {"emptyDir": {}}}],
            "storage": {"outputPrefix": "volume://media/out"},
        },
    }
    assert await cluster.kubernetes.create(RENDERPOOLS, cluster.namespace, body)


async def eventually(holds: Callable[[], Awaitable[Any]], timeout_s: float = 10.0) -> Any:
    """Wait until something holds, and return it."""
    since = time.monotonic()
    async with asyncio.timeout(timeout_s):
        while not (found := await holds()):  # noqa: ASYNC110 - what is waited for happens in a server
            await asyncio.sleep(pause_s(since))
        return found


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Caller]:
    """A gateway where nobody is asked who they are, and a pool `default`."""
    await create_pool(cluster)
    async with gateway_of(apiserver, cluster) as call:
        yield call


async def _ready(call: Caller, task: "asyncio.Task[None]") -> bool:
    if task.done():
        task.result()
    try:
        return (await call("GET", "/readyz")).status == 200
    except aiohttp.ClientConnectionError:
        return False


class _none:  # noqa: N801 - in the place of a method
    """Signals are pytest's."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass
