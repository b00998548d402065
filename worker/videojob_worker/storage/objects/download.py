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
from videojob_worker.storage.source_cache import descriptor, name_of_content, write_all

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ObjectMeta

    from videojob_worker.storage.base import FetchContext
    from videojob_worker.storage.source_cache import SourceCache

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
    with converted(purpose):
        first = await _ask(purpose, opened, context.limits.max_source_bytes)
        if context.cache is not None and (name := _name(opened, first.meta)) is not None:
            kept = await _through_cache(purpose, opened, first, context.cache, name)
            if kept is not None:
                return kept
            first = await _ask(purpose, opened, context.limits.max_source_bytes)
        with tempfile.TemporaryFile(dir=context.downloads, buffering=0) as file:
            await _download(purpose, opened, first, file.fileno())
            return os.dup(file.fileno())


async def _ask(purpose: Purpose, opened: OpenStore, most: int) -> GetResult:
    """Return the beginning of an answer, of which nothing was read."""
    import obstore  # noqa: PLC0415 - a worker is claimed before it needs this

    # It asks for all, because nobody knows yet how long that is, and is given up after its range.
    first = await obstore.get_async(opened.store, opened.key)
    if first.meta["size"] > most:
        raise PermanentError(f"{purpose.what}: more than the pool's limit of {most} bytes", Reason.SOURCE_TOO_LARGE)
    return first


async def _through_cache(
    purpose: Purpose, opened: OpenStore, first: GetResult, cache: SourceCache, name: str
) -> int | None:
    """Return a descriptor of what the cache has, or is given now; None where its disk does not let it."""
    size = first.meta["size"]
    found = await descriptor(lambda: cache.find(name, size))
    fd = await descriptor(lambda: cache.begin(size)) if found is None else None
    if fd is None:
        return found
    try:
        await _download(purpose, opened, first, fd)
        return await descriptor(lambda: cache.keep(fd, name, size))
    except OSError as error:
        if error.errno is None:  # the store's
            raise
        return None
    finally:
        os.close(fd)


def _name(opened: OpenStore, meta: ObjectMeta) -> str | None:
    """Return the name of a version of an object; None where it has nothing that tells it from another."""
    tag = meta["e_tag"]
    if not tag or tag.startswith("W/"):
        return None
    entry = opened.entry
    place = (entry.provider.value, entry.endpoint or "", entry.account or "", entry.bucket, opened.key)
    return name_of_content(*place, tag, meta.get("version") or "", meta["size"])


async def _download(purpose: Purpose, opened: OpenStore, first: GetResult, fd: int) -> None:
    """Write an object to a file, all of the version of which `first` is the answer."""
    import obstore  # noqa: PLC0415 - as above

    size, tag = first.meta["size"], first.meta["e_tag"]
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
        await undisturbed(asyncio.to_thread(write_all, fd, part, start))
        start += len(part)
        if start == end:
            return
    if start < end:
        raise TransientError(f"{purpose.what}: object store {purpose.entry.name} sent less than it said")
