"""Assets and uploads in a folder of a volume: what `asset_files` and `partial_files` do, in threads."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from videojob_common.safe_open import UnsafePathError
from videojob_gateway.assets import asset_files, partial_files
from videojob_gateway.assets.layout import Usage
from videojob_gateway.assets.media_kinds import SNIFF_BYTES
from videojob_gateway.errors import ChecksumError, NoRoomError, NoSuchUploadError, NotInStoreError, VolumeError
from videojob_gateway.threads import blocking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from videojob_gateway.assets.keeping import SignedParts
    from videojob_gateway.assets.layout import AssetFile, PartialUpload, Place, UploadRecord
    from videojob_gateway.assets.partial_files import LockedFile

    T = TypeVar("T")

READ_BYTES: Final = 1024 * 1024
"""So much is read at once."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class VolumeUpload:
    """An upload whose file is locked: an `OpenUpload`."""

    root: Path
    user: str
    locked: LockedFile

    @property
    def id(self) -> str:
        """What it is known by."""
        return self.locked.id

    @property
    def record(self) -> UploadRecord:
        """What it is to become."""
        return self.locked.record

    @property
    def offset(self) -> int:
        """How many bytes there are."""
        return self.locked.offset

    async def write(self, piece: bytes | bytearray | memoryview, *digests: Any) -> None:
        """Add bytes behind those that there are, and to digests."""
        await _in_thread(_write, self.locked, piece, *digests)

    async def beginning(self) -> bytes:
        """Return the first `SNIFF_BYTES`, or what there is of them."""
        return await _in_thread(os.pread, self.locked.file, SNIFF_BYTES, 0)

    async def cut(self, length: int) -> None:
        """Forget what was written behind a length."""
        with suppress(OSError):
            await blocking(os.ftruncate, self.locked.file, length)

    async def discard(self) -> None:
        """Remove it, with all that was written."""
        with suppress(NoSuchUploadError, OSError, UnsafePathError):
            await blocking(partial_files.remove_upload, self.root, self.user, self.id)

    async def keep(self, name: str, digest: str, said: str) -> AssetFile:
        """Rename it to its place; see `OpenUpload`."""
        return await _in_thread(self._keep, name, digest, said)

    def _keep(self, name: str, digest: str, said: str) -> AssetFile:
        locked = self.locked
        os.fsync(locked.file)
        found = digest or _digest(locked.file)
        if said and said != found:
            raise ChecksumError(f"its SHA-256 is {found}, not the one that was said")
        asset = asset_files.put_in_place(self.root, locked.folder, locked.id, user=self.user, sha256=found, name=name)
        partial_files.complete(locked, found)
        return asset


@dataclass(frozen=True, slots=True)
class VolumeKeeper:
    """Keeps media in a folder, as all replicas see it: a `MediaKeeper`."""

    root: Path
    """Where the place of uploads is mounted."""

    async def create(self, user: str, record: UploadRecord) -> PartialUpload:
        """Make an upload of which nothing has come."""
        return await _in_thread(partial_files.create, self.root, user, record)

    async def look(self, user: str, identity: str) -> PartialUpload:
        """Return an upload."""
        return await _in_thread(partial_files.look, self.root, user, identity)

    async def partial(self, user: str) -> list[PartialUpload]:
        """Return a user's uploads that have not come whole."""
        found = await _in_thread(partial_files.every, self.root, user)
        return [upload for upload in found if not upload.record.asset]

    @asynccontextmanager
    async def opened(self, user: str, identity: str) -> AsyncIterator[VolumeUpload]:
        """Open an upload, which nobody else writes to meanwhile."""
        context = partial_files.opened(self.root, user, identity)
        with _of_file_system():
            locked = await blocking(context.__enter__)
            try:
                yield VolumeUpload(self.root, user, locked)
            except BaseException as error:
                await blocking(context.__exit__, type(error), error, error.__traceback__)
                raise
            await blocking(context.__exit__, None, None, None)

    @asynccontextmanager
    async def at_once(self, user: str, record: UploadRecord) -> AsyncIterator[VolumeUpload]:
        """Open an upload of which nothing stays but the asset."""
        partial = await self.create(user, record)
        async with self.opened(user, partial.id) as upload:
            try:
                yield upload
            finally:
                await upload.discard()

    async def remove_upload(self, user: str, identity: str) -> None:
        """Remove an upload, whoever writes to it."""
        await _in_thread(partial_files.remove_upload, self.root, user, identity)

    async def signed_parts(self, user: str, identity: str, most: int) -> SignedParts:
        """Refuse: who puts parts puts them to a store."""
        del most
        await self.look(user, identity)
        raise NotInStoreError("the uploads of this pool are in a volume: send the bytes here, by tus")

    async def find(self, user: str, sha256: str) -> AssetFile | None:
        """Return a user's asset."""
        return await _in_thread(asset_files.find_file, self.root, user, sha256)

    async def holder_of(self, sha256: str) -> str | None:
        """Return a user who has an asset."""
        return await _in_thread(asset_files.holder_of, self.root, sha256)

    async def page(self, user: str | None, most: int, before: Place | None) -> tuple[list[AssetFile], Place | None]:
        """Return assets, the newest first, and where the next page goes on."""
        return await _in_thread(_page, self.root, user, most, before)

    async def usage(self, user: str) -> Usage:
        """Return how much a user has."""
        return await _in_thread(_usage, self.root, user)

    async def remove(self, user: str, sha256: str) -> None:
        """Remove a user's asset."""
        await _in_thread(asset_files.remove_file, self.root, user, sha256)


async def _in_thread(call: Callable[..., T], *args: Any) -> T:
    with _of_file_system():
        return await blocking(call, *args)


@contextmanager
def _of_file_system() -> Iterator[None]:
    """Turn what the file system says into errors of ours.

    Raises:
        NoRoomError: the volume is full.
        NoSuchUploadError: what was there is gone.
        VolumeError: anything else.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchUploadError("it was removed meanwhile") from error
    except UnsafePathError as error:
        raise VolumeError("the place of uploads is not as it should be: a link or a file is in the way") from error
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoomError("the volume of uploads is full; what has come stays") from error
        raise VolumeError(f"the volume of uploads fails: {os.strerror(error.errno or 0)}") from error


def _write(locked: LockedFile, piece: bytes | bytearray | memoryview, *digests: Any) -> None:
    for digest in digests:
        digest.update(piece)
    view = memoryview(piece)
    while view:
        count = os.pwrite(locked.file, view, locked.offset)
        locked.offset += count
        view = view[count:]


def _digest(file: int) -> str:
    digest, at = hashlib.sha256(), 0
    while chunk := os.pread(file, READ_BYTES, at):
        digest.update(chunk)
        at += len(chunk)
    return digest.hexdigest()


def _usage(root: Path, user: str) -> Usage:
    places = asset_files.newest(root, user)
    found = [asset_files.find_file(root, user, digest) for _, digest, _ in places]
    return Usage(len(found), sum(asset.size_bytes for asset in found if asset))


def _page(root: Path, owner: str | None, most: int, before: Place | None) -> tuple[list[AssetFile], Place | None]:
    items: list[AssetFile] = []
    last = None
    for entry in asset_files.newest(root, owner):
        if before is not None and entry >= before:
            continue
        if len(items) == most:
            return items, last
        _, digest, user = entry
        if (found := asset_files.find_file(root, user, digest)) is not None:
            items.append(found)
            last = entry
    return items, None
