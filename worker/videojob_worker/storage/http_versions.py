"""Which answers of `https` servers may be kept, and under which name (RFC 9110, RFC 9111).

An answer is kept where it says exactly which version it is, a strong ETag and a length, and does not say that it is
nobody's to keep. What is kept is not used before the server has been asked again and has said that it is the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from videojob_worker.storage.source_cache import name_of_content

if TYPE_CHECKING:
    from collections.abc import Iterable

_STRONG: Final = re.compile(rb'"[\x21\x23-\x7e\x80-\xff]{1,256}"')
_NOT_OURS: Final = re.compile(rb"no-store|private", re.IGNORECASE)
"""A pool's users share what its workers keep, so what is private to one of them is as little to be kept."""


class Version(NamedTuple):
    """A version of a source."""

    name: str
    """As the cache has it, from which nobody reads the URL."""
    size_bytes: int


def version_of(requested: str, answered: str, status: int, headers: Iterable[tuple[bytes, bytes]]) -> Version | None:
    """Return which version an answer has; None where it is not to be kept.

    `requested` is the URL that the VideoJob has, `answered` the one to which redirects led. Of the latter the query is
    left out where they differ: servers sign such URLs anew for each request.
    """
    fields: dict[bytes, bytes] = {}
    for name, value in headers:  # repeated ones are one list
        fields[name.lower()] = b",".join((*((fields[name.lower()],) if name.lower() in fields else ()), value))
    tag, length = fields.get(b"etag", b""), fields.get(b"content-length", b"")
    if (
        status != 200  # noqa: PLR2004 - OK, RFC 9110
        or {urlsplit(requested).scheme, urlsplit(answered).scheme} != {"https"}
        or not _STRONG.fullmatch(tag)
        or not length.isdigit()
        or b"transfer-encoding" in fields
        or b"*" in fields.get(b"vary", b"")
        or _NOT_OURS.search(fields.get(b"cache-control", b""))
    ):
        return None
    led_to = "" if answered == requested else urlsplit(answered)._replace(query="", fragment="").geturl()
    size_bytes = int(length)
    return Version(name_of_content("https", requested, led_to, tag.decode("latin-1"), size_bytes), size_bytes)
