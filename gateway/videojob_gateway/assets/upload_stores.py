"""Object stores in which pools have their uploads, opened with the Secrets that are mounted for that.

A pool's Secret is a folder of its name, read whenever a store is opened: so new keys arrive without a restart, and the
gateway needs no right to Secrets of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a field of a dataclass
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from videojob_common import object_clients
from videojob_common.errors import MissingKeyError, UnreadableKeyError
from videojob_common.secret_files import read_secret
from videojob_contract.resources.object_stores import object_key, store_of
from videojob_gateway.assets.store_keeper import StoreKeeper
from videojob_gateway.assets.store_requests import StoreRequests
from videojob_gateway.assets.store_upload import StoreLoad
from videojob_gateway.errors import NoUploadsError, StoreRefusesError
from videojob_gateway.threads import blocking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obstore.store import ClientConfig, RetryConfig

    from videojob_common.object_clients import ObjectClient
    from videojob_contract.resources.object_stores import ObjectStore

CONNECT_S: Final = 5
SILENCE_S: Final = 30
"""How long a server may send nothing."""
REQUEST_S: Final = 120
"""How long one request may take, of some megabytes at most."""
RETRIES: Final = 3
RETRY_S: Final = 10
"""How long after its start a request is tried again: who waits for an answer can ask again, too."""


@dataclass(slots=True)
class _Open:
    made_of: tuple[str, ...]
    client: ObjectClient


@dataclass(frozen=True, slots=True)
class UploadStores:
    """Clients of stores, one a pool, each kept as long as what it is made of stays."""

    secrets: str
    """Folder in which the Secrets are mounted, `POOL` each; empty for none."""
    _open: dict[str, _Open] = field(default_factory=dict)
    _load: StoreLoad = field(default_factory=StoreLoad)

    async def keeper_of(self, pool: str, prefix: str, entries: Iterable[ObjectStore], stays: timedelta) -> StoreKeeper:
        """Return what keeps media below a prefix.

        Args:
            pool: whose it is, and so whose Secret counts.
            prefix: a URI.
            entries: the pool's object stores.
            stays: how long an asset stays.

        Raises:
            NoUploadsError: no store covers it, its keys cannot be asked for, or no Secret is mounted.
            StoreRefusesError: the Secret lacks what is needed, or has what is no such thing.
        """
        entry, below = store_of(prefix, entries), object_key(prefix).rstrip("/")
        if entry is None or not object_clients.may_be_asked_for(below):
            raise NoUploadsError(f'the uploads of RenderPool "{pool}" are in no object store of its storage.objects')
        folder = Path(self.secrets) / pool
        if not self.secrets or not folder.is_dir():
            raise NoUploadsError(
                f'the uploads of RenderPool "{pool}" are in object store {entry.name}, whose Secret is not mounted here'
            )
        keys = (
            *object_clients.CREDENTIAL_KEYS[entry.provider],
            *((object_clients.AUTHORITY,) if entry.endpoint else ()),
        )
        try:
            secret = await blocking(read_secret, folder, keys)
        except UnreadableKeyError as error:
            raise StoreRefusesError(f'{error} of the uploads of RenderPool "{pool}" cannot be read') from error
        client = await self._client(pool, entry, secret)
        return StoreKeeper(StoreRequests(entry, client, below, secret), self._load, stays)

    async def _client(self, pool: str, entry: ObjectStore, secret: Mapping[str, str]) -> ObjectClient:
        made_of = (entry.model_dump_json(), *(text for pair in secret.items() for text in pair))
        known = self._open.get(pool)
        if known is None or known.made_of != made_of:
            known = self._open[pool] = _Open(made_of, await blocking(_client_of, pool, entry, secret))
        return known.client


def _client_of(pool: str, entry: ObjectStore, secret: Mapping[str, str]) -> ObjectClient:
    from obstore.exceptions import BaseError  # noqa: PLC0415 - only where a pool has its uploads in a store

    options: ClientConfig = {
        **object_clients.client_options(entry, secret, "videojob-gateway"),
        "connect_timeout": timedelta(seconds=CONNECT_S),
        "read_timeout": timedelta(seconds=SILENCE_S),
        "timeout": timedelta(seconds=REQUEST_S),
    }
    retries: RetryConfig = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)}
    where = f'the Secret of the uploads of RenderPool "{pool}"'
    try:
        return object_clients.client_of(entry, secret, options, retries)
    except MissingKeyError as error:
        raise StoreRefusesError(f"{where} has no {error}") from error
    except (BaseError, ValueError):
        # Not with what the client says, nor from it: it may repeat what it was given.
        raise StoreRefusesError(f"{where} has what is no credentials of object store {entry.name}") from None
