"""Sources in object stores: ranges side by side into a file, all of one version of the object."""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_contract.resources.uris import redact_uri
from videojob_worker.concurrency import side_by_side, undisturbed
from videojob_worker.storage.objects import opening
from videojob_worker.storage.objects.failures import Purpose, converted
from videojob_worker.storage.objects.opening import OpenStore, open_store

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult

    from videojob_worker.storage.base import FetchContext

RANGE_BYTES = 8 << 20
"""Length of a range: long enough that asking for it costs little, short enough to ask for several."""
_AT_ONCE = 4  # ranges of one object
_CHUNK_BYTES = 1 << 19


async def fetch(field: str, uri: str, context: FetchContext) -> int:
    """Download an object; its descriptor is all that there is of it.

    Raises:
        PermanentError: not found, forbidden, or too large.
        TransientError: the store or the network fails, the object is changed meanwhile, or the disk is full.
    """
    what = f"{field}: {redact_uri(uri)}"
    opened = open_store(what, uri, context.objects, Reason.SOURCE_FORBIDDEN, opening.READING_SILENCE_S)
    purpose = Purpose(what, opened.entry, "read", "reading", Reason.SOURCE_NOT_FOUND, Reason.SOURCE_FORBIDDEN)
    with converted(purpose), tempfile.TemporaryFile(dir=context.downloads, buffering=0) as file:
        await _download(purpose, opened, file.fileno(), context.limits.max_source_bytes)
        return os.dup(file.fileno())


async def _download(purpose: Purpose, opened: OpenStore, fd: int, most: int) -> None:
    import obstore  # noqa: PLC0415 - a worker is claimed before it needs this

    # The first request asks for all, because nobody knows yet how long it is; it is given up after its range.
    first = await obstore.get_async(opened.store, opened.key)
    size, tag = first.meta["size"], first.meta["e_tag"]
    if size > most:
        raise PermanentError(f"{purpose.what}: more than the pool's limit of {most} bytes", Reason.SOURCE_TOO_LARGE)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def get(start: int) -> None:
        end = min(start + RANGE_BYTES, size)
        async with gate:
            if start == 0:
                await _write(purpose, first, fd, 0, end)
                return
            options: GetOptions = {"range": (start, end)}
            if tag is not None and not tag.startswith("W/"):  # which no server may find equal, RFC 9110
                options["if_match"] = tag
            result = await obstore.get_async(opened.store, opened.key, options=options)
            if (result.meta["size"], result.meta["e_tag"]) != (size, tag):
                raise TransientError(f"{purpose.what}: was changed while it was read")
            await _write(purpose, result, fd, start, end)

    await side_by_side(get(start) for start in range(0, size, RANGE_BYTES))


async def _write(purpose: Purpose, result: GetResult, fd: int, start: int, end: int) -> None:
    """Write what comes to its place, and no more than was asked for."""
    async for chunk in result.stream(min_chunk_size=_CHUNK_BYTES):
        part = memoryview(chunk)[: end - start]
        # In a thread, which nobody stops: the descriptor must not be closed under it.
        await undisturbed(asyncio.to_thread(_write_all, fd, part, start))
        start += len(part)
        if start == end:
            return
    if start < end:
        raise TransientError(f"{purpose.what}: object store {purpose.entry.name} sent less than it said")


def _write_all(fd: int, part: memoryview, offset: int) -> None:
    while part:
        written = os.pwrite(fd, part, offset)
        part, offset = part[written:], offset + written
