"""Connections of clients: closed when nothing is asked on them, or nothing of an answer is taken, for too long.

Whoever is to be asked who they are has not said so yet: no connection may cost a descriptor for ever.

What is long goes past h11 (`direct_transfer`): files by the message of ASGI's extension *Zero Copy Send*, bodies by
what `TAKE_BODY` of a scope's extensions gives.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

import h11
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

from videojob_gateway.direct_transfer import own_socket, receive_exactly, send_part

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator

    from starlette.types import Message, Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

HEAD_S: Final = 20.0
"""How long the first line and the headers of a request may take."""
UNTAKEN_S: Final = 60
"""How long a client may take nothing of what it was sent; then the kernel ends the connection (TCP_USER_TIMEOUT)."""

SLOW_SEND_S: Final = 30.0
"""How long a client may take nothing of a file; then it is dropped."""
ZERO_COPY: Final = "http.response.zerocopysend"
"""Message of ASGI with a part of an open file: `file`, `offset` and `count`."""
TAKE_BODY: Final = "videojob.take_body"
"""Extension that gives the body of a request in pieces, each there until the next is asked for."""

LONGEST_MESSAGE: Final = 64 * 1024
"""Of a WebSocket's client, in bytes."""
SOCKETS: Final[dict[str, Any]] = {
    "ws": "websockets-sansio",
    "ws_max_size": LONGEST_MESSAGE,
    "ws_per_message_deflate": False,  # a little that unpacks to much, and buffers for each client
}
"""What uvicorn is told of WebSockets. It sees by pings, every 20 s, whether their clients are there."""


class _Elsewhere:
    """So many bytes that h11 is to count, and not to see."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size


class Connection(H11Protocol):
    """HTTP/1.1 as uvicorn has it, with an end to waiting for a request: uvicorn waits between two of them alone."""

    _waiting: asyncio.TimerHandle | None = None
    _is_upgraded = False
    _is_taken = False
    """Whether the body of the request goes past h11, which then does not know when the next request begins."""
    _left = 0
    """How much of that body has not come."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._served = self.app
        self.app = self._serve

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on, if that is not a whole head; nobody wants what is left of a body that was given up."""
        unwanted = min(self._left, len(data))
        self._left -= unwanted
        if unwanted < len(data):
            super().data_received(data[unwanted:])
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request
        if not self._is_upgraded and (cycle is None or cycle.response_complete):
            self._wait()
        else:
            self._stop()

    def on_response_complete(self) -> None:
        """Begin anew where h11 has not seen the end of the request."""
        if self._is_taken:
            limit = self.config.h11_max_incomplete_event_size
            self.conn = h11.Connection(h11.SERVER, **({} if limit is None else {"max_incomplete_event_size": limit}))
            self._is_taken = False
        super().on_response_complete()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, with what goes past h11."""

        async def send_on(message: Message) -> None:
            if message["type"] == ZERO_COPY:
                await self._send_file(message["file"], message["offset"], message["count"])
            else:
                await send(message)

        scope["extensions"] = {ZERO_COPY: {}, TAKE_BODY: lambda: self._take_body(receive)}
        await self._served(scope, receive, send_on)

    async def _send_file(self, file: int, offset: int, count: int) -> None:
        """Send a part of a file; raises as `send_part`."""
        if self.transport.is_closing():
            raise ConnectionResetError("its client has gone")
        self.transport.set_write_buffer_limits(high=0)  # what was said before goes first
        await self.flow.drain()
        with own_socket(self.transport) as connection:
            await send_part(connection, file, offset, offset + count, SLOW_SEND_S)
        if not self.transport.is_closing():  # a client that has all may be gone before it is counted
            self.transport.set_write_buffer_limits()
            self.cycle.conn.send_with_data_passthrough(h11.Data(data=_Elsewhere(count)))  # type: ignore[arg-type]

    async def _take_body(self, receive: Receive) -> AsyncGenerator[bytes | memoryview, None]:
        """Yield the body, what comes first and whatever has no length by ASGI's messages; raises `ClientDisconnect`."""
        cycle, headers = self.cycle, dict(self.headers)
        length = -1 if b"transfer-encoding" in headers else int(headers.get(b"content-length", b"0"))
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            length -= len(message["body"])
            yield message["body"]
            if not message["more_body"]:
                return
            if length > 0:
                break
        self.flow.pause_reading()
        came, cycle.body = cycle.body, bytearray()
        self._left = length - len(came)
        self._is_taken = cycle.more_body
        yield memoryview(came)
        if cycle.more_body:
            try:
                with own_socket(self.transport) as connection:
                    async for piece in receive_exactly(connection, self._left, self._took):
                        yield piece
            except OSError as error:
                raise ClientDisconnect from error

    def _took(self, size: int) -> None:
        self._left -= size

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to a WebSocket, which sees by itself whether its client is there."""
        self._is_upgraded = True
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def listen(host: str, port: int, untaken_s: float = UNTAKEN_S) -> socket.socket:
    """Return a socket that listens; raises OSError."""
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Of Linux, and inherited by the connections.
    option: Any = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        listener.setsockopt(socket.IPPROTO_TCP, option, int(untaken_s * 1000))
    return listener
