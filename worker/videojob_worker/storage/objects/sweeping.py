"""Uploads that attempts left when they were killed, or clients when they went away, found by asking S3, and aborted.

obstore has no words for that. So these two requests are signed here, with the keys of the store's Secret; where the
cloud gives the credentials, and at other providers, it is for a rule of the bucket.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import logging
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpcore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from videojob_worker.storage.objects.opening import AccessKey, OpenStore

log = logging.getLogger("videojob.outputs")

_TIMEOUT_S = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": 5.0}
_MOST_BYTES = 1 << 22
_MOST_S = 30.0
"""How long all of it may take: a server that drips, or lists without end, keeps no attempt waiting."""
_NO_CONTENT = hashlib.sha256().hexdigest()


async def sweep(opened: OpenStore) -> None:
    """Abort all uploads of an object that are begun; whatever fails, the next attempt or the bucket's rule does it."""
    await _abort(opened, opened.key, lambda upload: _text(upload, "Key") == opened.key)


async def sweep_below(opened: OpenStore, before: datetime) -> None:
    """Abort the uploads below a prefix that were begun before a time: of clients that went away."""
    await _abort(opened, f"{opened.key}/", lambda upload: _began(upload) < before)


def _began(upload: str) -> datetime:
    try:
        began = datetime.fromisoformat(_text(upload, "Initiated"))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return began if began.tzinfo else began.replace(tzinfo=UTC)


async def _abort(opened: OpenStore, prefix: str, wanted: Callable[[str], bool]) -> None:
    """Abort the uploads of keys that begin so and that are wanted, each as it is listed."""
    keys = opened.keys
    if keys is None:
        return
    try:
        async with asyncio.timeout(_MOST_S), httpcore.AsyncConnectionPool(ssl_context=_tls(opened)) as pool:
            bucket = _url(opened, "", {"prefix": prefix, "uploads": ""})
            found = await _ask(pool, "GET", bucket, opened.region, keys)
            for upload in _uploads(found.decode(errors="replace")):
                key = _text(upload, "Key")
                if key.startswith(prefix) and wanted(upload):
                    begun = _url(opened, key, {"uploadId": _text(upload, "UploadId")})
                    await _ask(pool, "DELETE", begun, opened.region, keys)
    except Exception:  # noqa: BLE001 - nobody needs it done now; and no word of the client is passed on
        log.info("uploads that were left in object store %s cannot be looked for", opened.entry.name)


def _uploads(listing: str) -> Iterator[str]:
    """Yield what is listed of each upload, in a time that grows with the listing's length alone."""
    for begun in listing.split("<Upload>")[1:]:
        yield begun.partition("</Upload>")[0]


def _text(upload: str, name: str) -> str:
    return html.unescape(upload.partition(f"<{name}>")[2].partition("<")[0])


async def _ask(pool: httpcore.AsyncConnectionPool, method: str, url: str, region: str, keys: AccessKey) -> bytes:
    headers = list(_signed(method, url, region, keys, datetime.now(UTC)).items())
    async with pool.stream(method, url, headers=headers, extensions={"timeout": _TIMEOUT_S}) as response:
        content = bytearray()
        async for part in response.aiter_stream():
            content += part
            if len(content) > _MOST_BYTES:
                break
        return bytes(content)


def _tls(opened: OpenStore) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=opened.authority) if opened.authority else ssl.create_default_context()


def _url(opened: OpenStore, key: str, query: Mapping[str, str]) -> str:
    base = opened.entry.endpoint or f"https://s3.{opened.region}.amazonaws.com"
    path = quote(f"/{opened.entry.bucket}/{key}" if key else f"/{opened.entry.bucket}", safe="/~")
    asked = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query.items()))
    return f"{base.rstrip('/')}{path}?{asked}"


def _signed(method: str, url: str, region: str, keys: AccessKey, now: datetime) -> dict[str, str]:
    """Sign a request without content, as AWS Signature Version 4 has it; return its headers."""
    parts = urlsplit(url)
    moment = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {"host": parts.netloc, "x-amz-content-sha256": _NO_CONTENT, "x-amz-date": moment}
    if keys.token is not None:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"{method}\n{parts.path}\n{parts.query}\n{lines}\n{names}\n{_NO_CONTENT}"
    scope = f"{now:%Y%m%d}/{region}/s3/aws4_request"
    told = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{keys.secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, told.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers
