"""An upload to a store that is being written to: gathered in memory up to a part, and put part by part."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from videojob_gateway.assets.layout import folder_of_asset, kind_of_name
from videojob_gateway.assets.media_kinds import SNIFF_BYTES
from videojob_gateway.assets.store_parts import (
    MOST_OBJECTS,
    PART_BYTES,
    StoredUpload,
    asset_of,
    done_name,
    folder_of_upload,
    group,
    part_name,
    room_at,
)
from videojob_gateway.errors import (
    BusyError,
    ChecksumError,
    GatewayError,
    LockedError,
    NoSuchUploadError,
    TooLargeError,
)
from videojob_gateway.threads import blocking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from videojob_gateway.assets.layout import AssetFile, UploadRecord
    from videojob_gateway.assets.store_requests import StoreRequests

MOST_OPEN: Final = 24
"""Uploads that this process gathers parts of at a time: each has one in memory."""
MOST_FINISHED: Final = 2
"""Uploads of several parts that it makes assets of at a time."""
RENEWED: Final = 0.25
"""Share of its time after which an asset that is brought again is written again: from then on its time runs anew."""


class StoreLoad:
    """What this process has in memory of uploads to stores, and which of them it makes assets of."""

    def __init__(self) -> None:
        self._open = 0
        self._long = asyncio.Semaphore(MOST_FINISHED)
        self._finishing: set[str] = set()

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Take room for a part; raises `BusyError` when there is none."""
        if self._open >= MOST_OPEN:
            raise BusyError(f"{MOST_OPEN} files are sent to object stores here")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @asynccontextmanager
    async def finishing(self, identity: str, size_bytes: int) -> AsyncIterator[None]:
        """Wait for one's turn to write an asset; raises `LockedError` when another request does so of this upload."""
        if identity in self._finishing:
            raise LockedError("another request makes an asset of this upload; ask again when that has ended")
        self._finishing.add(identity)
        try:
            async with self._long if size_bytes > PART_BYTES else nullcontext():
                yield
        finally:
            self._finishing.discard(identity)


