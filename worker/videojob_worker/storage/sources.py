"""Everything that an attempt reads, fetched side by side and held open to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, TransientError, VideoJobError
from videojob_contract.problems import Problem, format_problems
from videojob_contract.resources.uris import redact_uri
from videojob_worker.concurrency import side_by_side
from videojob_worker.storage import registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from videojob_worker.storage.base import FetchContext


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
        VideoJobError: naming all that is wrong on volumes, else the first download that fails, which stops the others.
    """
    fds: dict[str, int] = {}
    failures: dict[str, VideoJobError] = {}
    gates = {at_once: asyncio.Semaphore(at_once) for at_once in {registry.at_once(uri) for _, uri in wanted}}

    async def fetch(field: str, uri: str) -> None:
        async with gates[registry.at_once(uri)]:
            fds[uri] = await registry.fetch(field, uri, context)
            on_fetched(len(fds))

    async def find(field: str, uri: str) -> None:
        try:
            await fetch(field, uri)
        except VideoJobError as error:
            failures[field] = error

    try:
        # First what is there at once or never: nobody should wait for a download to hear of a misspelt name.
        await side_by_side(find(*each) for each in wanted if not registry.is_downloaded(each[1]))
        if failures:
            raise _joint({field: failures[field] for field, _ in wanted if field in failures})
        await side_by_side(fetch(*each) for each in wanted if registry.is_downloaded(each[1]))
        ordered = {uri: fds[uri] for _, uri in wanted}
        yield Sources(ordered, {uri: _mark(fd) for uri, fd in ordered.items()})
    finally:
        for fd in fds.values():
            with contextlib.suppress(OSError):
                os.close(fd)


def _joint(failures: Mapping[str, VideoJobError]) -> VideoJobError:
    """Make one error of those of several fields, a line each, of the kind of the first that no other attempt mends."""
    errors = list(failures.values())
    worst = next((error for error in errors if isinstance(error, PermanentError)), errors[0])
    if len(errors) == 1:
        return worst
    problems = [Problem(field, error.message.removeprefix(f"{field}: ")) for field, error in failures.items()]
    return type(worst)(format_problems(problems), worst.reason)


def _mark(fd: int) -> tuple[int, int, int]:
    """Tell whether the content changed: size, and times of content and inode."""
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns, status.st_ino
