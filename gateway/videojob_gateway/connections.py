"""Connections of clients: closed when nothing is asked on them, or nothing of an answer is taken, for too long.

Whoever is to be asked who they are has not said so yet: no connection may cost a descriptor for ever.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    import h11
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

HEAD_S: Final = 20.0
"""How long the first line and the headers of a request may take."""
UNTAKEN_S: Final = 60
"""How long a client may take nothing of what it was sent; then the kernel ends the connection (TCP_USER_TIMEOUT)."""

LONGEST_MESSAGE: Final = 64 * 1024
"""Of a WebSocket's client, in bytes."""
SOCKETS: Final[dict[str, Any]] = {
    "ws": "websockets-sansio",
    "ws_max_size": LONGEST_MESSAGE,
    "ws_per_message_deflate": False,  # a little that unpacks to much, and buffers for each client
}
"""What uvicorn is told of WebSockets. It sees by pings, every 20 s, whether their clients are there."""


class Connection(H11Protocol):
    """HTTP/1.1 as uvicorn has it, with an end to waiting for a request: uvicorn waits between two of them alone."""

    _waiting: asyncio.TimerHandle | None = None
    _is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on, if that is not a whole head."""
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request
        if not self._is_upgraded and (cycle is None or cycle.response_complete):
            self._wait()
        else:
            self._stop()

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
