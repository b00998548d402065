"""Where sources are and outputs go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from videojob_contract.problems import WANTED, Problem
from videojob_contract.resources.base import URI_PATTERN
from videojob_contract.resources.object_stores import OBJECT_SCHEMES
from videojob_contract.resources.uris import VOLUME, iter_uris, redact_uri, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.videojob import VideoJobSpec


MAX_KEY_BYTES = 1024
"""Longest key that the stores of all providers take."""

_NO_FILE = "names no file"
_PLACES = {VOLUME: "volume", **dict.fromkeys(OBJECT_SCHEMES, "bucket")}
"""What holds files by their paths, by the scheme of its URIs."""
_CONTROL = {VOLUME: re.compile(r"\x00"), **dict.fromkeys(OBJECT_SCHEMES, re.compile(r"[\x00-\x1f\x7f]"))}
"""Characters that no name there has."""


def check_uris(spec: VideoJobSpec) -> Iterator[Problem]:
    """Yield every problem of the URIs, wherever they stand."""
    for path, uri, _ in iter_uris(spec):
        message = uri_problem(uri, redact_uri(uri))
        if message is not None:
            yield Problem(path, message)


def uri_problem(uri: str, said: str) -> str | None:
    """Return what is wrong with a URI of a file, or None; `said` is what messages may have of it."""
    scheme, place, rest = split_uri(uri)
    if not re.fullmatch(URI_PATTERN, uri):  # a font: the schema takes its name too
        return f"{said} {WANTED[URI_PATTERN]}"
    if not place:
        return f"{said} names no {_PLACES.get(scheme, 'host')}"
    message = _path_problem(scheme, rest) if scheme in _PLACES else None
    if message == _NO_FILE:
        message += f"; write {scheme}://{split_uri(said)[1]}/path/to/file"
    return message and f"{said} {message}"


def _path_problem(scheme: str, path: str) -> str | None:
    try:
        names = [unquote(part, errors="strict") for part in path.split("/")]
    except UnicodeDecodeError:
        return "has escapes in its path that are not UTF-8"
    message = None
    if not names[-1]:
        message = _NO_FILE
    elif set("?#") & set(path):
        message = "must not go on with ? or #; write them as %3F and %23"
    elif any(name in {"", ".", ".."} or "/" in name for name in names):
        message = "must not have empty, . or .. parts in its path"
    elif _CONTROL[scheme].search("".join(names)):
        message = "must not have control characters in its path"
    elif scheme in OBJECT_SCHEMES and len("/".join(names).encode()) > MAX_KEY_BYTES:
        message = f"has a key of more than {MAX_KEY_BYTES} bytes"
    return message
