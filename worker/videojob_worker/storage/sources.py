"""Everything that an attempt reads, fetched side by side and held open to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import Reason, TransientError
from videojob_contract.resources.uris import redact_uri
from videojob_worker.storage import registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from videojob_worker.storage.base import FetchContext

_AT_ONCE = 4  # as many downloads as one origin is commonly asked for


@dataclass(frozen=True)
class Sources:
    """Everything that an attempt reads, open."""

    fds: Mapping[str, int]
    """Descriptors by URI."""
    _marks: Mapping[str, tuple[int, int, int]]

    def check_unchanged(self) -> None:
        """Refuse what was made from a source that somebody wrote to meanwhile.

        Raises:
            TransientError: naming the source. Another attempt reads the new content.
        """
        for uri, fd in self.fds.items():
            if _mark(fd) != self._marks[uri]:
                raise TransientError(f"{redact_uri(uri)} was changed while it was read", Reason.STORAGE_UNAVAILABLE)


@asynccontextmanager
async def fetched(
    wanted: Sequence[tuple[str, str]], context: FetchContext, on_fetched: Callable[[int], None]
) -> AsyncIterator[Sources]:
    """Fetch `(field, uri)`s side by side; they are closed at the end of the context.

    `on_fetched` is called with how many are there, after each.

    Raises:
        VideoJobError: the first failure, which stops the others.
    """
    fds: dict[str, int] = {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def fetch(field: str, uri: str) -> None:
        async with gate:
            fds[uri] = await registry.fetch(field, uri, context)
            on_fetched(len(fds))

    try:
        try:
            async with asyncio.TaskGroup() as group:
                for field, uri in wanted:
                    group.create_task(fetch(field, uri))
        except ExceptionGroup as failures:  # not `except*`: what that raises comes wrapped again
            raise _first(failures) from None
        ordered = {uri: fds[uri] for _, uri in wanted}
        yield Sources(ordered, {uri: _mark(fd) for uri, fd in ordered.items()})
    finally:
        for fd in fds.values():
            with contextlib.suppress(OSError):
                os.close(fd)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


def _mark(fd: int) -> tuple[int, int, int]:
    """Tell whether the content changed: size, and times of content and inode."""
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns, status.st_ino
