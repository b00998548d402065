"""Sources: where media comes from. One module a scheme, one registry.

A fetched source is an open descriptor. Whoever can write to a volume can exchange a path; nobody can exchange
a descriptor. To add a scheme: a module with a fetcher, a line in `FETCHERS`, and the scheme in
`videojob_contract.support`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_contract.resources.uris import shown
from videojob_worker.sources import http, volume

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from videojob_worker.sources.base import Context

FETCHERS: Mapping[str, Callable[[str, str, Context], Awaitable[int]]] = {
    "volume": volume.fetch,
    "http": http.fetch,
    "https": http.fetch,
}
"""By scheme: what fetches.

`fetch(field path, uri, context)` returns an open descriptor or raises a `VideoJobError` that names both.
"""

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
                raise TransientError(f"{shown(uri)} was changed while it was read", Reason.STORAGE_UNAVAILABLE)


@asynccontextmanager
async def fetched(
    wanted: Sequence[tuple[str, str]], context: Context, on_fetched: Callable[[int], None]
) -> AsyncIterator[Sources]:
    """Fetch `(field path, uri)`s side by side; they are closed at the end of the context.

    `on_fetched` is called with how many are there, after each.

    Raises:
        VideoJobError: the first failure, which stops the others.
    """
    fds: dict[str, int] = {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def fetch(path: str, uri: str) -> None:
        async with gate:
            fds[uri] = await _fetcher(path, uri)(path, uri, context)
            on_fetched(len(fds))

    try:
        try:
            async with asyncio.TaskGroup() as group:
                for path, uri in wanted:
                    group.create_task(fetch(path, uri))
        except ExceptionGroup as failures:  # not `except*`: what that raises comes wrapped again
            raise _first(failures) from None
        ordered = {uri: fds[uri] for _, uri in wanted}
        yield Sources(ordered, {uri: _mark(fd) for uri, fd in ordered.items()})
    finally:
        for fd in fds.values():
            with contextlib.suppress(OSError):
                os.close(fd)


def _fetcher(path: str, uri: str) -> Callable[[str, str, Context], Awaitable[int]]:
    scheme = uri.partition("://")[0]
    try:
        return FETCHERS[scheme]
    except KeyError:
        raise PermanentError(f"{path}: {scheme}:// is not supported yet", Reason.NOT_SUPPORTED) from None


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


def _mark(fd: int) -> tuple[int, int, int]:
    """Tell whether the content changed: size, and times of content and inode."""
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns, status.st_ino
