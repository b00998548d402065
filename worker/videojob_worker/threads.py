"""Run blocking work in a thread in such a way that cancelling it is safe."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Stop(Exception):  # noqa: N818 - a signal to unwind, not an error
    """Raised by work in a thread when it sees that it was told to stop."""


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """Run `work` in a thread, and give it an event that is set when the caller is cancelled.

    The thread has ended when this returns or raises, so that what it held (files, descriptors) can be closed.
    """
    stop = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # taken, so that asyncio does not report it as lost
        raise
