"""One object on its way to a store: sent in parts that nobody sees, and there at once when it is committed.

obstore completes an upload when what it reads from ends. So what it reads from here waits, when all is given, until
somebody decides: then it ends, or fails, upon which obstore aborts the upload. Before either, the parts on their way
have to be done with, because a server may keep one that comes after the abort. obstore does not tell when; but it lets
go of the memory of each part.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import weakref
from typing import TYPE_CHECKING, Any

from videojob_worker.concurrency import Stop, undisturbed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from obstore import Attributes, PutResult
    from obstore.store import ObjectStore

PART_BYTES = 8 << 20
"""Least length of a part of what is longer; S3 takes none below 5 MiB."""
_MOST_PARTS = 9_999  # of S3's 10,000, one is for what is left over
_PARTS_AT_ONCE = 8
_LAST_PARTS_S = 3.0
"""How long to wait for parts on their way of an upload that is given up."""
_ABORT_S = 10.0
"""How long to wait for its end."""


def part_length(size_bytes: int) -> int:
    """Return how long the parts of a file are: all alike, at most 10,000, and leaving fewer bytes than there are parts.

    Those are all that is sent after somebody decided.
    """
    return max(1, size_bytes // min(max(1, size_bytes // PART_BYTES), _MOST_PARTS))


class _Part(bytearray):
    """The memory of a part; other than bytes, it can be watched."""


class _OnTheirWay:
    """Counts the parts that obstore holds."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    def add(self, part: _Part) -> None:
        """Count a part until nobody holds it."""
        self._count += 1
        self._none.clear()
        weakref.finalize(part, self._let_go).atexit = False

    async def wait_for_none(self) -> None:
        """Wait until all are there, or have failed."""
        await self._none.wait()

    def _let_go(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._remove)

    def _remove(self) -> None:
        self._count -= 1
        if not self._count:
            self._none.set()


class Upload:
    """A file that is being sent under its key."""

    def __init__(
        self,
        store: ObjectStore,
        key: str,
        fd: int,
        *,
        attributes: Attributes,
        tags: dict[str, str],
        on_bytes: Callable[[int], None],
    ) -> None:
        """Take over the descriptor `fd`, which is closed when the upload has ended."""
        self._store = store
        self._key = key
        self._fd = fd
        self._attributes = attributes
        self._tags = tags
        self._on_bytes = on_bytes
        self._digest = hashlib.sha256()
        self._on_their_way = _OnTheirWay()
        self._given = asyncio.Event()
        self._wanted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._sending: asyncio.Task[PutResult] | None = None
        self.size_bytes = os.fstat(fd).st_size
        self._part_bytes = part_length(self.size_bytes)

    @property
    def sha256(self) -> str:
        """The digest of what was sent, in hex."""
        return self._digest.hexdigest()

    async def send(self) -> None:
        """Send all of it; nobody sees it yet.

        Raises:
            obstore.exceptions.BaseError, OSError: it cannot be sent.
        """
        import obstore  # noqa: PLC0415 - a worker is claimed before it needs this

        self._sending = sending = asyncio.ensure_future(
            obstore.put_async(
                self._store,
                self._key,
                self._parts(),
                attributes=self._attributes,
                tags=self._tags,
                use_multipart=True,
                chunk_size=self._part_bytes,
                max_concurrency=_PARTS_AT_ONCE,
            )
        )
        given = asyncio.ensure_future(self._given.wait())
        try:
            await asyncio.wait({sending, given}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            given.cancel()
        if sending.done():
            sending.result()

    async def put(self) -> None:
        """Send all of it, and give it its name at once: in one request, when it is short.

        Raises:
            obstore.exceptions.BaseError, OSError: it cannot be sent.
        """
        import obstore  # noqa: PLC0415 - a worker is claimed before it needs this

        if self.size_bytes > PART_BYTES:
            await self.send()
            await self.commit()
            return
        content = bytearray(self.size_bytes)
        await undisturbed(asyncio.to_thread(self._read_into, content, 0))
        await undisturbed(  # a request that is let go of may still be done, after what it made was removed
            obstore.put_async(
                self._store, self._key, content, attributes=self._attributes, tags=self._tags, use_multipart=False
            )
        )
        self._on_bytes(len(content))

    async def commit(self) -> None:
        """Give it its name, in place of what had it.

        Raises:
            obstore.exceptions.BaseError: it cannot be sent to its end, and is given up.
        """
        await self._decide(wanted=True)
        self.close()

    async def discard(self) -> None:
        """Give it up, unless it is committed; may be called at any time, and more than once."""
        with contextlib.suppress(Exception):
            await undisturbed(asyncio.wait_for(self._decide(wanted=False), _ABORT_S))
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    async def _decide(self, *, wanted: bool) -> None:
        if not self._wanted.done():
            self._wanted.set_result(wanted)
        if self._sending is not None:
            await asyncio.wait([self._sending])  # which leaves it alone when this is cancelled: it has to abort
            self._sending.result()

    async def _parts(self) -> AsyncIterator[bytes | bytearray]:
        sent = 0
        while sent < self.size_bytes and not self._wanted.done():
            length = min(self._part_bytes, self.size_bytes - sent)
            yield await self._part(sent, length)  # and keep no name for it
            sent += length
            self._on_bytes(length)
        await self._parts_there()
        self._given.set()
        if not await self._wanted or sent < self.size_bytes:
            raise Stop

    async def _parts_there(self) -> None:
        """Wait for the parts on their way: to their end, but not for long when the upload is given up."""
        none: asyncio.Future[Any] = asyncio.ensure_future(self._on_their_way.wait_for_none())
        await asyncio.wait([none, self._wanted], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([none], timeout=_LAST_PARTS_S)
        none.cancel()

    async def _part(self, offset: int, length: int) -> bytes | bytearray:
        part = _Part(length)
        await undisturbed(asyncio.to_thread(self._read_into, part, offset))
        if length < self._part_bytes:  # what is left over, which obstore holds to the end
            return bytes(part)
        self._on_their_way.add(part)
        return part

    def _read_into(self, part: bytearray, offset: int) -> None:
        with memoryview(part) as whole:
            view = whole
            while view:
                count = os.preadv(self._fd, [view], offset)
                if not count:
                    raise OSError("the file was cut while it was sent")
                view, offset = view[count:], offset + count
        self._digest.update(part)
