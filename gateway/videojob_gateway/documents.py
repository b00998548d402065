"""Bodies of requests: JSON objects, of a bounded length, in which everything can be written again."""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any

from videojob_contract.problems import Problem
from videojob_gateway.errors import BadRequestError, InvalidRequestError, MediaTypeError, TooLargeError, TooSlowError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

JSON = "application/json"
DEEPEST = 64
"""Objects and lists within each other: a spec has a dozen, and whoever reads a thousand fails."""
LONGEST_S = 60.0
"""How long a body may take to come."""


async def read_object(request: Request, most_bytes: int) -> dict[str, Any]:
    """Return the JSON object that is a request's body.

    The type has to be said: a browser asks before it sends this one for a page of another site.

    Raises:
        MediaTypeError: it is said to be something else, or nothing.
        TooLargeError: it has more bytes than that.
        TooSlowError: it takes too long to come.
        BadRequestError: it is not JSON.
        InvalidRequestError: it is JSON, and no object.
    """
    check_is_json(request)
    document = json_of(await read_bytes(request, most_bytes))
    if not isinstance(document, dict):
        raise InvalidRequestError([Problem("body", "should be an object")])
    return document


def check_is_json(request: Request) -> None:
    """Raise `MediaTypeError` for a body that is said to be something else than JSON, or nothing."""
    if (given := request.headers.get("content-type", "").partition(";")[0].strip().lower()) != JSON:
        raise MediaTypeError(f"send {JSON}, not {given or 'a body without a type'}")


def json_of(body: bytes) -> Any:
    """Return what a body says; raises `BadRequestError` for one that is not JSON."""
    try:
        return read_json(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error


def read_json(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError, RecursionError: it is none, has a field twice, is nested deeper than any spec, or has what cannot be
            written again.
    """
    document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=finite)
    _check_depth(document)
    json.dumps(document, ensure_ascii=False).encode()  # no halves of characters
    return document


async def read_bytes(request: Request, most_bytes: int) -> bytes:
    """Return a body.

    Raises:
        TooLargeError: as soon as there is more of it.
        TooSlowError: it takes too long.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(LONGEST_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise TooLargeError(f"a body has at most {most_bytes} bytes", headers={"Connection": "close"})
    except TimeoutError:
        wanted = f"a body comes within {LONGEST_S:.0f} seconds"
        raise TooSlowError(wanted, headers={"Connection": "close"}) from None
    return bytes(body)


def finite(text: str) -> float:
    """Return a number of JSON; raises ValueError for one that is too large, as it would be infinite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is no number of JSON that can be kept")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a field that is there twice: of the two, another program may read the other."""
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice)} is there more than once")
    return document


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST):
        level = [each for node in level for each in _children(node)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {DEEPEST}")


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
