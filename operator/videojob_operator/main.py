"""The program `videojob-operator`: kopf watches, work queues reconcile, one HTTP port tells how it goes."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import kopf
import uvloop
from kubernetes.aio.config import ConfigException

from videojob_common.command_line import settings_of_process
from videojob_contract.queue.connection import connect
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey
from videojob_contract.version import __version__
from videojob_operator import logs
from videojob_operator.act.cluster import cluster_of
from videojob_operator.act.kubernetes import Kubernetes, load_configuration
from videojob_operator.config import Settings
from videojob_operator.handlers.settings import login_with
from videojob_operator.handlers.settings import settings as kopf_settings
from videojob_operator.handlers.watches import registry_of
from videojob_operator.health import HealthServer
from videojob_operator.operator import Operator
from videojob_operator.queue_listener import UnreadableListener
from videojob_operator.traces import Traces

log = logging.getLogger(__name__)


def main() -> None:
    """Run until SIGTERM or SIGINT; exit with 1 when the settings, or a part, cannot be mended from inside."""
    settings = settings_of_process("videojob-operator", "Turns VideoJobs into work for render workers.", Settings)
    logs.configure(settings.log_format, settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(run(settings))
        except ConfigException as error:
            raise SystemExit(f"no way to reach an API server: {error}") from None


async def run(settings: Settings) -> None:
    """Run the operator until a signal comes or a part of it fails."""
    configuration = await load_configuration()
    async with AsyncExitStack() as stack:
        kubernetes = await stack.enter_async_context(Kubernetes(configuration))
        redis = connect(
            settings.redis_url,
            username=settings.redis_user or None,
            password=settings.redis_password or None,
            ca=settings.redis_ca or None,
            sentinel_password=settings.redis_sentinel_password or None,
        )
        stack.push_async_callback(redis.aclose)
        if not settings.cluster:
            settings = settings.model_copy(update={"cluster": await cluster_of(kubernetes)})
        cluster = settings.cluster

        def queue_of(pool: PoolKey, token: Callable[[], int | None]) -> OperatorQueue:
            return OperatorQueue(pool, redis, cluster=cluster, token=token, on_unreadable=UnreadableListener(pool))

        traces = Traces.from_environment()
        stack.push_async_callback(traces.close)
        operator = Operator(settings, kubernetes, queue_of, lambda: datetime.now(UTC), traces=traces)
        server = await stack.enter_async_context(HealthServer(operator.health, settings.metrics_port))
        log.info("videojob-operator %s, /metrics and /healthz on port %d", __version__, server.port)
        await operator.fill()
        work = asyncio.create_task(operator.run(), name="operator")
        failed = asyncio.Event()
        work.add_done_callback(lambda _: failed.set())
        registry = registry_of(operator.informer, operator.watch_delivered, login_with(configuration))

        # kopf waits for every task that began after it. Ours end here, in its own shutdown, rather than by
        # its patience.
        @kopf.on.cleanup(registry=registry)
        async def stop(**_: Any) -> None:
            work.cancel()
            await asyncio.wait([work])
            await operator.release()
            await stack.aclose()

        await kopf.operator(
            registry=registry,
            settings=kopf_settings(),
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            stop_flag=failed,
        )
        if not work.cancelled() and (error := work.exception()):
            log.critical("a part of the operator failed", exc_info=error)
            raise SystemExit(1)
