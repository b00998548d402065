"""What a kind of storage does: the protocol of every file here.

A source is *fetched*: what comes back is an open descriptor, because whoever can write to a storage can exchange what
a name stands for; nobody can exchange a descriptor.

An output is *staged* (its files copied to its destination under temporary names, or by whatever else nobody sees yet,
the digest of the main file taken on the way) and then *committed* at once, its main file last. All outputs are staged
before the first is committed, so that the last look at the lease comes right before the moment that counts, and an
attempt that is stopped leaves nothing.

Each kind turns the errors of what it stands on (a file system, a server) into those of a job, at the end of its file:
`PermanentError` where another attempt would meet the same, `TransientError` where it may not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from videojob_contract.resources.outputs import ObjectAttributes
from videojob_contract.resources.uris import redact_uri

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from videojob_common.address_guard import Resolver
    from videojob_contract.assignment import SourceLimits
    from videojob_contract.resources.object_stores import ObjectStore
    from videojob_contract.resources.uploads import Uploads
    from videojob_worker.storage.source_cache import SourceCache


@dataclass(frozen=True)
class ObjectAccess:
    """The object stores that may be reached, and where their credentials are."""

    stores: Sequence[ObjectStore] = ()
    credentials: Path = Path("/objects")
    """A folder with one of each store's name, in which its Secret's keys are files."""
    opened: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """Clients of stores, with their connections, by all that they are made of."""


_NO_ATTRIBUTES = ObjectAttributes()


async def _nobody_else() -> bool:
    """Say that no other attempt can be at work."""
    return True


@dataclass(frozen=True)
class FetchContext:
    """What may be read, and where downloads go."""

    volumes: Mapping[str, Path]
    """Folder of each volume."""
    limits: SourceLimits
    """What the pool allows."""
    downloads: Path
    """An existing folder for what is downloaded."""
    resolve: Resolver
    """How names become addresses."""
    objects: ObjectAccess = ObjectAccess()
    cache: SourceCache | None = None
    """Where downloaded sources are kept, if anywhere."""
    uploads: Uploads | None = None
    """What clients brought, which stays for a while from when it was used last."""


@dataclass(frozen=True)
class Destination:
    """Where an output goes, and for whom."""

    field: str
    """Such as `spec.outputs[0].uri`."""
    uri: str
    uid: str
    """The VideoJob's, so that temporary names of two jobs differ."""
    attempt: int
    """So that temporary names of two attempts differ."""
    volumes: Mapping[str, Path]
    """Folder of each volume."""
    on_bytes: Callable[[int], None]
    """Called, from any thread, with the number of bytes just copied."""
    objects: ObjectAccess = ObjectAccess()
    attributes: ObjectAttributes = _NO_ATTRIBUTES
    """What an object store keeps beside the bytes; a media type that is not given is not known."""
    is_ours: Callable[[], Awaitable[bool]] = _nobody_else
    """Whether no other attempt can be at work on it by now."""

    def __str__(self) -> str:
        return f"{self.field}: {redact_uri(self.uri)}"


@dataclass(frozen=True)
class UploadsContext:
    """What is needed to remove old uploads."""

    volumes: Mapping[str, Path]
    """Folder of each volume."""
    objects: ObjectAccess
    now: datetime
    before: datetime
    """What was written before this is old."""


CLEANED_MARKER = ".videojob-cleaned"
"""Stands in a place of uploads, and was written when old ones were looked for."""
CLEANED_S = 3600.0
"""How long they are not looked for again."""


@dataclass(frozen=True)
class RenderedFile:
    """One file of a finished output, still in the scratch folder."""

    open: Callable[[], int]
    """Opens it for reading and returns its descriptor, which the caller closes."""
    parts: tuple[str, ...] = ()
    """Where it goes, seen from the folder of the main file; empty for the main file itself."""


@dataclass(frozen=True)
class PublishedUrl:
    """Where an output can be downloaded."""

    url: str = field(repr=False)
    expires_at: datetime | None = None
    """Until when; None where it stays."""


class Staged(Protocol):
    """An output that is complete at its destination, under temporary names."""

    @property
    def size_bytes(self) -> int:
        """How long all of its files are together."""

    @property
    def sha256(self) -> str:
        """The digest of its main file, in hex."""

    async def commit(self) -> None:
        """Give every file its name, the main file last and in one step that replaces what had it before.

        Raises:
            VideoJobError: naming the destination.
        """

    async def url(self) -> PublishedUrl | None:
        """Where it can be downloaded when it is committed; None where the pool does not say how."""

    async def discard(self) -> None:
        """Remove it, unless it is committed; may be called at any time, and more than once."""


Fetch = Callable[[str, str, FetchContext], Awaitable[int]]
"""`fetch(field, uri, context)` returns an open descriptor of a regular file, which the caller closes; a
`VideoJobError` that it raises names field and URI, and nothing of it is left open or on disk when it is cancelled."""

Stage = Callable[[Sequence[RenderedFile], Destination], Awaitable[Staged]]
"""`stage(files, destination)` copies the files, the main file last among them; a `VideoJobError` that it raises names
the destination, and nothing of it is left when it fails or is cancelled. What attempts before `destination.attempt`
left when they were killed, it removes."""


RemoveOld = Callable[[str, UploadsContext], Awaitable[int]]
"""`remove_old(prefix, context)` removes what is old below a prefix, unless that was done within `CLEANED_S`, and
returns how many files that were. What it raises is of any kind."""


@dataclass(frozen=True)
class StorageBackend:
    """One kind of storage; see the top of this file."""

    fetch: Fetch
    downloads: bool
    """Whether `fetch` copies the source, rather than opens it where it is."""
    stage: Stage | None = None
    """None where nothing can be written."""
    remove_old: RemoveOld | None = None
    """None where nothing can be removed."""
    at_once: int = 4
    """So many sources are fetched side by side: by default as many as one origin is commonly asked for."""
