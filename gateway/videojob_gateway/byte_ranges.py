"""Parts of a file, and whether it is still the one that a client has (RFC 9110). Pure: headers in, what to send out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class FilePart:
    """What is sent of a file."""

    status: HTTPStatus
    start: int
    """First byte."""
    end: int
    """Behind the last byte."""

    def headers(self, size: int) -> dict[str, str]:
        """Return what an answer says of it."""
        match self.status:
            case HTTPStatus.PARTIAL_CONTENT:
                return {"Content-Range": f"bytes {self.start}-{self.end - 1}/{size}"}
            case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return {"Content-Range": f"bytes */{size}"}
        return {}


def part_for(headers: Mapping[str, str], *, size: int, etag: str) -> FilePart:
    """Return what to send of a file of `size` bytes to a request.

    Several ranges at once, and ranges that nobody can read, are as none: the whole is sent, as may always be done.
    """
    whole = FilePart(HTTPStatus.OK, 0, size)
    if _has(headers.get("if-none-match", ""), etag):
        return FilePart(HTTPStatus.NOT_MODIFIED, 0, 0)
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or headers.get("if-range", etag) != etag:
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:  # so many at the end
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return whole
    if start >= size or start >= end:
        return FilePart(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, 0)
    return FilePart(HTTPStatus.PARTIAL_CONTENT, start, end)


def _has(condition: str, etag: str) -> bool:
    tags = {each.strip().removeprefix("W/") for each in condition.split(",")}
    return etag in tags or "*" in tags
