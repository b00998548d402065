"""Assets and uploads in an object store: objects below the prefix of a pool's uploads, and nothing beside them.

An upload that has not come whole is its parts, so a process that is killed leaves nothing to mend. A part is put where
none is, so of two replicas that write one wins. An asset is written by one put that is seen when it is whole.
"""

from __future__ import annotations

import asyncio
import heapq
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from videojob_gateway.assets.keeping import SignedPart, SignedParts
from videojob_gateway.assets.layout import (
    ASSETS,
    DIGEST,
    STAYS_S,
    UPLOAD_ID,
    PartialUpload,
    UploadRecord,
    Usage,
    folder_of_asset,
    folder_of_assets,
    owner_of_folder,
)
from videojob_gateway.assets.store_parts import (
    MOST_PARTS,
    PART_BYTES,
    RECORD,
    StoredUpload,
    asset_of,
    contiguous,
    folder_of_upload,
    folder_of_uploads,
    group,
    missing_parts,
    part_name,
)
from videojob_gateway.assets.store_requests import MOST_LISTED
from videojob_gateway.assets.store_upload import StoreLoad, StoreUpload, find_asset_in, stored_upload
from videojob_gateway.errors import NoSuchUploadError, QuotaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from videojob_gateway.assets.layout import AssetFile, Place
    from videojob_gateway.assets.store_requests import StoreRequests

SIGNED_FOR: Final = timedelta(minutes=15)
"""How long a URL for a part is good."""
_RECORD_BYTES: Final = 4096
_STAYS: Final = timedelta(seconds=STAYS_S)


