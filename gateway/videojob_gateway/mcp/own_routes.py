"""Calls of the gateway's own routes from within: by whatever protocol somebody asks, a route answers the same."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import Message as AsgiMessage

    from videojob_gateway.mcp.tools import Call

log = logging.getLogger(__name__)

_KEPT: Final = frozenset({b"authorization", b"host", b"origin", b"sec-fetch-site"})
"""Headers by which it is known who asks, and from where."""
_MOST_WAITING: Final = 16
"""Parts of an answer that wait to be taken."""


@dataclass(slots=True)
class Reply:
    """What a route answers."""

    status: int = 500
    """Until it answers: that is what it is if it never does."""
    media_type: str = ""
    parts: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING))
    """The body, as it comes; None is its end."""

    async def body(self) -> bytes:
        """Return all of it."""
        whole = bytearray()
        while (part := await self.parts.get()) is not None:
            whole += part
        return bytes(whole)


@asynccontextmanager
async def replied(request: Request, call: Call) -> AsyncIterator[Reply]:
    """Call a route for whoever sent a request, and let go of it at the end."""
    reply, started, never = Reply(), asyncio.Event(), asyncio.Event()
    asked = [{"type": "http.request", "body": call.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await never.wait()  # whoever asks goes by ending this task
        return {"type": "http.disconnect"}

    async def send(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.media_type = dict(message["headers"]).get(b"content-type", b"").decode("latin-1").partition(";")[0]
            started.set()
            return
        if part := message.get("body", b""):
            await reply.parts.put(part)
        if not message.get("more_body", False):
            await reply.parts.put(None)

    async def serve() -> None:
        try:
            await _serve(request, call, receive, send)
        except Exception:
            log.exception("%s %s failed", call.method, call.path)
            await reply.parts.put(None)

    task = asyncio.create_task(serve(), name="call of a route")
    waiting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        yield reply
    finally:
        task.cancel()
        waiting.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)


async def _serve(request: Request, call: Call, receive: Any, send: Any) -> None:
    headers = [(name, value) for name, value in request.headers.raw if name in _KEPT]
    headers += [(name.encode(), value.encode()) for name, value in call.headers]
    if call.body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(call.body)).encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": call.method,
        "scheme": request.scope.get("scheme", "http"),
        "path": unquote(call.path),
        "raw_path": call.path.encode(),
        "query_string": call.query.encode(),
        "root_path": "",
        "headers": headers,
        "client": request.scope.get("client"),
        "server": request.scope.get("server"),
    }
    await request.app(scope, receive, send)
