"""Requests to the API server over `kubernetes.aio`: plain dictionaries in and out, reads tried again.

The generated classes of the official client are not used: they would be made only to be read again.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from copy import copy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.exceptions import ApiException

from videojob_client.backoff import delays
from videojob_client.conversion import from_connection, from_response
from videojob_client.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.client.rest import RESTResponse

Object = dict[str, Any]
"""A Kubernetes object, as JSON has it."""

JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"
TRIES = 5
"""How often a read is made before `UnavailableError` is raised."""
CONNECT_TIMEOUT_S = 10.0
_FIRST_ERROR = 400


class Transport:
    """One connection pool to one API server; every method raises `RequestError`."""

    def __init__(self, configuration: Configuration, timeout_s: float) -> None:
        self._api = ApiClient(_with_proxy(configuration))
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """GET a path; tried again with backoff when the server does not answer, or cannot now."""
        waits = delays()
        for _ in range(TRIES - 1):
            try:
                return await self._request("GET", path, query)
            except UnavailableError as error:
                await asyncio.sleep(max(next(waits), error.retry_after_s))
        return await self._request("GET", path, query)

    async def write(
        self, method: str, path: str, body: Object, *, query: Mapping[str, str] | None = None, content: str = JSON
    ) -> Object:
        """Make a request that changes something, once: whether one without an answer was done, nobody knows.

        A DELETE alone is sent again, by aiohttp, when a connection that was kept open turns out to be closed.
        """
        return await self._request(method, path, query, body, content)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """GET a path, once, and give the lines of the answer as they come.

        Args:
            path: of what answers without end, such as a watch.
            query: parameters.
            silence_s: how long nothing may come before the connection counts as lost, in seconds; 0 for ever.
        """
        request = f"GET {path}"
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=silence_s or None)
        response = await self._send("GET", path, query, limits)
        try:
            if response.status >= _FIRST_ERROR:
                raise from_response(response.status, await _body(response, request), response.headers, request)
            yield _lines(response.response.content, request)
        finally:
            _abandon(response.response)

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Object | None = None,
        content: str = JSON,
    ) -> Object:
        request = f"{method} {path}"
        response = await self._send(method, path, query, self._timeout, body=body, content=content)
        data = await _body(response, request)
        if response.status >= _FIRST_ERROR:
            raise from_response(response.status, data, response.headers, request)
        try:
            answer: Object = json.loads(data)
        except ValueError as error:
            raise from_connection(error, request) from error
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        limits: aiohttp.ClientTimeout,
        *,
        body: Object | None = None,
        content: str = JSON,
    ) -> RESTResponse:
        try:
            request = await self._api.param_serialize(
                method,
                path,
                query_params=[(key, value) for key, value in (query or {}).items() if value],
                header_params={"Accept": JSON, "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
            )
            return await self._api.call_api(*request, _request_timeout=limits)
        except (TimeoutError, OSError, aiohttp.ClientError, ApiException) as error:
            raise from_connection(error, f"{method} {path}") from error


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment has for a URL, by `HTTPS_PROXY` and `NO_PROXY`; None for none."""
    parts = urlsplit(url)
    return None if not parts.hostname or proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)


def _with_proxy(configuration: Configuration) -> Configuration:
    """Look for a proxy once: with each request, aiohttp hands that, and the search of ~/.netrc, to a thread."""
    own = copy(configuration)
    own.proxy = configuration.proxy or proxy_of(configuration.host)
    own.client_session_kwargs = {"trust_env": False, **(configuration.client_session_kwargs or {})}
    return own


def _abandon(response: aiohttp.ClientResponse) -> None:
    """End a response of which no more is wanted, and its connection if there is more to come.

    At once: a goodbye over TLS waits for the server's, and so may outlast the event loop.
    """
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


async def _body(response: RESTResponse, request: str) -> bytes:
    try:
        data: bytes = await response.read()  # type: ignore[no-untyped-call]
    except (TimeoutError, OSError, aiohttp.ClientError) as error:
        raise from_connection(error, request) from error
    return data


async def _lines(content: aiohttp.StreamReader, request: str) -> AsyncGenerator[bytes, None]:
    """Yield whole lines, however long: aiohttp's own reader refuses those of large objects."""
    parts: list[bytes] = []
    try:
        async for chunk in content.iter_any():
            first, *others = chunk.split(b"\n")
            parts.append(first)
            for other in others:
                yield b"".join(parts)
                parts = [other]
    except (TimeoutError, OSError, aiohttp.ClientError) as error:
        raise from_connection(error, request) from error
    if any(parts):
        yield b"".join(parts)
