"""How routes answer, and what their documentation says of errors."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from videojob_gateway import problem_json
from videojob_gateway.documents import JSON
from videojob_gateway.models import ProblemDetails

_WORDS = {
    400: "It is not as HTTP or JSON have it.",
    401: "Nobody is known by these credentials, or there are none.",
    403: "The caller may not do this.",
    404: "There is none such, or it is another's.",
    408: "The body takes too long to come.",
    409: "It is not in a state in which this can be done, or it has just been changed.",
    410: "Another file is in its place.",
    412: "Uploads are resumed by another version of tus.",
    413: "The body is too long.",
    415: "The body is of a type that is not read here.",
    416: "The file has no such part.",
    422: "Fields are wrong: all of them are named.",
    423: "Another request writes to the same upload.",
    429: "The caller has, or has asked for, as much as one may.",
    460: "The bytes are not those that were said.",
    502: "What is needed for it does not let the gateway do it: somebody has to put that right.",
    503: "What is needed for it does not answer: ask again.",
    507: "The volume is full, or the caller has as much as one may.",
}


def errors(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of errors that a route may answer with; whoever is known may ask for too much."""
    further = {429} if {401} <= {*codes} else set()
    content = {problem_json.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {code: {"description": _WORDS[code], "content": content} for code in sorted({*codes, *further})} | {
        "default": {"description": "Something else is wrong.", "model": ProblemDetails}
    }


def as_json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, JSON)


def body_of(name: str, examples: dict[str, Any]) -> dict[str, Any]:
    """Return the documentation of a body that a route reads by itself."""
    content = {
        "schema": {"$ref": f"#/components/schemas/{name}"},
        "examples": {title: {"value": value} for title, value in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {JSON: content}}}
