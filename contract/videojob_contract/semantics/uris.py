"""Where sources are and outputs go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from videojob_contract.problems import Problem
from videojob_contract.resources.base import URI_PATTERN
from videojob_contract.resources.uris import VOLUME, iter_uris, redact_uri, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.videojob import VideoJobSpec


def check_uris(spec: VideoJobSpec) -> Iterator[Problem]:
    """Yield every problem of the URIs, wherever they stand."""
    for path, uri, _ in iter_uris(spec):
        scheme, place, rest = split_uri(uri)
        names = [unquote(part) for part in rest.split("/")]
        said = redact_uri(uri)
        if not re.fullmatch(URI_PATTERN, uri):  # a font: the schema takes its name too
            yield Problem(path, f"{said} is not a URI: write volume://NAME/path, https://… or http://…")
        elif not place:
            yield Problem(path, f"{said} names no {'volume' if scheme == VOLUME else 'host or bucket'}")
        elif scheme != VOLUME:
            continue
        elif not names[-1]:
            yield Problem(path, f"{said} names no file; write volume://{split_uri(said)[1]}/path/to/file")
        elif set("?#") & set(rest):
            yield Problem(path, f"{said} must not go on with ? or #; write them as %3F and %23")
        elif any(name in {"", ".", ".."} or "/" in name for name in names):
            yield Problem(path, f"{said} must not have empty, . or .. parts in its path")
