"""Messages of the Model Context Protocol by streamable HTTP, without sessions: each POST is one. Pure.

https://modelcontextprotocol.io/specification has two eras of it: up to 2025-11-25 a client begins with `initialize`;
from 2026-07-28 each request says its version, and headers repeat what routing needs. Results are the same in both: what
only one of them has, the other passes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Headers

HANDSHAKE_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
"""Of clients that begin with `initialize`."""
MODERN_VERSIONS: Final = ("2026-07-28",)
"""Of clients whose requests stand by themselves."""
LASTING_MS: Final = 60_000
"""How long what is said of tools and resources holds."""

INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
_STATUSES: Final = {METHOD_NOT_FOUND: 404}
_META: Final = "io.modelcontextprotocol/"
_NAMED_BY: Final = {"tools/call": "name", "resources/read": "uri"}
_CAPABILITIES: Final[dict[str, Any]] = {"tools": {}, "resources": {}}


class RpcError(Exception):
    """A message cannot be answered with a result."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


@dataclass(frozen=True, slots=True)
class RpcMessage:
    """A request, or a notification, which has no id."""

    id: str | int | None
    method: str
    params: Mapping[str, Any]
    is_modern: bool
    """Whether it stands by itself."""

    @property
    def progress_token(self) -> str | int | None:
        """What notifications of its progress are to name; None where none are wanted."""
        meta = self.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        return token if isinstance(token, str | int) else None


def read_message(document: Mapping[str, Any], headers: Headers) -> RpcMessage:
    """Return the message of a body.

    Raises:
        RpcError: it is none, or not as its headers say.
    """
    identity, method, params = document.get("id"), document.get("method"), document.get("params") or {}
    if document.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "send one request or notification of JSON-RPC 2.0")
    if "id" in document and type(identity) not in {str, int}:
        raise RpcError(INVALID_REQUEST, "the id of a request is a text or an integer")
    version = headers.get("mcp-protocol-version", HANDSHAKE_VERSIONS[0])
    is_modern = version not in HANDSHAKE_VERSIONS
    if is_modern and identity is not None:
        _check_envelope(version, method, params, headers)
    return RpcMessage(identity, method, params, is_modern)


def _check_envelope(version: str, method: str, params: Mapping[str, Any], headers: Headers) -> None:
    """Make sure that what intermediaries read in the headers is what the body says."""
    meta = params.get("_meta")
    if not isinstance(meta, dict) or not {f"{_META}protocolVersion", f"{_META}clientCapabilities"} <= meta.keys():
        raise RpcError(INVALID_PARAMS, f"params._meta has {_META}protocolVersion and {_META}clientCapabilities")
    said = {"mcp-protocol-version": meta[f"{_META}protocolVersion"], "mcp-method": method}
    if method in _NAMED_BY:
        said["mcp-name"] = params.get(_NAMED_BY[method])
    for name, value in said.items():
        if headers.getlist(name) != [value]:
            raise RpcError(HEADER_MISMATCH, f"the header {name} is not what the body says")
    if version not in MODERN_VERSIONS:
        data = {"supported": list(MODERN_VERSIONS), "requested": version}
        raise RpcError(UNSUPPORTED_VERSION, "this version of the protocol is not served", data)


def initialized(params: Mapping[str, Any], instructions: str) -> dict[str, Any]:
    """Answer a client that begins: in its version, or in the newest of those that begin so."""
    wanted = params.get("protocolVersion")
    version = wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
    server = {"name": "videojob", "title": "VideoJob gateway", "version": __version__}
    return {
        "protocolVersion": version,
        "capabilities": _CAPABILITIES,
        "serverInfo": server,
        "instructions": instructions,
    }


def discovered(instructions: str) -> dict[str, Any]:
    """Answer a client that asks what there is."""
    versions = [*HANDSHAKE_VERSIONS, *MODERN_VERSIONS]
    return cacheable({"supportedVersions": versions, "capabilities": _CAPABILITIES, "instructions": instructions})


def cacheable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result that is everyone's, and the same for a while."""
    return {**fields, "ttlMs": LASTING_MS, "cacheScope": "public", "resultType": "complete"}


def tool_result(*content: Mapping[str, Any], is_error: bool = False) -> dict[str, Any]:
    """Return what came of a call of a tool."""
    return {"content": list(content), "isError": is_error, "resultType": "complete"}


def text(words: str) -> dict[str, Any]:
    """Return a text as content."""
    return {"type": "text", "text": words}


def answer(identity: str | int | None, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that answers a request."""
    return {"jsonrpc": "2.0", "id": identity, "result": result}


def refusal(identity: Any, error: RpcError) -> dict[str, Any]:
    """Return the message that says why a request has no result."""
    said = {"code": error.code, "message": str(error)} | ({} if error.data is None else {"data": error.data})
    return {"jsonrpc": "2.0", "id": identity if isinstance(identity, str | int) else None, "error": said}


def http_status_of(error: RpcError, *, is_modern: bool) -> int:
    """Return the status of HTTP that an error has; of old, 404 would say that a session has ended."""
    if error.code == METHOD_NOT_FOUND and not is_modern:
        return 200
    return _STATUSES.get(error.code, 400)


def progressed(token: str | int, progress: float, words: str) -> dict[str, Any]:
    """Return a notification that a request has come so far, in per cent."""
    params = {"progressToken": token, "progress": progress, "total": 100, "message": words}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
