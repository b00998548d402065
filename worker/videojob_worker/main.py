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
    from videojob_worker.attending import Bench
    from videojob_worker.config import Settings

log = logging.getLogger("videojob.worker")


def main() -> None:
    """Serve one assignment, then end the process.

    0 when it succeeded, was cancelled or was not needed, 1 when the worker itself failed, 2 when the attempt did.
    """
    if len(sys.argv) > 1:
        _answer_arguments()
    gc.disable()  # until all is loaded: to look for garbage among modules is a tenth of what loading takes
    try:
        settings = config.from_environment()
    except ConfigError as error:
        sys.exit(f"videojob-worker: {error}")
    logs.configure(settings.log_level)
    code = asyncio.run(_serve(settings))
    logging.shutdown()
    os._exit(code)  # all is closed; to take hundreds of modules apart would cost as much as loading a third of them


def _answer_arguments() -> None:
    """Tell what this is, and end."""
    import argparse  # noqa: PLC0415 - workers have no arguments

    from videojob_contract.version import __version__  # noqa: PLC0415

    parser = argparse.ArgumentParser(
        prog="videojob-worker",
        description="Renders one VideoJob of a RenderPool, and exits.",
        epilog="The operator starts it, in a Job, and tells it all by variables of the environment. "
        "To render without a cluster: videojob render FILE.",
    )
    parser.add_argument("--version", action="version", version=f"videojob-worker {__version__}")
    parser.parse_args()


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
        source, bench = _source(settings, stack)
        runtime = await stack.enter_async_context(WorkerRuntime(settings))
        return await supervise(source, runtime, settings.termination_log, stop, bench)


def _source(settings: Settings, stack: AsyncExitStack) -> tuple[AssignmentSource, Bench | None]:
    """Return where the attempt comes from, and where what is looked at meanwhile."""
    from videojob_worker.assignments import FileAssignment, QueueAssignments  # noqa: PLC0415

    if settings.assignment is not None and not settings.redis_url:
        return FileAssignment(settings.assignment, None), None
    from videojob_contract.queue.connection import connect  # noqa: PLC0415
    from videojob_contract.queue.inspections import InspectionBench  # noqa: PLC0415
    from videojob_contract.queue.types import PoolKey  # noqa: PLC0415
    from videojob_contract.queue.worker import WorkerQueue  # noqa: PLC0415

    redis = connect(
        settings.redis_url,
        username=settings.redis_user,
        password=settings.redis_password,
        ca=settings.redis_ca,
        sentinel_password=settings.redis_sentinel_password,
    )
    stack.push_async_callback(redis.aclose)
    pool = PoolKey(settings.namespace, settings.pool)
    queue = WorkerQueue(pool, redis, settings.worker, settings.job, cluster=settings.cluster)
    if settings.assignment is not None:
        return FileAssignment(settings.assignment, queue), None
    return QueueAssignments(queue), InspectionBench(pool, redis, cluster=settings.cluster)
