"""`http(s)://…`: downloads, behind the address guard.

Each hop of a redirect is a request of its own, checked as the first was. What a server gives a version is kept on the
node, if the pool has a cache: then the same requests are made, and only the last answer is left unread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import tempfile
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpcore

from videojob_common.errors import ForbiddenAddressError
from videojob_common.guarded_http import certificate_problem, guarded_connections, parse_url
from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_contract.resources.uris import redact_uri
from videojob_contract.version import __version__
from videojob_worker import errno_mapping
from videojob_worker.concurrency import undisturbed
from videojob_worker.storage.base import StorageBackend
from videojob_worker.storage.http_versions import Version, version_of
from videojob_worker.storage.source_cache import descriptor, write_all

if TYPE_CHECKING:
    from videojob_worker.storage.base import FetchContext
    from videojob_worker.storage.source_cache import SourceCache

log = logging.getLogger("videojob.sources")

MAX_REDIRECTS = 5
RETRY_AFTER_S = (0.3, 1.0)
"""Waits before another try of one download, in seconds.

Longer troubles are for the next attempt of the whole job.
"""

_TIMEOUT_S = {"connect": 10.0, "read": 30.0, "write": 10.0, "pool": 10.0}
_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_LATER = {408, 425, 429}
_FLUSH_BYTES = 1 << 20
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


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


async def _fetch_once(what: str, requested: str, context: FetchContext) -> int:
    """Follow redirects, then download, or take what is kept of it."""
    uri = requested
    for _ in range(MAX_REDIRECTS + 1):
        following = await _request(what, requested, uri, context)
        if following is None:  # the cache's disk is in trouble, which is its own
            return await _fetch_once(what, requested, replace(context, cache=None))
        if isinstance(following, int):
            return following
        if urlsplit(uri).scheme == "https" and urlsplit(following).scheme == "http":
            raise _forbidden(what, "redirects from https to http")
        uri = following
    raise _forbidden(what, f"redirects more than {MAX_REDIRECTS} times")


async def _request(what: str, requested: str, uri: str, context: FetchContext) -> int | str | None:
    """Ask for one URL: return a descriptor, or where it redirects to; None as `_take`."""
    limits = context.limits
    try:
        url = parse_url(uri)
        connections = await guarded_connections(
            url, context.resolve, allow_hosts=limits.allow_hosts, allow_private=limits.allow_private_networks
        )
    except ForbiddenAddressError as error:
        raise _forbidden(what, str(error)) from error
    except UnicodeError as error:  # a part of the name is empty or too long
        raise PermanentError(f"{what}: {url.host} cannot be a host's name", Reason.SOURCE_NOT_FOUND) from error
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            raise PermanentError(f"{what}: there is no host {url.host}", Reason.SOURCE_NOT_FOUND) from error
        raise TransientError(f"{what}: {url.host} cannot be resolved: {error.strerror}") from error
    try:
        async with (
            connections,
            connections.stream(
                "GET",
                url.url,
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
            length = headers.get(b"content-length", b"")
            if length.isdigit() and int(length) > limits.max_source_bytes:
                raise _too_large(what, limits.max_source_bytes)
            return await _take(what, response, version_of(requested, uri, response.status, response.headers), context)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise _of_network(what, error) from error


async def _take(what: str, response: httpcore.Response, version: Version | None, context: FetchContext) -> int | None:
    """Return a descriptor of what an answer has, of which nothing was read; None if it could not be kept half way.

    Where it is kept already, the rest of the answer is left unread, and its connection is closed.
    """
    cache = context.cache
    if cache is not None and version is not None:
        kept = await descriptor(partial(cache.find, *version))
        if kept is not None:
            return kept
        fd = await descriptor(partial(cache.begin, version.size_bytes))
        if fd is not None:
            return await _keep(what, response, version, cache, fd)
    try:
        # It leaves nothing behind, however this ends.
        with tempfile.TemporaryFile(dir=context.downloads, buffering=0) as file:
            await _download(what, response, file.fileno(), context.limits.max_source_bytes)
            return os.dup(file.fileno())
    except OSError as error:
        raise errno_mapping.local(error, what) or TransientError(f"{what}: {error}") from error


async def _keep(what: str, response: httpcore.Response, version: Version, cache: SourceCache, fd: int) -> int | None:
    try:
        await _download(what, response, fd, version.size_bytes)
        return await descriptor(partial(cache.keep, fd, *version))
    except OSError:
        return None
    finally:
        os.close(fd)


async def _download(what: str, response: httpcore.Response, fd: int, most: int) -> None:
    """Write what comes to a file; raises `OSError` where its disk does not take it."""
    written, pending = 0, bytearray()
    async for part in response.aiter_stream():
        pending += part
        if written + len(pending) > most:
            raise _too_large(what, most)
        if len(pending) >= _FLUSH_BYTES:
            written, pending = await _write(fd, pending, written), bytearray()
    await _write(fd, pending, written)


async def _write(fd: int, pending: bytearray, offset: int) -> int:
    # In a thread, which nobody stops: the descriptor must not be closed under it.
    await undisturbed(asyncio.to_thread(write_all, fd, pending, offset))
    return offset + len(pending)


def _follow(what: str, uri: str, location: str) -> str:
    try:
        return urljoin(uri, location)
    except ValueError as error:
        raise _forbidden(what, "redirects to something that is not a URL") from error


def _check_status(what: str, status: int) -> None:
    if 200 <= status < 300:  # noqa: PLR2004 - success, RFC 9110
        return
    if status in _GONE:
        raise PermanentError(f"{what}: not found (HTTP {status})", Reason.SOURCE_NOT_FOUND)
    if status >= 500 or status in _LATER:  # noqa: PLR2004 - the server's fault, RFC 9110
        raise TransientError(f"{what}: the server answers HTTP {status}")
    raise PermanentError(f"{what}: the server refuses it (HTTP {status})", Reason.SOURCE_FORBIDDEN)


def _of_network(what: str, error: Exception) -> PermanentError | TransientError:
    problem = certificate_problem(error)
    if problem is not None:
        return _forbidden(what, problem)
    text = str(error) or type(error).__name__
    return TransientError(f"{what}: the server cannot be read: {text}")


def _forbidden(what: str, why: str) -> PermanentError:
    return PermanentError(f"{what}: {why}", Reason.SOURCE_FORBIDDEN)


def _too_large(what: str, most: int) -> PermanentError:
    return PermanentError(f"{what}: more than the pool's limit of {most} bytes", Reason.SOURCE_TOO_LARGE)


BACKEND = StorageBackend(fetch=fetch, downloads=True)
