"""What a place of uploads has to do, whether it is a volume or an object store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from videojob_gateway.assets.layout import AssetFile, PartialUpload, Place, UploadRecord, Usage


class OpenUpload(Protocol):
    """An upload that is being written to."""

    @property
    def id(self) -> str:
        """What it is known by."""

    @property
    def record(self) -> UploadRecord:
        """What it is to become."""

    @property
    def offset(self) -> int:
        """How many bytes there are, without a gap."""

    async def write(self, piece: bytes | bytearray | memoryview, *digests: Any) -> None:
        """Add bytes behind those that there are, and to digests; raises as `MediaKeeper` says, and `LockedError`."""

    async def beginning(self) -> bytes:
        """Return the first `SNIFF_BYTES`, or what there is of them."""

    async def cut(self, length: int) -> None:
        """Forget what was written behind a length; what cannot be forgotten stays."""

    async def discard(self) -> None:
        """Remove it, with all that was written; what cannot be removed goes when its time is over."""

    async def keep(self, name: str, digest: str, said: str) -> AssetFile:
        """Make an asset of it, there whole or not at all; the same bytes are the asset that there is.

        Args:
            name: what it is to be called.
            digest: the SHA-256 of its bytes, in hex; empty where not all of them came here.
            said: what its sender says that that is; empty for nothing.

        Raises:
            ChecksumError: it is another.
            NoSuchUploadError: it is gone.
        """


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A part of an upload that its sender may put straight to the store."""

    number: int
    offset: int
    size_bytes: int
    url: str
    headers: Mapping[str, str]
    """What is to be sent with it."""


@dataclass(frozen=True, slots=True)
class SignedParts:
    """The first of the parts that have not come."""

    part_bytes: int
    """How long each is, but the last of a file."""
    missing: int
    """How many have not come."""
    expires_at: datetime
    """Until when the URLs are good."""
    parts: tuple[SignedPart, ...]


class MediaKeeper(Protocol):
    """Keeps assets and uploads.

    All raise `NoSuchUploadError` where what was there is gone, `NoRoomError` where it is full, and `VolumeError`,
    `StoreFailsError` or `StoreRefusesError` for what else its volume or store says.
    """

    async def create(self, user: str, record: UploadRecord) -> PartialUpload:
        """Make an upload of which nothing has come."""

    async def look(self, user: str, identity: str) -> PartialUpload:
        """Return an upload; raises `NoSuchUploadError` when there is none, or it has expired."""

    async def partial(self, user: str) -> list[PartialUpload]:
        """Return a user's uploads that have not come whole; those that have expired are removed."""

    def opened(self, user: str, identity: str) -> AbstractAsyncContextManager[OpenUpload]:
        """Open an upload to be written to.

        Raises:
            NoSuchUploadError: there is none, it has expired, or it has become an asset.
            LockedError: somebody writes to it.
        """

    def at_once(self, user: str, record: UploadRecord) -> AbstractAsyncContextManager[OpenUpload]:
        """Open an upload that is to come by one request, of which nothing stays but the asset; raises as `opened`."""

    async def remove_upload(self, user: str, identity: str) -> None:
        """Remove an upload, whoever writes to it; raises `NoSuchUploadError` when there is none."""

    async def signed_parts(self, user: str, identity: str, most: int) -> SignedParts:
        """Return up to so many parts that have not come, to be put to the store.

        Raises:
            NoSuchUploadError: there is none, it has expired, or it has become an asset.
            NotInStoreError: it is in none.
        """

    async def find(self, user: str, sha256: str) -> AssetFile | None:
        """Return a user's asset."""

    async def holder_of(self, sha256: str) -> str | None:
        """Return a user who has an asset; None when nobody has."""

    async def page(self, user: str | None, most: int, before: Place | None) -> tuple[list[AssetFile], Place | None]:
        """Return assets of a user's, or of everyone's, the newest first, and where the next page goes on.

        Args:
            user: whose; None for everyone's.
            most: how many.
            before: where the page before ended; None for the first.
        """

    async def usage(self, user: str) -> Usage:
        """Return how much a user has."""

    async def remove(self, user: str, sha256: str) -> None:
        """Remove a user's asset, if it is there."""
