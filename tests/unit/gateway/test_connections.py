"""Connections on which nothing is asked, or nothing is taken, over real sockets."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, nullcontext

import aiohttp
import pytest
import uvicorn
from starlette.requests import ClientDisconnect

from videojob_gateway import connections
from videojob_gateway.connections import TAKE_BODY, ZERO_COPY, Connection, listen

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


FILE = bytes(range(251)) * 100_000


def with_(app, **named):
    """Return an application that is told more."""

    async def serve(scope, receive, send):
        await app(scope, receive, send, **named)

    return serve


async def send_file(scope, _receive, send, *, path):
    """Send a part of a file, and what is asked for besides."""
    begin, end = (int(each) for each in scope["query_string"].split(b"-"))
    headers = [(b"content-length", b"%d" % (end - begin))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    with path.open("rb") as file:
        message = {"type": ZERO_COPY, "file": file.fileno(), "offset": begin, "count": end - begin}
        await send(message)
    await send({"type": "http.response.body", "body": b""})


async def keep_body(scope, _receive, send, *, kept, most=1 << 40):
    """Keep a body, or so much of it, and say how much that is."""
    took = bytearray()
    async with aclosing(scope["extensions"][TAKE_BODY]()) as body:
        async for piece in body:
            took += piece
            if len(took) >= most:
                break
    kept.append(bytes(took))
    said = b"%d" % len(took)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file").write_bytes(FILE)
    return tmp_path / "file"


async def test_parts_of_a_file_are_sent_one_after_another_on_one_connection(path):
    async with serving(with_(send_file, path=path)) as (_, address), aiohttp.ClientSession() as session:
        peers = set()
        for begin, end in ((0, len(FILE)), (5, 6), (1_000_000, 9_000_000), (7, 7)):
            async with session.get(f"http://{address[0]}:{address[1]}/?{begin}-{end}") as answer:
                peers.add(answer.connection and answer.connection.transport.get_extra_info("sockname"))
                assert await answer.read() == FILE[begin:end]
        assert len(peers - {None}) == 1


async def test_a_file_that_is_cut_short_ends_its_connection(path):
    async with serving(with_(send_file, path=path)) as (_, address), aiohttp.ClientSession() as session:
        path.write_bytes(FILE[:1000])
        with pytest.raises(aiohttp.ClientPayloadError):
            async with session.get(f"http://{address[0]}:{address[1]}/?0-2000") as answer:
                await answer.read()


async def test_a_client_that_takes_nothing_of_a_file_is_dropped(path, monkeypatch):
    monkeypatch.setattr(connections, "SLOW_SEND_S", 0.2)
    with path.open("r+b") as file:
        file.truncate(64 << 20)
    async with serving(with_(send_file, path=path)) as (server, address), asyncio.timeout(20):
        with socket.create_connection(address) as client:
            client.sendall(b"GET /?0-%d HTTP/1.1\r\nHost: a\r\n\r\n" % (64 << 20))
            while not server.server_state.connections:  # noqa: ASYNC110 - a server's doing
                await asyncio.sleep(0.01)
            while server.server_state.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("size", [0, 1, 70_000, len(FILE)])
@pytest.mark.parametrize("has_length", [True, False])
async def test_a_body_comes_as_it_was_sent_and_requests_follow_it(size, has_length):
    kept = []
    async with serving(with_(keep_body, kept=kept)) as (_, address), aiohttp.ClientSession() as session:
        for _ in range(3):
            data = io.BytesIO(FILE[:size]) if has_length else parts_of(FILE[:size])
            async with session.post(f"http://{address[0]}:{address[1]}/", data=data) as answer:
                assert await answer.text() == str(size)
    assert kept == [FILE[:size]] * 3


async def parts_of(content):
    for at in range(0, len(content), 100_000):
        yield content[at : at + 100_000]


@pytest.mark.parametrize("most", [1 << 40, 1_000_000])
async def test_what_is_left_of_a_body_is_no_request(most):
    kept = []
    async with serving(with_(keep_body, kept=kept, most=most)) as (_, address), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*address)
        post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(FILE)
        writer.write(post + FILE + post + FILE)  # the second before the first is answered
        for _ in range(2):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(str(len(kept[-1]))))
        writer.close()
    assert len(kept) == 2
    assert all(body == FILE[: len(body)] and len(body) >= min(most, len(FILE)) for body in kept)


async def test_a_body_that_waits_for_its_welcome_is_welcomed():
    kept = []
    async with serving(with_(keep_body, kept=kept)) as (_, address), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*address)
        head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(FILE)
        writer.write(head)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(FILE)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert kept == [FILE]


async def test_a_client_that_goes_amid_its_body_is_noticed():
    gone = asyncio.Event()

    async def notice(scope, receive, send):
        try:
            await keep_body(scope, receive, send, kept=[])
        except ClientDisconnect:
            gone.set()

    async with serving(notice) as (_, address), asyncio.timeout(20):
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (2 * len(FILE)) + FILE)
        await writer.drain()
        writer.close()
        await gone.wait()
