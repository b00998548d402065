"""A proxy before the API server that is slow, silent, or loses answers to what was carried out, when told."""

import asyncio
import random

from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from tests.integration.client.proxy import Proxy, _lose


class FaultyProxy(Proxy):
    """One operator's way to the API server."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.latency_s = 0.0
        self.refusals: tuple[int, ...] = ()
        """HTTP statuses of which one answers every third request that is no watch."""
        self.loses_answers = False
        """Whether every fifth change is carried out, and not answered."""
        self.silent = False
        """Whether watches say nothing."""
        self.away = False
        """Whether every connection is lost."""
        self._random = random.Random(0)

    def recover(self) -> None:
        """Be as a wire again."""
        self.latency_s, self.refusals, self.loses_answers, self.away = 0.0, (), False, False
        if self.silent:
            self.silent = False
            self.cut()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        watch = "watch" in request.query
        if self.away:
            _lose(request)
            raise ConnectionResetError
        if self.latency_s and not watch:
            await asyncio.sleep(self.latency_s * self._random.random() * 2)
        if self.refusals and not watch and self._random.random() < 1 / 3:
            code = self._random.choice(self.refusals)
            reason = {409: "Conflict", 429: "TooManyRequests"}.get(code, "InternalError")
            status = {"kind": "Status", "reason": reason, "message": "by the proxy", "code": code}
            return web.json_response(status, status=code, headers={"Retry-After": "1"})
        while self.silent and watch:
            await asyncio.sleep(0.2)
        if self.loses_answers and request.method != "GET" and self._random.random() < 1 / 5:
            await self._carry_out(request)
            _lose(request)
            raise ConnectionResetError
        return await super()._handle(request)

    async def _carry_out(self, request: web.Request) -> None:
        url = f"{self._configuration.host}{request.path}"
        headers = {key: request.headers[key] for key in ("Accept", "Content-Type") if key in request.headers}
        body = await request.read()
        async with self._session.request(
            request.method, url, params=dict(request.query), data=body, headers=headers
        ) as answer:
            await answer.read()
