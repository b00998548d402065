"""The one place where refusals of the API server and failures of the connection become errors of this package."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from videojob_client.errors import (
    AlreadyExistsError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    Problem,
    RequestError,
    UnauthorizedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, INVALID = 400, 401, 403, 404, 409, 410, 422
TRANSIENT = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which the same request may succeed."""

_KINDS = {UNAUTHORIZED: UnauthorizedError, FORBIDDEN: ForbiddenError, NOT_FOUND: NotFoundError, CONFLICT: ConflictError}
# Of strict decoding, which has its fields in its message alone.
_DECODING = re.compile(r'(unknown|duplicate) field "([^"]+)"')
_EXCERPT = 200


def from_connection(error: Exception, request: str) -> UnavailableError:
    """Return the error for a request that got no answer, or none to the end."""
    return UnavailableError(f"{request}: {str(error) or type(error).__name__}", reason="NoAnswer")


def from_response(code: int, body: bytes, headers: Mapping[str, str], request: str) -> RequestError:
    """Return the error for an answer of 400 or more."""
    status = _status(body) or {"message": body[:_EXCERPT].decode(errors="replace").strip()}
    wait = headers.get("Retry-After", "")
    return from_status({**status, "code": code}, request, retry_after_s=float(wait) if wait.isdecimal() else 0)


def from_status(status: Mapping[str, Any], request: str, *, retry_after_s: float = 0) -> RequestError:
    """Return the error for a `Status` of the API server, which a response or an event of a watch has."""
    code, reason, text = status.get("code", 0), status.get("reason", ""), status.get("message", "")
    message = f"{request}: {code} {text}".rstrip()
    if reason == "AlreadyExists":
        return AlreadyExistsError(message, code=code, reason=reason)
    if code == GONE:
        token = (status.get("metadata") or {}).get("continue", "")
        return ExpiredError(message, code=code, reason=reason, token=token)
    if code in {BAD_REQUEST, INVALID}:
        return InvalidError(message, code=code, reason=reason, problems=tuple(_problems(status)))
    if code in TRANSIENT:
        return UnavailableError(message, code=code, reason=reason, retry_after_s=retry_after_s)
    return _KINDS.get(code, RequestError)(message, code=code, reason=reason)


def _status(body: bytes) -> dict[str, Any]:
    """Return the `Status` of an answer; nothing when a proxy gave it, and not the API server."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) and document.get("kind") == "Status" else {}


def _problems(status: Mapping[str, Any]) -> Iterator[Problem]:
    for cause in (status.get("details") or {}).get("causes") or ():
        if "field" in cause:
            yield Problem(cause["field"], cause.get("message", ""))
    for kind, field in _DECODING.findall(status.get("message", "")):
        yield Problem(field, "is not a field here" if kind == "unknown" else "is there more than once")
