"""Errors as answers: problem details (RFC 9457), with one word for programs and the path of every field that is wrong.

The one place where errors, the client's too, become HTTP.
"""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from videojob_client.errors import (
    AlreadyExistsError,
    ClientError,
    ConflictError,
    InvalidError,
    NotFoundError,
    Problem,
    UnavailableError,
)
from videojob_contract.problems import SpecError
from videojob_gateway.errors import GatewayError, InvalidRequestError, TooManyRequestsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger(__name__)

_OWN_TITLES = {460: "Checksum Mismatch"}  # of tus, which HTTP does not know
_REASONS = {404: "NotFound", 405: "MethodNotAllowed"}


def problem(
    status: int,
    reason: str,
    detail: str,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
    *,
    limit: Mapping[str, Any] | None = None,
) -> Response:
    """Return an answer that says what is wrong."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _OWN_TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "reason": reason,
        "detail": detail,
    }
    if problems:
        body["errors"] = [{"path": each.path, "message": each.message} for each in problems]
    if limit is not None:
        body["limit"] = limit
    # What is wrong may be that there are halves of characters in it: ASCII holds those too.
    return Response(json.dumps(body).encode(), status, headers, MEDIA_TYPE)


def of_error(error: Exception) -> Response:
    """Return the answer for an error; one that is not expected is the gateway's own fault."""
    match error:
        case GatewayError():
            problems = error.problems if isinstance(error, InvalidRequestError) else ()
            limit = error.limit if isinstance(error, TooManyRequestsError) else None
            return problem(error.status, error.reason, str(error), problems, error.headers, limit=limit)
        case SpecError():
            return problem(422, "Invalid", error.message, error.problems)
        case RequestValidationError():
            found = [_of_parameter(each) for each in error.errors()]
            return problem(422, "Invalid", "\n".join(map(str, found)), found)
        case HTTPException():
            reason = _REASONS.get(error.status_code, "BadRequest")
            return problem(error.status_code, reason, str(error.detail), headers=error.headers)
        case ClientError():
            return _of_client(error)
    return problem(500, "InternalError", "the gateway failed; its log says how")


def handle_errors(app: FastAPI) -> None:
    """Have an application answer with problem details, whatever is wrong."""

    async def answer(_: Request, error: Exception) -> Response:
        return of_error(error)

    for kind in (GatewayError, SpecError, ClientError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _of_client(error: ClientError) -> Response:
    match error:
        case InvalidError():
            return problem(422, "Invalid", _words(error), error.problems)
        case NotFoundError():
            return problem(404, "NotFound", "there is no such object")
        case AlreadyExistsError():
            return problem(409, "AlreadyExists", "there is a VideoJob of this name")
        case ConflictError():
            return problem(409, "Conflict", "it has just been changed; look at it, and ask again")
        case UnavailableError():
            log.warning("the API server is not available: %s", error)
            wait = str(max(1, math.ceil(error.retry_after_s)))
            return problem(503, "Unavailable", "the API server does not answer", headers={"Retry-After": wait})
    # Forbidden, or not known any more: what the gateway itself may do, and no fault of who asks.
    log.error("the API server refuses the gateway: %s", error)
    return problem(502, "Refused", "the API server refuses the gateway; its log says what")


def _words(error: InvalidError) -> str:
    return "\n".join(map(str, error.problems)) or str(error).partition(": ")[2]


def _of_parameter(detail: Mapping[str, Any]) -> Problem:
    """Return what FastAPI found in a parameter of the query, the path or a header."""
    place, *path = detail["loc"]
    message = str(detail["msg"])
    return Problem(".".join(map(str, path)) or str(place), message[:1].lower() + message[1:])
