"""Which kind of storage has which URIs; nothing else asks for a scheme.

To add one: a file with its `BACKEND`, a line in `BACKENDS`, and the scheme in `videojob_contract.support`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.object_stores import OBJECT_SCHEMES
from videojob_contract.resources.uris import split_uri
from videojob_worker.storage import http, volume
from videojob_worker.storage.objects import backend as objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videojob_worker.storage.base import (
        Destination,
        FetchContext,
        RenderedFile,
        Staged,
        StorageBackend,
        UploadsContext,
    )

BACKENDS: Mapping[str, StorageBackend] = {
    "volume": volume.BACKEND,
    "http": http.BACKEND,
    "https": http.BACKEND,
    **dict.fromkeys(OBJECT_SCHEMES, objects.BACKEND),
}
"""By scheme."""


def is_downloaded(uri: str) -> bool:
    """Tell whether fetching a source copies it, and so takes the longer the larger it is."""
    backend = BACKENDS.get(_scheme(uri))
    return backend is not None and backend.downloads


def at_once(uri: str) -> int:
    """Return how many sources of the kind of this one are fetched side by side."""
    backend = BACKENDS.get(_scheme(uri))
    return backend.at_once if backend is not None else 1


async def fetch(field: str, uri: str, context: FetchContext) -> int:
    """Open a source; see `StorageBackend.fetch`.

    Raises:
        VideoJobError: naming field and URI.
    """
    backend = BACKENDS.get(_scheme(uri))
    if backend is None:
        raise _not_supported(field, uri)
    return await backend.fetch(field, uri, context)


async def stage(files: Sequence[RenderedFile], destination: Destination) -> Staged:
    """Copy a finished output to where it goes, under temporary names; see `StorageBackend.stage`.

    Raises:
        VideoJobError: naming field and URI.
    """
    backend = BACKENDS.get(_scheme(destination.uri))
    if backend is None or backend.stage is None:
        raise _not_supported(str(destination), destination.uri)
    return await backend.stage(files, destination)


async def remove_old(prefix: str, context: UploadsContext) -> int:
    """Remove what is old below a prefix; see `RemoveOld`."""
    backend = BACKENDS.get(_scheme(prefix))
    return 0 if backend is None or backend.remove_old is None else await backend.remove_old(prefix, context)


def _scheme(uri: str) -> str:
    return split_uri(uri)[0]


def _not_supported(what: str, uri: str) -> PermanentError:
    return PermanentError(f"{what}: {_scheme(uri)}:// is not supported yet", Reason.NOT_SUPPORTED)
