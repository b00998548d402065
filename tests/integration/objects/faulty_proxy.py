"""A proxy before a server, that answers some requests in its place or harms what the server answers.

Requests pass as they are, so signatures hold: they name the host that the client asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from tests.integration.objects.servers import Server


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    head: bytes
    body: bytes


@dataclass
class Fault:
    """What happens to the next `times` requests whose first line matches."""

    pattern: str
    happen: Callable[[bytes, asyncio.StreamWriter], Coroutine[None, None, None]]
    """Gets the server's answer, and where to write what the client gets."""
    times: int = 1_000_000
    asks: bool = True
    """Whether the server is asked at all."""

    def takes(self, request: Request) -> bool:
        if self.times < 1 or not re.search(self.pattern, f"{request.method} {request.target}"):
            return False
        self.times -= 1
        return True


@dataclass
class FaultyProxy:
    server: Server
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def asked(self, pattern: str) -> None:
        """Wait for a request whose first line matches."""
        while not any(re.search(pattern, f"{request.method} {request.target}") for request in self.requests):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._pass(reader, writer):
                pass
        finally:
            await _close(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Pass one request on; tell whether the connection stands."""
        request = await _read_request(reader, writer)
        self.requests.append(request)
        fault = next((fault for fault in self.faults if fault.takes(request)), None)
        answer = b"" if fault is not None and not fault.asks else await self._ask(request)
        if fault is not None:
            await fault.happen(answer, writer)
            return False
        writer.write(answer)
        await writer.drain()
        return True

    async def _ask(self, request: Request) -> bytes:
        tls = ssl.create_default_context(cadata=self.server.authority) if self.server.authority else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, ssl=tls)
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            return head + await _read_body(request.method, head, reader)
        finally:
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split()
    if re.search(rb"(?i)expect: *100", head):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(method, target, head, await reader.readexactly(_length(head)))


async def _read_body(method: str, head: bytes, reader: asyncio.StreamReader) -> bytes:
    status = int(head.split(b" ", 2)[1])
    if method == "HEAD" or status in {204, 304}:
        return b""
    if re.search(rb"(?i)transfer-encoding: *chunked", head):
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
            size = int(body.rsplit(b"\r\n", 2)[-2], 16)
            body += await reader.readexactly(size + 2)
        return body
    return await reader.readexactly(_length(head))


def _length(head: bytes) -> int:
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found[1]) if found else 0


@asynccontextmanager
async def proxy(server: Server) -> AsyncIterator[FaultyProxy]:
    """Run a proxy without TLS before a server."""
    faulty = FaultyProxy(server)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await faulty.serve(reader, writer)
        connections.discard(task)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24)
    faulty.port = listening.sockets[0].getsockname()[1]
    try:
        yield faulty
    finally:
        listening.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections)
        await listening.wait_closed()


def answering(status: str, code: str) -> Callable[[bytes, asyncio.StreamWriter], Coroutine[None, None, None]]:
    """Answer with an error of S3."""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>said to a test</Message></Error>'.encode()

    async def happen(_answer: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    return happen


async def reset(_answer: bytes, writer: asyncio.StreamWriter) -> None:
    """Break the connection off without an answer."""
    writer.transport.abort()


async def break_off(answer: bytes, writer: asyncio.StreamWriter) -> None:
    """Break it off in the middle of the answer."""
    writer.write(answer[: max(len(answer) // 2, answer.index(b"\r\n\r\n") + 5)])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()


async def truncate(answer: bytes, writer: asyncio.StreamWriter) -> None:
    """Close it in order, in the middle of the body."""
    writer.write(answer[: max(len(answer) // 2, answer.index(b"\r\n\r\n") + 5)])
    await writer.drain()


async def fall_silent(answer: bytes, writer: asyncio.StreamWriter) -> None:
    """Say half of it, and then nothing more."""
    writer.write(answer[: len(answer) // 2])
    await writer.drain()
    await asyncio.sleep(60)
