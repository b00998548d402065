"""The operator's parts that run for as long as it does: what ends one of them is no reason for the others to end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from videojob_operator import metrics

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


async def keep_up(part: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do work that should never end, and again when it fails, until cancelled.

    The wait before that doubles with each failure, up to a minute; it is short again once `work` went on for longer.
    """
    now, wait_s = asyncio.get_running_loop().time, FIRST_WAIT_S
    metrics.part_started(part)
    while True:
        started = now()
        try:
            await work()
        except Exception:
            log.exception("the %s failed, and is started again", part)
            metrics.part_failed(part)
        if now() - started > LONGEST_WAIT_S:
            wait_s = FIRST_WAIT_S
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
