"""Outputs to object stores.

The main file, and what is beside it under a name of its own, are sent in parts and get their names at the commit. The
files in a folder that is named for what is in it, such as segments, are put there at once: nobody knows of them before
the main file is there, and another attempt that makes the same puts the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from videojob_contract import output_files
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.concurrency import side_by_side, undisturbed
from videojob_worker.storage.objects import media_types, opening, urls
from videojob_worker.storage.objects.failures import Purpose, converted
from videojob_worker.storage.objects.opening import OpenStore, open_store
from videojob_worker.storage.objects.sending import Upload
from videojob_worker.storage.objects.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from obstore import Attributes

    from videojob_worker.storage.base import Destination, PublishedUrl, RenderedFile

_AT_ONCE = 8  # small objects
_MOST_FORMER = 100_000
"""So many keys are looked at for what an output replaces."""


@dataclass
class _Staged:
    destination: Destination
    opened: OpenStore
    purpose: Purpose
    folder: str | None = None
    """The key of the folder of further files, if it has them."""
    put: list[str] = field(default_factory=list)
    """Keys of those that were not there before."""
    uploads: list[Upload] = field(default_factory=list)
    """The main file last."""
    _put_bytes: int = 0
    _may_be_seen: bool = False
    """Of the main file, from when its commit begins: an answer that is lost does not tell."""

    @property
    def size_bytes(self) -> int:
        return self._put_bytes + sum(upload.size_bytes for upload in self.uploads)

    @property
    def sha256(self) -> str:
        return self.uploads[-1].sha256

    async def send(self, files: Sequence[RenderedFile]) -> None:
        *_, main = files
        inner = [file for file in files if len(file.parts) > 1]
        if inner:
            self.folder = self._key(inner[0].parts[:1])
            there = await self._there(self.folder)
            gate = asyncio.Semaphore(_AT_ONCE)
            await side_by_side(self._put(file, there, gate) for file in inner)
        for file in [*(file for file in files if len(file.parts) == 1), main]:
            if self.destination.attempt > 1:  # one that is killed leaves what it has begun
                await sweep(replace(self.opened, key=self._key(file.parts)))
            self.uploads.append(self._upload(file))
            await self.uploads[-1].send()

    async def _there(self, folder: str) -> set[str] | None:
        """Return the keys in a folder; None where nobody may know, so that nothing is taken back from there."""
        try:
            return {key async for key in _keys(self.opened, folder, folder)}
        except Exception:  # noqa: BLE001 - what may be written need not be listed
            return None

    async def _put(self, file: RenderedFile, there: set[str] | None, gate: asyncio.Semaphore) -> None:
        key = self._key(file.parts)
        async with gate:
            if there is not None and key not in there:
                self.put.append(key)
            upload = self._upload(file)
            try:
                self._put_bytes += upload.size_bytes
                await upload.put()
            finally:
                await upload.discard()

    async def commit(self) -> None:
        with converted(self.purpose):
            for upload in self.uploads:
                self._may_be_seen = upload is self.uploads[-1]
                await upload.commit()
        if self.folder is not None:
            # Nobody is told of them any more; the next that is published tries again.
            with contextlib.suppress(Exception):
                await self._remove([key async for key in self._former()])

    async def url(self) -> PublishedUrl | None:
        return await urls.of(self.opened, str(self.destination))

    async def discard(self) -> None:
        for upload in self.uploads:
            await upload.discard()
        if not self._may_be_seen and self.put:
            await undisturbed(self._take_back())

    async def _take_back(self) -> None:
        """Remove what was put, unless another attempt may count on it by now."""
        with contextlib.suppress(Exception):
            if await self.destination.is_ours():
                await self._remove(self.put)
        self.put.clear()

    async def _remove(self, keys: Sequence[str]) -> None:
        import obstore  # noqa: PLC0415 - as above

        if keys:
            await obstore.delete_async(self.opened.store, keys)

    async def _former(self) -> AsyncIterator[str]:
        """Yield the keys in the folders of what had this name before."""
        parent, _, name = self.opened.key.rpartition("/")
        above = f"{parent}/" if parent else ""
        current = PurePosixPath(self.folder or "").name
        begin = above + output_files.folders_begin(name)
        async for key in _keys(self.opened, parent, begin):
            match key.removeprefix(above).split("/"):
                case [folder, file] if (
                    folder != current and output_files.is_folder_of(name, folder) and output_files.is_left(file)
                ):
                    yield key

    def _key(self, parts: Sequence[str]) -> str:
        """Return the key of a file by its path seen from the folder of the main file."""
        parent, _, name = self.opened.key.rpartition("/")
        return "/".join(chain((parent,) if parent else (), parts or (name,)))

    def _upload(self, file: RenderedFile) -> Upload:
        destination = self.destination
        return Upload(
            self.opened.store,
            self._key(file.parts),
            file.open(),
            attributes=self._attributes(file),
            tags=destination.attributes.tags or {},
            on_bytes=destination.on_bytes,
        )

    def _attributes(self, file: RenderedFile) -> Attributes:
        wanted = self.destination.attributes
        own = media_types.of_extension(PurePosixPath(file.parts[-1]).suffix) if file.parts else wanted.content_type
        known = {
            "Content-Type": own,
            "Cache-Control": wanted.cache_control,
            "Storage-Class": self.opened.entry.storage_class,
        }
        return {**(wanted.metadata or {}), **{name: value for name, value in known.items() if value}}


async def stage(files: Sequence[RenderedFile], destination: Destination) -> _Staged:
    """Send an output to its store.

    Raises:
        PermanentError: no store may be written there, or it does not let it.
        TransientError: the store or the network fails.
    """
    what = str(destination)
    opened = open_store(what, destination.uri, destination.objects, Reason.OUTPUT_FORBIDDEN, opening.WRITING_SILENCE_S)
    if opened.entry.read_only:
        raise PermanentError(
            f"{what}: object store {opened.entry.name} of the pool is read-only", Reason.OUTPUT_FORBIDDEN
        )
    purpose = Purpose(what, opened.entry, "written", "writing", Reason.OUTPUT_FORBIDDEN, Reason.OUTPUT_FORBIDDEN)
    staged = _Staged(destination, opened, purpose)
    try:
        with converted(purpose):
            await staged.send(files)
    except BaseException:
        await staged.discard()
        raise
    return staged


async def _keys(opened: OpenStore, folder: str, begin: str) -> AsyncIterator[str]:
    """Yield the keys below a folder that begin so; what a server lists beside them is passed over."""
    import obstore  # noqa: PLC0415 - as above

    seen = 0
    async for page in obstore.list(opened.store, folder or None, offset=begin, chunk_size=1000):
        for found in page:
            if found["path"].startswith(begin):
                yield found["path"]
            elif found["path"] > begin:
                return
        seen += len(page)
        if seen > _MOST_FORMER:
            return
