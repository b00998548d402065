"""Uploads that attempts before left when they were killed, found by asking S3 for them, and aborted.

obstore has no words for that. So these two requests are signed here, with the keys of the store's Secret; where the
cloud gives the credentials, and at other providers, it is for a rule of the bucket.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import logging
import re
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpcore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_worker.storage.objects.opening import AccessKey, OpenStore

log = logging.getLogger("videojob.outputs")

_TIMEOUT_S = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": 5.0}
_MOST_BYTES = 1 << 22
_UPLOAD = re.compile(
    r"<Upload>(?=(?:(?!</Upload>).)*<Key>([^<]*)</Key>)(?=(?:(?!</Upload>).)*<UploadId>([^<]*)</UploadId>)", re.DOTALL
)
_NO_CONTENT = hashlib.sha256().hexdigest()


async def sweep(opened: OpenStore) -> None:
    """Abort all uploads of an object that are begun; whatever fails, the next attempt or the bucket's rule does it."""
    keys = opened.keys
    if keys is None:
        return
    try:
        async with httpcore.AsyncConnectionPool(ssl_context=_tls(opened)) as pool:
            bucket = _url(opened, "", {"prefix": opened.key, "uploads": ""})
            found = await _ask(pool, "GET", bucket, opened.region, keys)
            for key, upload in _UPLOAD.findall(found.decode(errors="replace")):
                if html.unescape(key) == opened.key:
                    begun = _url(opened, opened.key, {"uploadId": html.unescape(upload)})
                    await _ask(pool, "DELETE", begun, opened.region, keys)
    except Exception:  # noqa: BLE001 - nobody needs it done now; and no word of the client is passed on
        log.info("uploads that attempts before left in object store %s cannot be looked for", opened.entry.name)


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
