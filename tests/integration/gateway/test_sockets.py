"""WebSockets over real HTTP, fed by a real API server."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, create_pool, gateway_of
from videojob_gateway.auth.caller import Caller as Who
from videojob_gateway.auth.caller import Role
from videojob_gateway.connections import LONGEST_MESSAGE
from videojob_gateway.errors import UnauthenticatedError
from videojob_gateway.routes.sockets import PROTOCOL, TOKEN_PROTOCOL

Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def opened(call: Caller, path: str = "ws", **options: Any) -> AsyncIterator[Socket]:
    async with call.session.ws_connect(f"{call.url}/api/v1/{path}", **options) as socket:
        yield socket


async def heard(socket: Socket) -> tuple[str, Any]:
    told = await socket.receive_json(timeout=10)
    assert told.keys() == {"type", "version", "data"}
    return told["type"], told["data"]


async def test_a_videojob_is_followed_and_others_are_added(call: Caller, cluster: Cluster) -> None:
    job = await call.submit("holiday")
    await call.submit("birthday")
    async with opened(call, "ws/jobs/holiday") as socket:
        kind, shown = await heard(socket)
        assert (kind, shown["id"], shown["status"]["phase"]) == ("job", job["id"], "Pending")
        await cluster.status("holiday", phase="Running", progress=42)
        kind, shown = await heard(socket)
        assert (kind, shown["status"]["progress"]) == ("job", 42)
        await socket.send_json({"type": "subscribe", "jobs": ["birthday"]})
        assert (await heard(socket))[1]["name"] == "birthday"
        await socket.send_json({"type": "unsubscribe", "jobs": ["holiday"]})
        await socket.send_json({"type": "ping"})
        assert await heard(socket) == ("pong", {})
        await cluster.status("holiday", phase="Running", progress=50)
        await cluster.status("birthday", phase="Running", progress=3)
        assert (await heard(socket))[1]["name"] == "birthday"
        await socket.send_json({"type": "refresh"})
        assert (await heard(socket))[1]["status"]["progress"] == 3
        await call("DELETE", "jobs/birthday?purge=true")
        assert (await heard(socket))[0] == "deleted"


async def test_a_project_is_followed_and_resumed_without_a_gap(call: Caller) -> None:
    async with opened(call) as socket:
        await socket.send_json({"type": "subscribe", "project": "summer"})
        told = await socket.receive_json(timeout=10)
        assert told["type"] == "ready"
        await call.submit("winter", project="winter")
        await call.submit("one", project="summer")
        told = await socket.receive_json(timeout=10)
        assert told["data"]["name"] == "one"
    await call.submit("two", project="summer")
    await call("DELETE", "jobs/one?purge=true")
    async with opened(call) as socket:
        await socket.send_json({"type": "subscribe", "project": "summer", "since": told["version"]})
        found = {data["name"]: kind for kind, data in [await heard(socket), await heard(socket)]}
    assert found == {"two": "job", "one": "deleted"}


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("nonsense", "Invalid JSON"),
        ('{"type":"fly"}', "does not match any of the expected tags"),
        ('{"type":"subscribe","jobs":["../secrets"],"colour":1}', "colour"),
        ('{"type":"subscribe","since":-1}', "since"),
        ('{"type":"subscribe","jobs":["none"]}', "none"),
        ('{"type":"subscribe","jobs":["../../secrets"]}', ""),
        ("[" * 10_000, ""),
    ],
)
async def test_what_is_wrong_is_answered_and_the_rest_goes_on(call: Caller, said: str, detail: str) -> None:
    async with opened(call) as socket:
        await socket.send_str(said)
        kind, problem = await heard(socket)
        assert kind == "error"
        assert detail in problem["detail"]
        await socket.send_json({"type": "ping"})
        assert await heard(socket) == ("pong", {})


async def test_bytes_and_long_messages_end_it(call: Caller) -> None:
    for send in (lambda s: s.send_bytes(b"x"), lambda s: s.send_str("x" * (LONGEST_MESSAGE + 1))):
        async with opened(call) as socket:
            await send(socket)
            assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE


@pytest.fixture
async def guarded(apiserver: ApiServer, cluster: Cluster) -> AsyncIterator[Caller]:
    """A gateway that knows ana and ben by tokens of these names."""

    async def authenticate(headers: Any, _: str = "") -> Who:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in {"ana", "ben"}:
            raise UnauthenticatedError("nobody is known by this token")
        return Who(user=token, role=Role.SUBMITTER)

    await create_pool(cluster)
    async with gateway_of(apiserver, cluster, authenticate=authenticate) as call:
        yield call


def as_protocol(token: str) -> list[str]:
    return [PROTOCOL, TOKEN_PROTOCOL + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")]


async def test_a_token_comes_by_a_header_or_a_subprotocol_and_shows_its_own_alone(guarded: Caller) -> None:
    ana = {"Authorization": "Bearer ana"}
    made = await guarded(
        "POST",
        "jobs",
        json={"name": "hers", "spec": {"clips": [{"color": "#204060", "duration": "1s"}]}},
        headers=ana,
    )
    assert made.status == 202, made.text
    async with opened(guarded, "ws/jobs/hers", headers=ana) as socket:
        assert (await heard(socket))[1]["name"] == "hers"
    async with opened(guarded, "ws/jobs/hers", protocols=as_protocol("ana")) as socket:
        assert socket.protocol == PROTOCOL
        assert (await heard(socket))[1]["name"] == "hers"
    async with opened(guarded, protocols=as_protocol("ben")) as socket:
        await socket.send_json({"type": "subscribe", "jobs": ["hers"]})
        kind, problem = await heard(socket)
        assert (kind, problem["status"]) == ("error", 404)
        await socket.send_json({"type": "subscribe", "since": 0})
        assert (await heard(socket))[0] in {"ready", "reset"}
    for protocols, status in (([PROTOCOL], 401), (as_protocol("eve"), 401), (["!", PROTOCOL], 401)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with opened(guarded, protocols=protocols):
                pass
        assert refused.value.status == status
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with opened(guarded, "ws/jobs/hers", protocols=as_protocol("ben")):
            pass
    assert refused.value.status == 404


async def test_a_page_of_another_site_is_refused_where_nobody_is_asked(call: Caller) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with opened(call, origin="https://elsewhere.example"):
            pass
    assert refused.value.status == 403
