"""A pool's object store, opened: which one serves a URI, its credentials, and how long its server may be silent.

Credentials are files in a folder of each store's name, mounted from a Secret, and read whenever a store is opened: so
new ones arrive without a restart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_contract.resources.object_stores import Encryption, Provider, object_key, store_of
from videojob_contract.version import __version__
from videojob_worker.storage.objects import secret_files
from videojob_worker.storage.objects.secret_files import read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from obstore.store import (
        AzureConfig,
        AzureStore,
        ClientConfig,
        GCSConfig,
        GCSStore,
        RetryConfig,
        S3Config,
        S3Store,
    )

    from videojob_contract.resources import object_stores
    from videojob_worker.storage.base import ObjectAccess
    from videojob_worker.storage.objects.secret_files import StoreSecret

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
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEFAULT_REGION = "us-east-1"


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
    store: S3Store | GCSStore | AzureStore
    key: str
    keys: AccessKey | None = field(default=None, repr=False)
    """Of S3, where a Secret has them."""
    authority: str | None = None
    """Who signed the certificate of its endpoint, as PEM; None where the system knows."""

    @property
    def region(self) -> str:
        """The region of S3."""
        return self.entry.region or _DEFAULT_REGION


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
    if any(part in {"", ".", ".."} for part in key.split("/")) or _CONTROL.search(key):
        raise PermanentError(f"{what}: the key has an empty part, a . or a .. in it, or a control character", forbidden)
    secret = read_secret(what, entry, access.credentials / entry.name)
    # Kept open with all that makes it: to load authorities and to greet a server takes longer than a small object.
    made_of = (entry.model_dump_json(), tuple(secret.values.items()), silence_s)
    if made_of not in access.opened:
        access.opened[made_of] = _open(entry, secret, silence_s)
    authority = secret.values.get(secret_files.AUTHORITY)
    return OpenStore(entry, access.opened[made_of], key, _keys(entry, secret), authority)


def _open(entry: object_stores.ObjectStore, secret: StoreSecret, silence_s: float) -> S3Store | GCSStore | AzureStore:
    from obstore.exceptions import BaseError  # noqa: PLC0415 - a worker is claimed before it needs this

    try:
        return _OPENERS[entry.provider](entry, secret, _client(entry, secret, silence_s))
    except (BaseError, ValueError):
        # Not with what the client says, nor from it: it may repeat what it was given.
        source = f"its Secret {entry.secret_ref.name}" if entry.secret_ref else "the worker's environment"
        words = f"the credentials of object store {entry.name} cannot be used: look at {source}"
        raise TransientError(f"{secret.what}: {words}") from None


def _keys(entry: object_stores.ObjectStore, secret: StoreSecret) -> AccessKey | None:
    if entry.provider is not Provider.S3 or entry.secret_ref is None:
        return None
    return AccessKey(
        secret.required(secret_files.ACCESS_KEY),
        secret.required(secret_files.SECRET_KEY),
        secret.values.get(secret_files.TOKEN),
    )


def _s3(entry: object_stores.ObjectStore, secret: StoreSecret, client: ClientConfig) -> S3Store:
    from obstore.store import S3Store  # noqa: PLC0415 - a worker is claimed before it needs this

    # A server without TLS gets a digest of what it is sent, because nothing else vouches for it.
    config: S3Config = {"unsigned_payload": not _is_plain(entry), "region": entry.region or _DEFAULT_REGION}
    if entry.endpoint:
        config["endpoint"] = entry.endpoint
    if keys := _keys(entry, secret):
        config["access_key_id"] = keys.access
        config["secret_access_key"] = keys.secret
        if keys.token is not None:
            config["session_token"] = keys.token
    if entry.encryption:
        config["server_side_encryption"] = entry.encryption.algorithm.value
        if entry.encryption.algorithm is Encryption.KMS and entry.encryption.kms_key_id:
            config["sse_kms_key_id"] = entry.encryption.kms_key_id
    config["skip_signature"] = entry.is_anonymous
    return S3Store(entry.bucket, config=config, client_options=client, retry_config=_retries())


def _gs(entry: object_stores.ObjectStore, secret: StoreSecret, client: ClientConfig) -> GCSStore:
    from obstore.store import GCSStore  # noqa: PLC0415 - as above

    config: GCSConfig = {"skip_signature": entry.is_anonymous}
    if entry.endpoint:
        config["base_url"] = entry.endpoint.rstrip("/")  # which the other two do by themselves
    if entry.secret_ref:
        config["service_account_key"] = secret.required(secret_files.SERVICE_ACCOUNT)
    return GCSStore(entry.bucket, config=config, client_options=client, retry_config=_retries())


def _az(entry: object_stores.ObjectStore, secret: StoreSecret, client: ClientConfig) -> AzureStore:
    from obstore.store import AzureStore  # noqa: PLC0415 - as above

    config: AzureConfig = {"account_name": entry.account or "", "skip_signature": entry.is_anonymous}
    if entry.endpoint:
        config["endpoint"] = entry.endpoint
    if entry.secret_ref:
        if token := secret.values.get(secret_files.SAS_TOKEN):
            config["sas_key"] = token
        else:
            config["account_key"] = secret.required(secret_files.ACCOUNT_KEY, instead=secret_files.SAS_TOKEN)
    return AzureStore(entry.bucket, config=config, client_options=client, retry_config=_retries())


_OPENERS: Mapping[
    Provider, Callable[[object_stores.ObjectStore, StoreSecret, ClientConfig], S3Store | GCSStore | AzureStore]
] = {Provider.S3: _s3, Provider.GS: _gs, Provider.AZ: _az}


def _is_plain(entry: object_stores.ObjectStore) -> bool:
    return (entry.endpoint or "").startswith("http://")


def _client(entry: object_stores.ObjectStore, secret: StoreSecret, silence_s: float) -> ClientConfig:
    options: ClientConfig = {
        "allow_http": _is_plain(entry),
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "read_timeout": timedelta(seconds=silence_s),
        "timeout": timedelta(seconds=_REQUEST_S),
        "user_agent": f"videojob-worker/{__version__}",
    }
    if authority := secret.values.get(secret_files.AUTHORITY):
        options["root_certificate"] = authority
    return options


def _retries() -> RetryConfig:
    return {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_S)}
