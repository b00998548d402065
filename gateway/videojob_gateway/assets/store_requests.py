"""What is asked of an object store below a prefix: the one place where the gateway uses obstore.

What goes wrong is told without a word of the server's or the client's, which may hold what is secret.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from videojob_common import object_clients
from videojob_common.store_failures import Blame, store_failure
from videojob_contract.resources.object_stores import Provider
from videojob_gateway.errors import LockedError, NoSuchUploadError, StoreFailsError, StoreRefusesError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from videojob_common.object_clients import ObjectClient
    from videojob_contract.resources.object_stores import ObjectStore

log = logging.getLogger(__name__)

PAGE: Final = 1000
"""Keys that are listed, and removed, at a time."""
MOST_LISTED: Final = 100_000
"""Keys that are looked at in one list."""
_SENT_AT_ONCE: Final = 2
"""Parts of one object."""
_HEADERS: Final[Mapping[Provider, Mapping[str, str]]] = {
    Provider.S3: {},
    Provider.GS: {},
    Provider.AZ: {"x-ms-blob-type": "BlockBlob"},
}
"""What a put by a signed URL has to say."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, as it was listed."""

    path: str
    """Its key, below the prefix."""
    size_bytes: int
    written_at: datetime


@dataclass(frozen=True, slots=True)
class StoreRequests:
    """A store, and a prefix in it below which all paths are."""

    entry: ObjectStore
    client: ObjectClient
    below: str
    secret: Mapping[str, str] = field(repr=False)

    @property
    def put_headers(self) -> Mapping[str, str]:
        """What a put by a signed URL has to say."""
        return _HEADERS[self.entry.provider]

    async def put(self, path: str, content: bytes, media_type: str = "") -> None:
        """Write an object, in place of one that there may be."""
        import obstore  # noqa: PLC0415 - only where a pool has its uploads in a store

        with self._converted("written", "putting"):
            attributes = {"Content-Type": media_type} if media_type else None
            await obstore.put_async(self.client, self._key(path), content, attributes=attributes, use_multipart=False)

    async def put_new(self, path: str, content: bytes | bytearray) -> None:
        """Write an object that is not there.

        Raises:
            LockedError: it is, because somebody else has written it.
        """
        import obstore  # noqa: PLC0415 - as above
        from obstore.exceptions import AlreadyExistsError, PreconditionError  # noqa: PLC0415 - as above

        taken = LockedError("another request writes to this upload; ask where it goes on")
        try:
            with self._converted("written", "putting"):
                try:
                    await obstore.put_async(self.client, self._key(path), content, mode="create", use_multipart=False)
                except (AlreadyExistsError, PreconditionError):
                    raise taken from None
        except StoreFailsError:
            if await self._is_there(path):  # a server that refuses it may close the connection before it is sent
                raise taken from None
            raise

    async def send(self, path: str, pieces: AsyncIterator[bytes], part_bytes: int, media_type: str) -> None:
        """Write a long object, there when all of it is; what `pieces` raises gives it up."""
        import obstore  # noqa: PLC0415 - as above

        with self._converted("written", "putting"):
            await obstore.put_async(
                self.client,
                self._key(path),
                pieces,
                attributes={"Content-Type": media_type},
                use_multipart=True,
                chunk_size=part_bytes,
                max_concurrency=_SENT_AT_ONCE,
            )

    async def get(self, path: str, size_bytes: int) -> bytes:
        """Return the beginning of an object, up to so many bytes; raises `NoSuchUploadError` when it is gone."""
        import obstore  # noqa: PLC0415 - as above

        with self._converted("read", "getting"):
            try:
                return bytes(await obstore.get_range_async(self.client, self._key(path), start=0, end=size_bytes))
            except FileNotFoundError:
                raise NoSuchUploadError("it was removed meanwhile") from None

    async def listed(self, folder: str) -> AsyncIterator[StoredObject]:
        """Yield what is in a folder, at whatever depth, up to `MOST_LISTED`."""
        import obstore  # noqa: PLC0415 - as above

        begin, skip, count = f"{self._key(folder)}/", len(self.below) + 1, 0
        with self._converted("listed", "listing"):
            async for page in obstore.list(self.client, self._key(folder), chunk_size=PAGE):
                for found in page:
                    if found["path"].startswith(begin):
                        yield StoredObject(found["path"][skip:], found["size"], found["last_modified"])
                count += len(page)
                if count >= MOST_LISTED:
                    return

    async def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        import obstore  # noqa: PLC0415 - as above

        with self._converted("listed", "listing"):
            found = await obstore.list_with_delimiter_async(self.client, self._key(folder))
        return [path.rpartition("/")[2] for path in found["common_prefixes"]]

    async def delete(self, paths: Sequence[str]) -> None:
        """Remove objects; those that are gone are none that is missed."""
        import obstore  # noqa: PLC0415 - as above

        keys = [self._key(path) for path in paths]
        with self._converted("removed", "deleting"):
            for page in (keys[at : at + PAGE] for at in range(0, len(keys), PAGE)):
                try:
                    await obstore.delete_async(self.client, page)
                except FileNotFoundError:  # of one of them, which ends it for the others
                    for key in page:
                        with suppress(FileNotFoundError):
                            await obstore.delete_async(self.client, key)

    async def signed_put(self, path: str, lasting: timedelta) -> str:
        """Return a URL by which an object can be put for so long.

        Raises:
            StoreRefusesError: the credentials cannot sign.
        """
        try:
            return await object_clients.signed_url(
                self.client, self.entry, self.secret, self._key(path), lasting.total_seconds(), method="PUT"
            )
        except Exception:  # noqa: BLE001 - whose words may repeat the credentials
            raise StoreRefusesError(
                f"the credentials of object store {self.entry.name} cannot sign URLs: send the bytes here, by tus"
            ) from None

    async def _is_there(self, path: str) -> bool:
        import obstore  # noqa: PLC0415 - as above

        with self._converted("read", "getting"), suppress(FileNotFoundError):
            await obstore.head_async(self.client, self._key(path))
            return True
        return False

    def _key(self, path: str) -> str:
        return f"{self.below}/{path}"

    @contextmanager
    def _converted(self, verb: str, needs: str) -> Iterator[None]:
        """Turn what a store says into errors of ours.

        Raises:
            StoreRefusesError: it does not let this be done.
            StoreFailsError: it fails.
        """
        from obstore.exceptions import BaseError  # noqa: PLC0415 - as above

        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            failure = store_failure(error, self.entry, verb=verb, needs=needs, anonymous=False)
            message = f"the place of uploads cannot be {verb}: {failure.says}"
            log.warning("%s", message)
            raise (StoreFailsError if failure.blame is Blame.STORE else StoreRefusesError)(message) from None
