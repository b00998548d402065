"""What is done with every request: it has an id, a line in the log and metrics, and its answer is safe to look at."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

from videojob_common.logs import about
from videojob_gateway import metrics
from videojob_gateway.rate_limits import STANDINGS, headers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""Of every answer that does not say otherwise: names and messages in it come from anyone."""
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for every few seconds: no news."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """An application whose requests are counted and logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or whatever else it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        begin = time.monotonic()
        status = 500
        streams = False

        async def send_on(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = _complete(message, request_id, headers_of(scope.get(STANDINGS, ())))
            await send(message)

        with about(request=request_id):
            try:
                await self._app(scope, receive, send_on)
            finally:
                seconds = time.monotonic() - begin
                method = scope["method"] if scope["method"] in _METHODS else "other"
                route = getattr(scope.get("route"), "path", "none")
                metrics.request_answered(method, route, status, None if streams else seconds)
                level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
                log.log(level, "%s %s %d in %.0f ms", method, route, status, seconds * 1000)


def _complete(message: MutableMapping[str, Any], request_id: str, further: Mapping[str, str]) -> bool:
    """Give an answer the headers that it lacks; return whether it is a stream without an end."""
    headers = dict(message["headers"])
    message["headers"] = [
        *message["headers"],
        (b"x-request-id", request_id.encode()),
        *((name.lower().encode(), value.encode()) for name, value in further.items()),
        *(header for header in HEADERS if header[0] not in headers),
    ]
    media_type: bytes = headers.get(b"content-type", b"")
    return media_type.startswith(b"text/event-stream")
