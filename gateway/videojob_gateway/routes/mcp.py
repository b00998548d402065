"""The Model Context Protocol at `/mcp`: an assistant has videos rendered as its user may, by the same routes."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from videojob_contract.resources.status import Phase
from videojob_gateway import guide
from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.documents import read_object
from videojob_gateway.gateway import Served  # noqa: TC001 - the same
from videojob_gateway.mcp import messages
from videojob_gateway.mcp.messages import INVALID_PARAMS, METHOD_NOT_FOUND, RpcError, RpcMessage, text, tool_result
from videojob_gateway.mcp.own_routes import Reply, replied
from videojob_gateway.mcp.tools import DESCRIBE, WAIT, Call, call_of, described, listed_tools, wait_of
from videojob_gateway.routes.answers import as_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

router = APIRouter(include_in_schema=False)  # OpenAPI has no words for it

INSTRUCTIONS: Final = (
    "Renders videos from a timeline of pictures, videos, titles and sound. Write a spec (describe_spec says what its "
    f"fields may have, the resource {guide.URI} how they work together) or take a template of list_templates; look at "
    "it with preview_video or plan_video; then submit_video and wait_for_video."
)
_RESOURCE: Final = {"uri": guide.URI, "name": "guide", "title": guide.TITLE, "mimeType": "text/markdown"}
_PING_S: Final = 15.0
_OK: Final = 200


@router.post("/mcp")
async def mcp(request: Request, gateway: Served, _: Viewer) -> Response:
    """Take one message; what a tool does, it does as the caller."""
    document = await read_object(request, gateway.settings.max_body_bytes)
    is_modern = request.headers.get("mcp-protocol-version") in messages.MODERN_VERSIONS
    if "method" not in document and document.keys() & {"result", "error"}:
        return Response(status_code=202)  # an answer to what was never asked
    try:
        message = messages.read_message(document, request.headers)
        if message.id is None:
            return Response(status_code=202)
        if message.method == "tools/call" and message.params.get("name") == WAIT["name"]:
            return _waiting(request, message)
        return as_json(messages.answer(message.id, await _result(request, message)))
    except RpcError as error:
        status = messages.http_status_of(error, is_modern=is_modern)
        return as_json(messages.refusal(document.get("id"), error), status)


async def _result(request: Request, message: RpcMessage) -> dict[str, Any]:
    match message.method:
        case "initialize":
            result = messages.initialized(message.params, INSTRUCTIONS)
        case "server/discover":
            result = messages.discovered(INSTRUCTIONS)
        case "ping":
            result = {"resultType": "complete"} if message.is_modern else {}
        case "tools/list":
            result = messages.cacheable({"tools": listed_tools(request.app.openapi())})
        case "tools/call":
            result = await _called(request, message.params)
        case "resources/list":
            result = messages.cacheable({"resources": [_RESOURCE]})
        case "resources/read":
            result = _read(message.params)
        case _:
            raise RpcError(METHOD_NOT_FOUND, f"there is no method {message.method[:80]!r}")
    return result


def _read(params: Mapping[str, Any]) -> dict[str, Any]:
    if params.get("uri") != guide.URI:
        raise RpcError(INVALID_PARAMS, f"there is one resource: {guide.URI}")
    return messages.cacheable(
        {"contents": [{"uri": guide.URI, "mimeType": "text/markdown", "text": guide.guide_text()}]}
    )


async def _called(request: Request, params: Mapping[str, Any]) -> dict[str, Any]:
    name, arguments = _asked(params)
    document = request.app.openapi()
    try:
        if name == DESCRIBE["name"]:
            return tool_result(text(json.dumps(described(arguments, document))))
        call = call_of(name, arguments, document)
    except RpcError as error:  # an assistant mends its arguments by what a tool says
        return tool_result(text(str(error)), is_error=True)
    return await _answered(request, call)


def _asked(params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    name, arguments = params.get("name"), params.get("arguments") or {}
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "a tool is called by its name, with arguments")
    return name, arguments


async def _answered(request: Request, call: Call) -> dict[str, Any]:
    """Return what a route answers, as content: JSON as it is, a picture as one, and in words what is wrong."""
    async with replied(request, call) as reply:
        return _as_content(reply, await reply.body())


def _as_content(reply: Reply, body: bytes) -> dict[str, Any]:
    if reply.media_type.startswith("image/"):
        data = base64.b64encode(body).decode()
        return tool_result({"type": "image", "data": data, "mimeType": reply.media_type})
    if reply.media_type == "application/problem+json":
        problem = json.loads(body)
        return tool_result(text(f"{problem['reason']}: {problem['detail']}"), is_error=True)
    return tool_result(text(body.decode()), is_error=reply.status >= 400)  # noqa: PLR2004 - of HTTP


def _waiting(request: Request, message: RpcMessage) -> Response:
    _, arguments = _asked(message.params)
    try:
        following, reading, timeout_s = wait_of(arguments)
    except RpcError as error:
        return as_json(messages.answer(message.id, tool_result(text(str(error)), is_error=True)))

    async def events() -> AsyncIterator[bytes]:
        async for each in _followed(request, following, message.progress_token, timeout_s):
            yield each
        yield _event(messages.answer(message.id, await _answered(request, reading)))

    return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _followed(request: Request, call: Call, token: str | int | None, timeout_s: float) -> AsyncIterator[bytes]:
    """Yield how far a VideoJob is, until it has finished, its stream ends, or so long has passed."""
    end, told, pending = time.monotonic() + timeout_s, -1.0, b""
    status: dict[str, Any] = {}
    async with replied(request, call) as reply:
        while reply.status == _OK and (left := end - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(min(left, _PING_S)):  # `wait_for` loses a cancellation of that very moment
                    part = await reply.parts.get()
            except TimeoutError:
                yield b": waiting\n\n"
                continue
            if part is None:
                return
            *blocks, pending = (pending + part).split(b"\n\n")
            for block in blocks:
                event, said = _said(block)
                status = said if event == b"job" else status | said
                if not status:
                    continue
                if token is not None and status["progress"] > told:
                    told = status["progress"]
                    yield _event(messages.progressed(token, told, status.get("stage") or status["phase"]))
                if Phase(status["phase"]).is_final:
                    return


def _said(block: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the name of an event, and what it says of the status: all of it, what the worker says, or nothing."""
    lines = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
    return lines.get(b"event", b""), json.loads(lines.get(b"data", b"{}")).get("status", {})


def _event(message: Mapping[str, Any]) -> bytes:
    return b"event: message\ndata: " + json.dumps(message, separators=(",", ":")).encode() + b"\n\n"
