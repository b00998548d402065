"""`videojob-gateway`: serves until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import uvicorn
import uvloop

from videojob_client import Client, ClientError, ConfigurationError
from videojob_common.command_line import settings_of_process
from videojob_contract.queue.connection import connect
from videojob_contract.queue.keys import rates_of
from videojob_contract.version import __version__
from videojob_gateway import logs
from videojob_gateway.app import create_app
from videojob_gateway.auth.api_keys import ApiKeys
from videojob_gateway.auth.authentication import Authentication, nobody_is_asked
from videojob_gateway.auth.kubernetes_tokens import KubernetesTokens
from videojob_gateway.auth.oidc import Issuer, fetch_json
from videojob_gateway.config import Settings
from videojob_gateway.connections import SOCKETS, Connection, listen
from videojob_gateway.gateway import Gateway
from videojob_gateway.job_cache import JobCache
from videojob_gateway.live_progress import LiveProgress
from videojob_gateway.looks import LookDesk
from videojob_gateway.rate_limits import RateLimits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from videojob_gateway.auth.authentication import Authenticate
    from videojob_gateway.live import OpenStreams

log = logging.getLogger(__name__)

LONGEST_HEAD_BYTES = 32 * 1024
"""Of the first line and the headers of a request."""
FETCH_S = 5.0
"""How long an issuer of tokens may take to answer."""


def main() -> None:
    """Run until a signal comes; exit with 1 when the settings, or an API server, are missing."""
    settings = settings_of_process("videojob-gateway", "Serves the VideoJobs of a namespace over HTTP.", Settings)
    logs.configure(settings.log_format, settings.log_level)
    # Each live client is one: most systems let a process begin with 1,024, and have as many as it asks for.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve_http(settings))
        except ConfigurationError as error:
            raise SystemExit(f"no way to reach an API server: {error}") from None


async def serve_http(settings: Settings) -> None:
    """Serve until a signal comes."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(namespace=settings.namespace, timeout_s=settings.timeout_s))
        gateway = await _gateway(settings, client, stack)
        app = create_app(gateway, await _authentication(settings, client, stack))
        app.openapi()  # which takes a second: not while others wait
        server = _Server(
            gateway.streams,
            uvicorn.Config(
                app,
                http=Connection,  # by h11, which bounds what it keeps of a head that does not end
                h11_max_incomplete_event_size=LONGEST_HEAD_BYTES,
                timeout_graceful_shutdown=settings.stop_s,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=list(settings.trusted_proxies),
                access_log=False,
                log_config=None,
                **SOCKETS,
            ),
        )
        with listen(settings.host, settings.port) as listener:
            port = listener.getsockname()[1]
            log.info("videojob-gateway %s, namespace %s, on port %d", __version__, client.namespace, port)
            await server.serve([listener])


async def _gateway(settings: Settings, client: Client, stack: AsyncExitStack) -> Gateway:
    """Return the gateway, with how workers are asked and heard, if they are; the stack closes what that needs."""
    if not settings.redis_url:
        return Gateway(settings, client, rates=RateLimits(settings.rate_limits))
    redis = connect(
        settings.redis_url,
        username=settings.redis_user or None,
        password=settings.redis_password or None,
        ca=settings.redis_ca or None,
        sentinel_password=settings.redis_sentinel_password or None,
    )
    stack.push_async_callback(redis.aclose)
    try:
        cluster = settings.cluster or await client.cluster_uid()
    except ClientError as error:
        raise SystemExit(f"VIDEOJOB_CLUSTER is not set, and the API server does not say it: {error}") from error
    cache = JobCache()
    return Gateway(
        settings,
        client,
        cache,
        ask=LookDesk(settings, redis, cluster),
        live_progress=LiveProgress(cache, redis, namespace=client.namespace, cluster=cluster),
        rates=RateLimits(settings.rate_limits, redis, rates_of(client.namespace, cluster)),
        redis=redis,
    )


async def _authentication(settings: Settings, client: Client, stack: AsyncExitStack) -> Authenticate:
    """Return how callers are known; the stack closes what that needs."""
    if not settings.knows_callers:
        return nobody_is_asked
    issuer = None
    if settings.oidc_issuer:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_S)))
        issuer = Issuer(settings, partial(fetch_json, session))
    return Authentication(
        ApiKeys(Path(settings.api_keys)) if settings.api_keys else None,
        issuer,
        KubernetesTokens(client.access_reviews, settings.token_audiences, settings.tier_of)
        if settings.kubernetes_tokens
        else None,
        max_refusals=settings.max_refusals,
    )


class _Server(uvicorn.Server):
    """Ends by SIGTERM as by itself: uvicorn's own sends the signal once more, and so ends as if it were killed."""

    def __init__(self, streams: OpenStreams, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._streams = streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and let live streams end."""
        super().handle_exit(sig, frame)
        self._streams.end_all()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop when a signal comes."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self.handle_exit, sign, None)
        yield