@dataclass(frozen=True, slots=True)
class StoreKeeper:
    """Keeps media below a prefix of a store, as all replicas see it: a `MediaKeeper`."""

    requests: StoreRequests
    load: StoreLoad
    stays: timedelta
    """How long an asset stays."""

    @property
    def most_bytes(self) -> int:
        """How long a file may be."""
        return MOST_PARTS * PART_BYTES

    async def create(self, user: str, record: UploadRecord) -> PartialUpload:
        """Make an upload of which nothing has come."""
        identity = secrets.token_hex(16)
        await self.requests.put(f"{folder_of_upload(user, identity)}/{RECORD}", record.model_dump_json().encode())
        return PartialUpload(identity, record, 0, (datetime.now(UTC) + _STAYS).timestamp())

    async def look(self, user: str, identity: str) -> PartialUpload:
        """Return an upload."""
        return (await self._known(user, identity))[1]

    async def partial(self, user: str) -> list[PartialUpload]:
        """Return a user's uploads that have not come whole."""
        found = [each async for each in self.requests.listed(folder_of_uploads(user))]
        stored = group(found)
        old = [each for each in stored.values() if _is_old(each)]
        await self.requests.delete([path for each in old for path in each.paths])
        if len(found) >= MOST_LISTED:
            raise QuotaError(f"your uploads have {MOST_LISTED} parts that have not become assets; end or remove some")
        open_ = [each for each in stored.values() if each.has_record and not each.asset and not _is_old(each)]
        uploads = await asyncio.gather(*(self._upload(user, each) for each in open_))
        return [each for each in uploads if each is not None]

    @asynccontextmanager
    async def opened(self, user: str, identity: str) -> AsyncIterator[StoreUpload]:
        """Open an upload; whoever else writes to it meanwhile finds parts that are there."""
        stored, partial = await self._unfinished(user, identity)
        parts = list(contiguous(stored.sizes, partial.record.length))
        with self.load.gathering():
            upload = StoreUpload(self.requests, self.load, user, identity, partial.record, parts, self.stays)
            try:
                yield upload
            finally:
                await upload.flush()  # whatever ended it, what has come stays

    @asynccontextmanager
    async def at_once(self, user: str, record: UploadRecord) -> AsyncIterator[StoreUpload]:
        """Open an upload of which nothing stays but the asset."""
        identity = secrets.token_hex(16)
        with self.load.gathering():
            upload = StoreUpload(self.requests, self.load, user, identity, record, [], self.stays, remembers=False)
            try:
                yield upload
            finally:
                await upload.discard()

    async def remove_upload(self, user: str, identity: str) -> None:
        """Remove an upload, whoever writes to it."""
        stored, _ = await self._known(user, identity)
        await self.requests.delete(stored.paths)

    async def signed_parts(self, user: str, identity: str, most: int) -> SignedParts:
        """Return up to so many parts that have not come, to be put to the store."""
        stored, partial = await self._unfinished(user, identity)
        missing, until = missing_parts(stored.sizes, partial.record.length), datetime.now(UTC) + SIGNED_FOR
        folder = folder_of_upload(user, identity)
        parts = [
            SignedPart(
                number=offset // PART_BYTES + 1,
                offset=offset,
                size_bytes=size,
                url=await self.requests.signed_put(f"{folder}/{part_name(offset)}", SIGNED_FOR),
                headers=self.requests.put_headers,
            )
            for offset, size in missing[:most]
        ]
        return SignedParts(PART_BYTES, len(missing), until, tuple(parts))

    async def find(self, user: str, sha256: str) -> AssetFile | None:
        """Return a user's asset."""
        return await find_asset_in(self.requests, user, sha256) if DIGEST.fullmatch(sha256) else None

    async def holder_of(self, sha256: str) -> str | None:
        """Return a user who has an asset."""
        for folder in await self.requests.folders(ASSETS):
            if (user := owner_of_folder(folder)) is not None and await self.find(user, sha256) is not None:
                return user
        return None

    async def page(self, user: str | None, most: int, before: Place | None) -> tuple[list[AssetFile], Place | None]:
        """Return assets, the newest first, and where the next page goes on."""
        folder = ASSETS if user is None else folder_of_assets(user)
        assets = {
            _place(found): found async for each in self.requests.listed(folder) if (found := asset_of(each)) is not None
        }
        newest = heapq.nlargest(most + 1, (place for place in assets if before is None or place < before))
        shown = newest[:most]
        return [assets[place] for place in shown], shown[-1] if len(newest) > most else None

    async def usage(self, user: str) -> Usage:
        """Return how much a user has."""
        count = size_bytes = 0
        async for each in self.requests.listed(folder_of_assets(user)):
            if asset_of(each) is not None:
                count, size_bytes = count + 1, size_bytes + each.size_bytes
        return Usage(count, size_bytes)

    async def remove(self, user: str, sha256: str) -> None:
        """Remove a user's asset."""
        found = self.requests.listed(folder_of_asset(user, sha256))
        await self.requests.delete([each.path async for each in found])

    async def _unfinished(self, user: str, identity: str) -> tuple[StoredUpload, PartialUpload]:
        """Return an upload that has become no asset yet; raises as `_known`."""
        stored, partial = await self._known(user, identity)
        if stored.asset:
            raise NoSuchUploadError("the upload has come whole")
        return stored, partial

    async def _known(self, user: str, identity: str) -> tuple[StoredUpload, PartialUpload]:
        """Return an upload; raises `NoSuchUploadError` when there is none, or its time is over."""
        stored = await stored_upload(self.requests, user, identity) if UPLOAD_ID.fullmatch(identity) else None
        partial = None if stored is None or _is_old(stored) else await self._upload(user, stored)
        if stored is None or partial is None:
            raise NoSuchUploadError("there is no such upload, or its time is over")
        return stored, partial

    async def _upload(self, user: str, stored: StoredUpload) -> PartialUpload | None:
        """Return an upload as it is shown; None where it has no record that can be read."""
        expires_at = (stored.touched_at + _STAYS).timestamp()
        if stored.asset:
            record = UploadRecord(length=stored.length, asset=stored.asset)
            return PartialUpload(stored.id, record, stored.length, expires_at)
        try:
            content = await self.requests.get(f"{folder_of_upload(user, stored.id)}/{RECORD}", _RECORD_BYTES)
            record = UploadRecord.model_validate_json(content)
        except (NoSuchUploadError, ValidationError):
            return None
        offset = sum(size for _, size in contiguous(stored.sizes, record.length))
        return PartialUpload(stored.id, record, offset, expires_at)


def _is_old(stored: StoredUpload) -> bool:
    return stored.touched_at + _STAYS < datetime.now(UTC)


def _place(asset: AssetFile) -> Place:
    return round(asset.created_at.timestamp() * 1_000_000_000), asset.sha256, asset.user
