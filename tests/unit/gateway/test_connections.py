"""Connections on which nothing is asked, or nothing is taken, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import aiohttp
import pytest
import uvicorn

from videojob_gateway import connections
from videojob_gateway.connections import Connection, listen

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def answer(_scope, _receive, send):
    """Take half a second."""
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def flood(_scope, _receive, send):
    """Send more than a client that reads nothing has room for, and end there."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(32 << 20), "more_body": True})
    raise TimeoutError


@asynccontextmanager
async def serving(app, untaken_s: float = 60) -> AsyncIterator[tuple[uvicorn.Server, tuple[str, int]]]:
    server = uvicorn.Server(
        uvicorn.Config(app, http=Connection, log_config=None, lifespan="off", **connections.SOCKETS)
    )
    server.capture_signals = nullcontext
    with listen("127.0.0.1", 0, untaken_s) as listener:
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield server, listener.getsockname()
        finally:
            server.force_exit = server.should_exit = True
            await task


@pytest.mark.parametrize("sent", [b"", b"GET", GET[:-2]])
async def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch, sent):
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    async with serving(answer) as (_, address), asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1 << 20)
        writer.close()


async def echo(_scope, receive, send):
    """Accept a WebSocket, and say what is said."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (said := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": said["text"]})


async def test_a_websocket_lasts_longer_than_a_head_may_take(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.1)
    async with (
        serving(echo) as (_, (host, port)),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://{host}:{port}/") as socket,
    ):
        for said in ("early", "late"):
            await socket.send_str(said)
            assert await socket.receive_str(timeout=5) == said
            await asyncio.sleep(0.4)


async def test_a_request_takes_the_time_that_it_takes(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.1)
    async with serving(answer) as (_, address), asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(*address)
        for part in (GET[:9], GET[9:]):
            writer.write(part)
            await asyncio.sleep(0.02)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such limit")
async def test_an_answer_that_is_not_taken_ends_with_its_connection():
    async with serving(flood, untaken_s=1) as (server, address), asyncio.timeout(20):
        with socket.create_connection(address) as client:
            client.sendall(GET)
            await asyncio.sleep(0.3)
            assert len(server.server_state.connections) == 1
            while server.server_state.connections:  # noqa: ASYNC110 - it is the kernel that ends it
                await asyncio.sleep(0.1)
