"""What asks the gateway at the least cost: followers of live streams, and whoever sends or takes a file."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MARK = re.compile(
    rb'"message":"mark-(\d+)"|"phase":"(Succeeded)"|event: progress\nid: \d+\ndata: .*?"message":"(at [\d.]+)"'
)
_BEGUN = re.compile(rb"\nevent: (?:ready|job)\n")
_PIECE_BYTES = 1 << 20
_OPENED_AT_ONCE = 64


class Followers:
    """Clients of live streams, by server-sent events: when each was told of what."""

    def __init__(self, address: tuple[str, int], key: str) -> None:
        self._address, self._key = address, key
        self.told: defaultdict[str, list[float]] = defaultdict(list)
        """When followers were told of a mark, of a worker's word, or that it has succeeded, by `time.monotonic()`."""
        self.lost = 0
        """Streams that ended."""
        self._open: list[_Follower] = []

    async def open(self, paths: list[str]) -> None:
        """Open a stream for each path below the API, and wait until all have begun."""
        waiting = iter(paths)

        async def line() -> None:
            for path in waiting:
                await self._open_one(path)

        await asyncio.gather(*(line() for _ in range(_OPENED_AT_ONCE)))

    async def close(self) -> None:
        """Close all of them."""
        for follower in self._open:
            follower.leave()
        for follower in self._open:
            await follower.gone.wait()
        self._open.clear()
        self.told.clear()

    async def _open_one(self, path: str) -> None:
        request = f"GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n\r\n"
        loop = asyncio.get_running_loop()
        _, follower = await loop.create_connection(lambda: _Follower(self, request.encode()), *self._address)
        self._open.append(follower)
        await follower.begun.wait()


class _Follower(asyncio.Protocol):
    def __init__(self, all_of_them: Followers, request: bytes) -> None:
        self._all, self._request = all_of_them, request
        self._leaves = False
        self.begun, self.gone = asyncio.Event(), asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        for found in _MARK.findall(data):
            self._all.told[b"".join(found).decode()].append(now)
        if not self.begun.is_set() and _BEGUN.search(data):
            self.begun.set()

    def connection_lost(self, _: Exception | None) -> None:
        self._all.lost += not self._leaves
        self.begun.set()
        self.gone.set()

    def leave(self) -> None:
        self._leaves = True
        self._transport.abort()


def send_file(address: tuple[str, int], request: str, file: Path, headers: str = "") -> float:
    """Send a file as a body, and return the seconds until it is answered with success; raises `RuntimeError`."""
    began = time.monotonic()
    with socket.create_connection(address) as connection, file.open("rb") as body:
        length = file.stat().st_size
        head = f"{request} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        connection.sendfile(body)
        _check(connection.recv(_PIECE_BYTES), {b"201", b"204"})
    return time.monotonic() - began


def take_file(address: tuple[str, int], path: str, size: int, headers: str = "") -> float:
    """Take a file of so many bytes, and return the seconds that it took; raises `RuntimeError`."""
    began = time.monotonic()
    with socket.create_connection(address) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        buffer = memoryview(bytearray(_PIECE_BYTES))
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        _check(head, {b"200"})
        left = size - len(head.partition(b"\r\n\r\n")[2])
        while left:
            count = connection.recv_into(buffer)
            if not count:
                raise RuntimeError(f"{left} bytes did not come")
            left -= count
    return time.monotonic() - began


def _check(answer: bytes, codes: set[bytes]) -> None:
    if answer[9:12] not in codes:
        raise RuntimeError(answer[:1000].decode(errors="replace"))
