"""A proxy before a server, that answers some requests in its place or harms what the server answers.

Requests pass as they are, so signatures hold: they name the host that the client asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs

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
        answer = b"" if fault is not None and not fault.asks else await self.ask(request)
        if fault is not None:
            await fault.happen(answer, writer)
            return False
        writer.write(answer)
        await writer.drain()
        return True

    async def ask(self, request: Request) -> bytes:
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


@dataclass
class MultipartProxy(FaultyProxy):
    """Keeps the parts of uploads, and gives the server the whole: fake-gcs-server has no uploads in parts."""

    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Parts by number, of each upload that is neither completed nor aborted."""
    heads: dict[str, bytes] = field(default_factory=dict)
    """What each was begun with."""

    async def ask(self, request: Request) -> bytes:
        host = b"\r\nhost: 127.0.0.1:%d" % self.server.port  # the one by which the server knows itself
        request = replace(request, head=re.sub(rb"(?i)\r\nhost:[^\r]*", host, request.head))
        path, _, query = request.target.partition("?")
        asked = parse_qs(query, keep_blank_values=True)
        if request.method == "POST" and "uploads" in asked:
            name = f"upload{len(self.requests)}"
            self.uploads[name] = {}
            self.heads[name] = request.head
            return _answer(
                f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
            )
        if "uploadId" not in asked:
            answer = await super().ask(_as_if_signed(request))
            # What is put by signed URLs is answered without a tag.
            return answer.replace(b"\r\n", b'\r\nETag: "put"\r\n', 1) if request.method == "PUT" else answer
        name = asked["uploadId"][0]
        if request.method == "PUT":
            self.uploads[name][int(asked["partNumber"][0])] = request.body
            return _answer("", f'ETag: "{len(request.body)}"\r\n')
        parts = self.uploads.pop(name, {})
        if request.method == "DELETE":
            return _answer("")
        content = b"".join(parts[number] for number in sorted(parts))
        head = re.sub(rb"(?i)\r\n(content-length|transfer-encoding):[^\r]*", b"", self.heads.pop(name))
        lines = head.split(b"\r\n", 1)[1].removesuffix(b"\r\n\r\n")
        start = b"PUT %s HTTP/1.1\r\n%s\r\nContent-Length: %d\r\n\r\n" % (path.encode(), lines, len(content))
        answer = await super().ask(_as_if_signed(Request("PUT", path, start, content)))
        if not answer.startswith(b"HTTP/1.1 200"):
            return answer
        return _answer('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')


def _as_if_signed(request: Request) -> Request:
    """Have fake-gcs-server take what is put by the XML API, which it does by signed URLs alone, unlooked at."""
    if request.method != "PUT":
        return request
    target = f"{request.target}?X-Goog-Algorithm=GOOG4-RSA-SHA256"
    return replace(request, target=target, head=request.head.replace(request.target.encode(), target.encode(), 1))


def _answer(body: str, head: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


Proxy = TypeVar("Proxy", bound=FaultyProxy)


@asynccontextmanager
async def running(faulty: Proxy) -> AsyncIterator[Proxy]:
    """Run a proxy, without TLS."""
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
