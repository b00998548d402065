"""Threads that stop when their caller is cancelled, and tasks that end when they are told to."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

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
        await asyncio.wait([task])
    except asyncio.CancelledError:
        stop.set()
        with suppress(Stop):
            await undisturbed(task)
        raise
    return task.result()


async def undisturbed(work: Awaitable[T]) -> T:
    """Wait for work that must not be left half done, whoever cancels; the cancellation is raised when it is done."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    result = task.result()
    if cancelled:
        raise asyncio.CancelledError
    return result


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait until they are done."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def side_by_side(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do several things at once; the first that fails stops the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as failures:  # not `except*`: what that raises comes wrapped again
        raise _first(failures) from None


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
