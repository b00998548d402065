"""WebSockets: many VideoJobs by one connection, and messages both ways."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, WebSocket
from starlette.datastructures import Headers
from starlette.websockets import WebSocketDisconnect

from videojob_client.errors import ClientError
from videojob_common.logs import about
from videojob_gateway import live, metrics
from videojob_gateway.auth.access import known_caller
from videojob_gateway.conversations import Conversation
from videojob_gateway.errors import GatewayError
from videojob_gateway.problem_json import of_error

if TYPE_CHECKING:
    from videojob_gateway.gateway import Gateway

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1")

PROTOCOL: Final = "v1.videojob.dev"
"""Subprotocol of these messages."""
TOKEN_PROTOCOL: Final = "base64url.bearer.authorization.videojob.dev."  # noqa: S105 - what comes before a token
"""Begins a subprotocol that is a token: a page can give no header. Kubernetes' API server takes tokens so."""
_AWAY: Final = 1001
_UNSUPPORTED: Final = 1003
_RESTART: Final = 1012
_TOO_SLOW: Final = 1008


@router.websocket("/ws")
async def follow_by_socket(socket: WebSocket) -> None:
    """Tell of whatever the client asks for."""
    await _serve(socket)


@router.websocket("/ws/jobs/{id}")
async def follow_job_by_socket(socket: WebSocket, id: str) -> None:  # noqa: A002 - its name in the path
    """Tell of a VideoJob, and of whatever else the client asks for."""
    await _serve(socket, id)


async def _serve(socket: WebSocket, *named: str) -> None:
    gateway: Gateway = socket.app.state.gateway
    try:
        caller = await known_caller(socket, _with_token(socket))
        gateway.streams.check_room(caller.user)
        conversation = Conversation(gateway, caller)
        await conversation.name(*named)
    except (GatewayError, ClientError) as error:
        await socket.send_denial_response(of_error(error))
        return
    told = conversation.told
    gateway.streams.add(caller.user, told)
    try:
        with about(user=caller.user), gateway.cache.followed(told):
            await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
            hearing = asyncio.create_task(_hear(socket, conversation))
            try:
                await _tell(socket, conversation)
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)
    finally:
        gateway.streams.remove(caller.user, told)


async def _hear(socket: WebSocket, conversation: Conversation) -> None:
    """Hear what the client says until it has gone."""
    try:
        while (said := await socket.receive())["type"] == "websocket.receive":
            if (text := said.get("text")) is None:
                await socket.close(_UNSUPPORTED, "send text")
                break
            await conversation.hear(text)
    finally:
        conversation.told.end()


async def _tell(socket: WebSocket, conversation: Conversation) -> None:
    """Tell the client of all that it wants to know until it has gone, is too slow, or has been here for long."""
    now = asyncio.get_running_loop().time
    end = now() + live.LONGEST_S
    with suppress(WebSocketDisconnect, RuntimeError):  # it has gone, which either says
        try:
            while now() < end:
                for message in await conversation.told.take(min(live.HEARTBEAT_S, end - now())):
                    async with asyncio.timeout(live.SLOW_S):
                        await socket.send_text(message.decode())
                if conversation.told.ended:
                    await socket.close(_RESTART, "come again, to another replica")
                    return
            await socket.close(_AWAY, "come again, and say who you are")
        except TimeoutError:
            metrics.stream_dropped()
            log.info("a live stream was dropped: its client is too slow")
            await socket.close(_TOO_SLOW, "too slow")


def _with_token(socket: WebSocket) -> Headers:
    """Return the headers, with the token of a subprotocol where no header has one."""
    headers = socket.headers
    given = [each for each in socket.scope["subprotocols"] if each.startswith(TOKEN_PROTOCOL)]
    if "authorization" in headers or len(given) != 1:
        return headers
    encoded = given[0].removeprefix(TOKEN_PROTOCOL)
    try:
        token = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return headers
    return Headers(raw=[*headers.raw, (b"authorization", b"Bearer " + token)])
