"""A pool's object store, opened: which one serves a URI, its credentials, and how long its server may be silent.

Credentials are files in a folder of each store's name, mounted from a Secret, and read whenever a store is opened: so
new ones arrive without a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_common import object_clients
from videojob_common.errors import MissingKeyError, UnreadableKeyError
from videojob_common.secret_files import read_secret
from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_contract.resources.object_stores import Provider, object_key, store_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from obstore.store import ClientConfig, RetryConfig

    from videojob_common.object_clients import ObjectClient
    from videojob_contract.resources import object_stores
    from videojob_worker.storage.base import ObjectAccess

READING_SILENCE_S = 30.0
"""How long a server may send nothing."""
WRITING_SILENCE_S = 300.0
"""The same, from when it is begun to be sent a part: all parts on their way pass a slow line, of 2 Mbit/s, in less."""
_REQUEST_S = 300.0
"""How long one request may take, of some megabytes at most: a server that drips ends here."""
_CONNECT_S = 10
_RETRY_S = 20
"""How long after its start a request is tried again; longer troubles are for the next attempt of the whole job."""
_RETRIES = 8


@dataclass(frozen=True)
class AccessKey:
    """What requests to S3 are signed with."""

    access: str
    secret: str
    token: str | None


@dataclass(frozen=True)
class OpenStore:
    """A store and a key in it."""

    entry: object_stores.ObjectStore
    """What the pool says of it."""
    store: ObjectClient
    key: str
    secret: Mapping[str, str] | None = field(default=None, repr=False)
    """What its Secret has, where there is one."""
    authority: str | None = None
    """Who signed the certificate of its endpoint, as PEM; None where the system knows."""

    @property
    def keys(self) -> AccessKey | None:
        """Of S3, where a Secret has them."""
        if self.secret is None or self.entry.provider is not Provider.S3:
            return None
        access, hidden = self.secret[object_clients.ACCESS_KEY], self.secret[object_clients.SECRET_KEY]
        return AccessKey(access, hidden, self.secret.get(object_clients.TOKEN))

    @property
    def region(self) -> str:
        """The region of S3."""
        return self.entry.region or object_clients.DEFAULT_REGION


def open_store(what: str, uri: str, access: ObjectAccess, forbidden: Reason, silence_s: float) -> OpenStore:
    """Open the store that serves a URI; `what` names the URI with its field.

    A request that the server leaves without a word for `silence_s` fails.

    Raises:
        PermanentError: of the reason `forbidden`: no store serves it, or the key is not one that may be asked for.
        TransientError: the store's Secret lacks what is needed, or has what is no such thing.
    """
    entry = store_of(uri, access.stores)
    if entry is None:
        raise PermanentError(f"{what}: no object store of the pool covers it", forbidden)
    key = object_key(uri)
    if not object_clients.may_be_asked_for(key):
        raise PermanentError(f"{what}: the key has an empty part, a . or a .. in it, or a control character", forbidden)
    files = _files(what, entry, access.credentials / entry.name)
    secret = files if entry.secret_ref else None
    # Kept open with all that makes it: to load authorities and to greet a server takes longer than a small object.
    made_of = (entry.model_dump_json(), tuple(files.items()), silence_s)
    if made_of not in access.opened:
        access.opened[made_of] = _open(what, entry, files, silence_s)
    return OpenStore(entry, access.opened[made_of], key, secret, files.get(object_clients.AUTHORITY))


def _files(what: str, entry: object_stores.ObjectStore, folder: Path) -> dict[str, str]:
    """Return what a store of its provider may have of its Secret."""
    of_provider = object_clients.CREDENTIAL_KEYS[entry.provider] if entry.secret_ref else ()
    try:
        return read_secret(folder, (*of_provider, *((object_clients.AUTHORITY,) if entry.endpoint else ())))
    except UnreadableKeyError as error:
        raise TransientError(f"{what}: {error} of object store {entry.name} cannot be read") from error


def _open(what: str, entry: object_stores.ObjectStore, secret: Mapping[str, str], silence_s: float) -> ObjectClient:
    from obstore.exceptions import BaseError  # noqa: PLC0415 - a worker is claimed before it needs this

    options = object_clients.client_options(entry, secret, "videojob-worker")
    options.update(_times(silence_s))
    name = entry.secret_ref.name if entry.secret_ref else ""
    try:
        return object_clients.client_of(entry, secret if entry.secret_ref else None, options, _retries())
    except MissingKeyError as error:
        raise TransientError(f"{what}: the Secret {name} of object store {entry.name} has no {error}") from error
    except (BaseError, ValueError):
        # Not with what the client says, nor from it: it may repeat what it was given.
        source = f"its Secret {name}" if name else "the worker's environment"
        words = f"the credentials of object store {entry.name} cannot be used: look at {source}"
        raise TransientError(f"{what}: {words}") from None


def _times(silence_s: float) -> ClientConfig:
    return {
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "read_timeout": timedelta(seconds=silence_s),
        "timeout": timedelta(seconds=_REQUEST_S),
    }


def _retries() -> RetryConfig:
    return {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_S)}
