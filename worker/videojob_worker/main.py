"""`videojob-worker`: the program in a worker's container.

A worker counts from the moment at which it can be claimed, so what is imported here is what that needs.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from videojob_common.errors import ConfigError
from videojob_worker import config, logs

if TYPE_CHECKING:
    from videojob_worker.assignments import AssignmentSource
    from videojob_worker.config import Settings

log = logging.getLogger("videojob.worker")


def main() -> None:
    """Serve one assignment, then end the process.

    0 when it succeeded, was cancelled or was not needed, 1 when the worker itself failed, 2 when the attempt did.
    """
    gc.disable()  # until all is loaded: to look for garbage among modules is a tenth of what loading takes
    try:
        settings = config.from_environment()
    except ConfigError as error:
        sys.exit(f"videojob-worker: {error}")
    logs.configure(settings.log_level)
    code = asyncio.run(_serve(settings))
    logging.shutdown()
    os._exit(code)  # all is closed; to take hundreds of modules apart would cost as much as loading a third of them


async def _serve(settings: Settings) -> int:
    from videojob_worker.renderer.sandbox import shield_this_process  # noqa: PLC0415
    from videojob_worker.runtime import WorkerRuntime  # noqa: PLC0415
    from videojob_worker.supervisor import supervise  # noqa: PLC0415

    shield_this_process()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        source = _source(settings, stack)
        runtime = await stack.enter_async_context(WorkerRuntime(settings))
        return await supervise(source, runtime, settings.termination_log, stop)


def _source(settings: Settings, stack: AsyncExitStack) -> AssignmentSource:
    from videojob_worker.assignments import FileAssignment, QueueAssignments  # noqa: PLC0415

    if settings.assignment is not None:
        return FileAssignment(settings.assignment)
    from videojob_contract.queue.connection import connect  # noqa: PLC0415
    from videojob_contract.queue.types import PoolKey  # noqa: PLC0415
    from videojob_contract.queue.worker import WorkerQueue  # noqa: PLC0415

    redis = connect(settings.redis_url, username=settings.redis_user, password=settings.redis_password)
    stack.push_async_callback(redis.aclose)
    pool = PoolKey(settings.namespace, settings.pool)
    return QueueAssignments(WorkerQueue(pool, redis, settings.worker, settings.job, cluster=settings.cluster))
