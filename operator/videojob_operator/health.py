"""Whether the operator moves: /healthz and /readyz for Kubernetes, and /metrics beside them.

It fails when a work queue stands still, however long it is, or when a watch has delivered nothing and no resync could
confirm that there was nothing to deliver.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

from aiohttp import web

from videojob_operator import metrics


class Waiting(Protocol):
    """A work queue, as far as its health goes."""

    name: str

    @property
    def oldest_age_s(self) -> float:
        """Age of its oldest key, in seconds."""

    @property
    def stalled_s(self) -> float:
        """For how long it has not moved, in seconds."""


class Health:
    """What is known of the operator's own state."""

    def __init__(
        self,
        queues: Sequence[Waiting],
        *,
        watch_limit_s: float,
        queue_limit_s: float,
        on_measure: Callable[[], None],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._queues = queues
        self._on_measure = on_measure
        self._leads = leads
        self._watch_limit_s = watch_limit_s
        self._queue_limit_s = queue_limit_s
        self._alive_at: dict[str, float] = {}

    def watch_alive(self, plural: str) -> None:
        """A watch delivered an event, or was found to have missed nothing."""
        self._alive_at[plural] = asyncio.get_running_loop().time()

    @property
    def role(self) -> str:
        """What this replica is there for."""
        return "leader" if self._leads() else "standby"

    def problems(self) -> list[str]:
        """Everything that stands still."""
        self.measure()
        now = asyncio.get_running_loop().time()
        watches = [
            f"the watch of {plural} stands still since {now - at:.0f} s"
            for plural, at in self._alive_at.items()
            if now - at > self._watch_limit_s
        ]
        keys = [
            f"the work queue {queue.name} stands still since {queue.stalled_s:.0f} s"
            for queue in self._queues
            if queue.stalled_s > self._queue_limit_s
        ]
        return watches + keys

    def measure(self) -> None:
        """Bring the gauges up to date that are not set when something happens."""
        self._on_measure()
        now = asyncio.get_running_loop().time()
        for plural, at in self._alive_at.items():
            metrics.watch_age(plural, now - at)
        for queue in self._queues:
            metrics.oldest_key(queue.name, queue.oldest_age_s)


class HealthServer:
    """Serves them, over HTTP; `port` is the real one once started."""

    def __init__(self, health: Health, port: int) -> None:
        self._health = health
        self.port = port
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, port=self.port)
        await site.start()
        addresses: list[Any] = self._runner.addresses
        self.port = addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        problems = self._health.problems()
        return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)

    async def _readyz(self, _: web.Request) -> web.Response:
        problems = self._health.problems()
        return web.Response(text="\n".join(problems) or self._health.role, status=503 if problems else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        self._health.measure()
        body, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})