@dataclass(slots=True)
class StoreUpload:
    """An upload of which this request has what is still to be put: an `OpenUpload`."""

    requests: StoreRequests
    load: StoreLoad
    user: str
    id: str
    record: UploadRecord
    parts: list[tuple[int, int]]
    """Offset and length of what has been put, without a gap."""
    stays: timedelta
    """How long an asset stays."""
    remembers: bool = True
    """Whether what it has become is to be told to who asks later."""
    offset: int = field(init=False)
    _gathered: bytearray = field(default_factory=bytearray)
    _beginning: bytes = b""

    def __post_init__(self) -> None:
        self.offset = sum(size for _, size in self.parts)

    async def write(self, piece: bytes | bytearray | memoryview, *digests: Any) -> None:
        """Add bytes behind those that there are, and to digests."""
        await blocking(_count, piece, digests)
        view = memoryview(piece)
        while view:
            taken = view[: room_at(self.offset)]
            self._gathered += taken
            self.offset += len(taken)
            view = view[len(taken) :]
            if room_at(self.offset) == PART_BYTES:
                await self.flush()

    async def flush(self) -> None:
        """Put what was gathered.

        Raises:
            LockedError: somebody else has put something there.
            TooLargeError: it has come in too many pieces.
        """
        gathered, self._gathered = self._gathered, bytearray()
        if not gathered:
            return
        if len(self.parts) >= MOST_OBJECTS:
            raise TooLargeError(f"it has come in {MOST_OBJECTS} pieces; begin again, and send longer ones")
        begin = self.offset - len(gathered)
        await self.requests.put_new(self._path(part_name(begin)), gathered)
        self.parts.append((begin, len(gathered)))

    async def beginning(self) -> bytes:
        """Return the first `SNIFF_BYTES`, or what there is of them."""
        found = b""
        for offset, size in self.parts:
            if len(found) >= SNIFF_BYTES:
                break
            found += await self.requests.get(self._path(part_name(offset)), min(size, SNIFF_BYTES - len(found)))
        self._beginning = found + bytes(self._gathered[: SNIFF_BYTES - len(found)])
        return self._beginning

    async def cut(self, length: int) -> None:
        """Forget what was written behind a length."""
        kept = [part for part in self.parts if part[0] < length]
        forgotten = [self._path(part_name(offset)) for offset, _ in self.parts[len(kept) :]]
        self._gathered, self.parts, self.offset = bytearray(), kept, length
        with suppress(GatewayError):
            await self.requests.delete(forgotten)

    async def discard(self) -> None:
        """Remove it, with all that was written."""
        self._gathered = bytearray()
        if self.remembers or self.parts:
            with suppress(GatewayError):
                await self._remove()

    async def keep(self, name: str, digest: str, said: str) -> AssetFile:
        """Write it to its place, read and counted as it goes there; see `OpenUpload`."""
        if said and digest and said != digest:
            raise ChecksumError(f"its SHA-256 is {digest}, not the one that was said")
        async with self.load.finishing(self.id, self.offset):
            return await self._keep(name, digest, said)

    async def _keep(self, name: str, digest: str, said: str) -> AssetFile:
        expected = digest or said or await self._digest()
        there = await self.find(expected)
        if there is not None and datetime.now(UTC) - there.used_at < RENEWED * self.stays:
            if not digest and await self._digest() != expected:
                raise _changed(said)
        else:
            await self._put(there.name if there else name, expected, said)
            there = await self.find(expected)
        if there is None:
            raise NoSuchUploadError("it was removed meanwhile")
        self._gathered = bytearray()
        if self.remembers:
            await self.requests.put(self._path(done_name(expected, self.offset)), b"")
            self.record = self.record.model_copy(update={"asset": expected})
            await self._remove(keep=done_name(expected, self.offset))
        return there

    async def find(self, sha256: str) -> AssetFile | None:
        """Return an asset of its user's."""
        return await find_asset_in(self.requests, self.user, sha256)

    async def _put(self, name: str, digest: str, said: str) -> None:
        """Write it to its place.

        Raises:
            ChecksumError: its bytes are not those of the digest, and so are not there.
        """
        path, kind = f"{folder_of_asset(self.user, digest)}/{name}", kind_of_name(name)
        media_type = kind.media_type if kind else ""
        pieces = _Checked(self._pieces(), digest, self._beginning, said)
        if self.offset <= PART_BYTES:
            content = b"".join([piece async for piece in pieces.checked()])
            await self.requests.put(path, content, media_type)
            return
        try:
            await self.requests.send(path, pieces.checked(), PART_BYTES, media_type)
        except Exception:
            if pieces.failure is not None:
                raise pieces.failure from None
            raise

    async def _digest(self) -> str:
        digest = hashlib.sha256()
        async for piece in self._pieces():
            await blocking(digest.update, piece)
        return digest.hexdigest()

    async def _pieces(self) -> AsyncIterator[bytes]:
        """Yield its bytes in order: what has been put, and what is still here."""
        for offset, size in self.parts:
            piece = await self.requests.get(self._path(part_name(offset)), size)
            if len(piece) != size:
                raise NoSuchUploadError("it was changed meanwhile")
            yield piece
        if self._gathered:
            yield bytes(self._gathered)

    async def _remove(self, keep: str = "") -> None:
        stored = await stored_upload(self.requests, self.user, self.id)
        kept = self._path(keep)
        await self.requests.delete([path for path in stored.paths if path != kept] if stored else [])

    def _path(self, name: str) -> str:
        return f"{folder_of_upload(self.user, self.id)}/{name}"


class _Checked:
    """Bytes that are passed on, and in the end have to be those of a digest."""

    def __init__(self, pieces: AsyncIterator[bytes], expected: str, beginning: bytes, said: str) -> None:
        self._pieces = pieces
        self._expected, self._beginning, self._said = expected, beginning, said
        self.failure: GatewayError | None = None

    async def checked(self) -> AsyncIterator[bytes]:
        """Yield them, but the last as long as it is not known that they are right."""
        digest, beginning, before = hashlib.sha256(), b"", b""
        try:
            async for piece in self._pieces:
                await blocking(digest.update, piece)
                beginning += piece[: SNIFF_BYTES - len(beginning)]
                if before:
                    yield before
                before = piece
            if digest.hexdigest() != self._expected or beginning != self._beginning:
                raise _changed(self._said)
        except GatewayError as error:
            self.failure = error
            raise
        yield before


def _changed(said: str) -> ChecksumError:
    what = "its SHA-256 is not the one that was said" if said else "it was changed while it was read"
    return ChecksumError(what)


def _count(piece: bytes | bytearray | memoryview, digests: tuple[Any, ...]) -> None:
    for digest in digests:
        digest.update(piece)


async def stored_upload(requests: StoreRequests, user: str, identity: str) -> StoredUpload | None:
    """Return what there is of an upload."""
    found = [each async for each in requests.listed(folder_of_upload(user, identity))]
    return group(found).get(identity)


async def find_asset_in(requests: StoreRequests, user: str, sha256: str) -> AssetFile | None:
    """Return a user's asset."""
    async for each in requests.listed(folder_of_asset(user, sha256)):
        if (found := asset_of(each)) is not None:
            return found
    return None
