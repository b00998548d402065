"""A proxy before the API server that loses connections and forgets history when told: what it answers is real."""

import asyncio
import base64
import json
import ssl
from contextlib import suppress
from typing import Self

import aiohttp
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from tests.ports import free_port


class Proxy:
    """Hands every request to the API server, and its answer back as it comes."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._port = free_port()
        self._open: list[web.Request] = []
        self.url = f"http://127.0.0.1:{self._port}"
        self.requests: list[str] = []
        """Method and path of every request, and `watch` of those that are watches."""
        self._asked = asyncio.Condition()
        self.faults: list[int | None] = []
        """What becomes of the next requests: an HTTP status, or None for a connection that is lost at once."""
        self.expired = 0
        """How many watches, or pages but the first, of those to come ask for a version of long ago."""

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=self._configuration.ssl_ca_cert)
        headers = {"Authorization": self._configuration.api_key["BearerToken"]}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context), headers=headers, auto_decompress=False
        )
        application = web.Application(client_max_size=2**22)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        await self._session.close()
        await self._runner.cleanup()

    def cut(self) -> None:
        """Lose every open connection, without a word."""
        for request in self._open:
            _lose(request)

    async def watches(self, count: int) -> None:
        """Wait until a number of watches have been asked for."""
        async with asyncio.timeout(20), self._asked:
            await self._asked.wait_for(lambda: sum(each.endswith(" watch") for each in self.requests) >= count)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        watch = "watch" in query
        async with self._asked:
            self.requests.append(f"{request.method} {request.path}{' watch' if watch else ''}")
            self._asked.notify_all()
        if self.faults:
            fault = self.faults.pop(0)
            if fault is not None:
                return web.Response(status=fault, text="no backend", headers={"Retry-After": "0"})
            _lose(request)
        if self.expired and (watch or "continue" in query):
            self.expired -= 1
            _make_old(query)
        self._open.append(request)
        try:
            return await self._forward(request, query)
        finally:
            self._open.remove(request)

    async def _forward(self, request: web.Request, query: dict[str, str]) -> web.StreamResponse:
        url = f"{self._configuration.host}{request.path}"
        names = {"Accept", "Content-Type"} & request.headers.keys()
        headers = {name: ", ".join(request.headers.getall(name)) for name in names}
        body = await request.read()
        async with self._session.request(
            request.method, url, params=query, data=body or None, headers=headers
        ) as answer:
            told = {
                name: answer.headers[name] for name in ("Content-Type", "Content-Encoding") if name in answer.headers
            }
            response = web.StreamResponse(status=answer.status, headers=told)
            response.enable_chunked_encoding()
            with suppress(ConnectionError):  # who asked is gone
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
            return response


def _make_old(query: dict[str, str]) -> None:
    if "watch" in query:
        query["resourceVersion"] = "1"
        return
    token = query["continue"]
    place = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    query["continue"] = base64.urlsafe_b64encode(json.dumps(place | {"rv": 2}).encode()).decode().rstrip("=")


def _lose(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
