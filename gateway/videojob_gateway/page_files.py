"""The page's files, as they were built: read once, and kept with what is said of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent / "page"
"""Where `make page` puts what it builds, and the image has it."""
START: Final = "index.html"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIRECTIVES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' blob: https:",  # previews; and outputs may be in a store, to which their route leads
    "media-src 'self' blob: https:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
"""Nothing runs that is not one of these files, whatever names and messages have in them."""
_HASHED: Final = "public, max-age=31536000, immutable"
_ASKED_EACH_TIME: Final = "no-cache"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file."""

    body: bytes
    gzipped: bytes | None
    """The same, compressed; None where that was not worth it."""
    etag: str
    headers: Mapping[str, str]


def read_page() -> dict[str, PageFile]:
    """Return the files of a built page by their names in it, such as `assets/main-ABC.js`; none if it is not built."""
    folder = FOLDER
    if not (folder / START).is_file():
        return {}
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in _TYPES]
    return {path.relative_to(folder).as_posix(): _read(path) for path in found}


def _read(path: Path) -> PageFile:
    body = path.read_bytes()
    compressed = path.with_name(path.name + ".gz")
    headers = {
        "Content-Type": _TYPES[path.suffix],
        "Cache-Control": _ASKED_EACH_TIME if path.name == START else _HASHED,
        "Vary": "Accept-Encoding",
    }
    if path.name == START:
        headers |= {"Content-Security-Policy": "; ".join(_DIRECTIVES), "Cross-Origin-Opener-Policy": "same-origin"}
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return PageFile(body, compressed.read_bytes() if compressed.is_file() else None, etag, headers)
