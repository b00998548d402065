"""`http(s)://…`: downloads, behind the address guard.

Each hop of a redirect is a request of its own, checked as the first was. Proxies and credentials of the
environment are not used: `httpcore`, unlike what stands on it, reads neither.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

import httpcore
import idna

from videojob_common.address_guard import check_host, checked_addresses
from videojob_common.errors import ForbiddenAddressError
from videojob_common.pinned_connections import PinnedBackend
from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_contract.resources.uris import redact_uri
from videojob_contract.version import __version__
from videojob_worker import errno_mapping
from videojob_worker.storage.base import StorageBackend

if TYPE_CHECKING:
    from videojob_worker.storage.base import FetchContext

log = logging.getLogger("videojob.sources")

MAX_REDIRECTS = 5
RETRY_AFTER_S = (0.3, 1.0)
"""Waits before another try of one download, in seconds.

Longer troubles are for the next attempt of the whole job.
"""

_TIMEOUT_S = {"connect": 10.0, "read": 30.0, "write": 10.0, "pool": 10.0}
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_LATER = {408, 425, 429}
_FLUSH_BYTES = 1 << 20
_SAFE = "%/:=&?~+!$,;'@()*[]"
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


@dataclass(frozen=True)
class _Hop:
    """One URL, taken apart and found to be one that may be asked for."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> httpcore.URL:
        return httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=self.target)


async def fetch(field: str, uri: str, context: FetchContext) -> int:
    """Download a file; its descriptor is all that there is of it.

    Raises:
        PermanentError: not found, forbidden, or too large.
        TransientError: the server or the network fails, or the disk is full.
    """
    what = f"{field}: {redact_uri(uri)}"
    for wait_s in RETRY_AFTER_S:
        try:
            return await _fetch_once(what, uri, context)
        except TransientError as error:
            if error.reason is Reason.DISK_FULL:
                raise
            log.info("%s; trying again in %s s", error.message, wait_s)
            await asyncio.sleep(wait_s)
    return await _fetch_once(what, uri, context)


async def _fetch_once(what: str, uri: str, context: FetchContext) -> int:
    """Follow redirects, then download. `tempfile` leaves nothing behind, however this ends."""
    with tempfile.TemporaryFile(dir=context.downloads) as file:
        for _ in range(MAX_REDIRECTS + 1):
            following = await _request(what, uri, file, context)
            if following is None:
                return os.dup(file.fileno())
            if urlsplit(uri).scheme == "https" and urlsplit(following).scheme == "http":
                raise _forbidden(what, "redirects from https to http")
            uri = following
    raise _forbidden(what, f"redirects more than {MAX_REDIRECTS} times")


async def _request(what: str, uri: str, file: IO[bytes], context: FetchContext) -> str | None:
    """Ask for one URL: download it, or return where it redirects to."""
    hop = _take_apart(what, uri)
    limits = context.limits
    try:
        check_host(hop.host, limits.allow_hosts)
        addresses = await checked_addresses(
            hop.host, hop.port, context.resolve, allow_private=limits.allow_private_networks
        )
    except ForbiddenAddressError as error:
        raise _forbidden(what, str(error)) from error
    except UnicodeError as error:  # a part of the name is empty or too long
        raise PermanentError(f"{what}: {hop.host} cannot be a host's name", Reason.SOURCE_NOT_FOUND) from error
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            raise PermanentError(f"{what}: there is no host {hop.host}", Reason.SOURCE_NOT_FOUND) from error
        raise TransientError(f"{what}: {hop.host} cannot be resolved: {error.strerror}") from error
    try:
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=_tls() if hop.scheme == "https" else None,
                network_backend=PinnedBackend(addresses),
            ) as pool,
            pool.stream(
                "GET",
                hop.url,
                headers={
                    "Accept": "*/*",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"videojob-worker/{__version__}",
                },
                extensions={"timeout": _TIMEOUT_S},
            ) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS and b"location" in headers:
                return _follow(what, uri, headers[b"location"].decode("latin-1"))
            _check_status(what, response.status)
            await _download(what, response, headers, file, limits.max_source_bytes)
            return None
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise _of_network(what, error) from error


async def _download(
    what: str, response: httpcore.Response, headers: dict[bytes, bytes], file: IO[bytes], most: int
) -> None:
    if headers.get(b"content-length", b"").isdigit() and int(headers[b"content-length"]) > most:
        raise _too_large(what, most)
    size, pending = 0, bytearray()
    try:
        await asyncio.to_thread(_start_over, file)
        async for part in response.aiter_stream():
            size += len(part)
            if size > most:
                raise _too_large(what, most)
            pending += part
            if len(pending) >= _FLUSH_BYTES:
                await asyncio.to_thread(file.write, bytes(pending))
                pending.clear()
        await asyncio.to_thread(file.write, bytes(pending))
        await asyncio.to_thread(file.flush)
    except OSError as error:
        raise errno_mapping.local(error, what) or TransientError(f"{what}: {error}") from error


def _start_over(file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()


def _take_apart(what: str, uri: str) -> _Hop:
    try:
        parts = urlsplit(uri)
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
    except (ValueError, KeyError) as error:
        raise _forbidden(what, "leads to something that is not an http or https URL") from error
    if parts.username is not None or parts.password is not None:
        raise _forbidden(what, "has a user or password in its URL; those would be seen by everyone who reads it")
    if not host:
        raise _forbidden(what, "has no host in its URL")
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return _Hop(parts.scheme, host, port, target)


def _follow(what: str, uri: str, location: str) -> str:
    try:
        return urljoin(uri, location)
    except ValueError as error:
        raise _forbidden(what, "redirects to something that is not a URL") from error


@cache
def _tls() -> ssl.SSLContext:
    """Trust what the system trusts; `SSL_CERT_FILE` names others."""
    return ssl.create_default_context()


def _check_status(what: str, status: int) -> None:
    if 200 <= status < 300:  # noqa: PLR2004 - success, RFC 9110
        return
    if status in _GONE:
        raise PermanentError(f"{what}: not found (HTTP {status})", Reason.SOURCE_NOT_FOUND)
    if status >= 500 or status in _LATER:  # noqa: PLR2004 - the server's fault, RFC 9110
        raise TransientError(f"{what}: the server answers HTTP {status}")
    raise PermanentError(f"{what}: the server refuses it (HTTP {status})", Reason.SOURCE_FORBIDDEN)


def _of_network(what: str, error: Exception) -> PermanentError | TransientError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _forbidden(what, f"has a certificate that does not hold: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    text = str(error) or type(error).__name__
    return TransientError(f"{what}: the server cannot be read: {text}")


def _forbidden(what: str, why: str) -> PermanentError:
    return PermanentError(f"{what}: {why}", Reason.SOURCE_FORBIDDEN)


def _too_large(what: str, most: int) -> PermanentError:
    return PermanentError(f"{what}: more than the pool's limit of {most} bytes", Reason.SOURCE_TOO_LARGE)


BACKEND = StorageBackend(fetch=fetch, downloads=True)
