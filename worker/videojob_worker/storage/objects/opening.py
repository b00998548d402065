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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

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
_MOST_SECRET_BYTES = 1 << 16
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
    secrets = _Secrets(what, entry, access.credentials / entry.name)
    return OpenStore(entry, _open(entry, secrets, silence_s), key, _keys(entry, secrets), secrets.authority())


def _open(entry: object_stores.ObjectStore, secrets: _Secrets, silence_s: float) -> S3Store | GCSStore | AzureStore:
    from obstore.exceptions import BaseError  # noqa: PLC0415 - a worker is claimed before it needs this

    try:
        return _OPENERS[entry.provider](entry, secrets, _client(entry, secrets, silence_s))
    except (BaseError, ValueError):
        # Not with what the client says, nor from it: it may repeat what it was given.
        source = f"its Secret {entry.secret_ref.name}" if entry.secret_ref else "the worker's environment"
        words = f"the credentials of object store {entry.name} cannot be used: look at {source}"
        raise TransientError(f"{secrets.what}: {words}") from None


@dataclass(frozen=True)
class _Secrets:
    """The files of a store's Secret."""

    what: str
    entry: object_stores.ObjectStore
    folder: Path

    def required(self, name: str, *, instead: str = "") -> str:
        value = self.optional(name)
        if value is None:
            secret = self.entry.secret_ref.name if self.entry.secret_ref else ""
            names = f"{name} or {instead}" if instead else name
            raise TransientError(f"{self.what}: the Secret {secret} of object store {self.entry.name} has no {names}")
        return value

    def authority(self) -> str | None:
        return self.optional("ca.crt") if self.entry.endpoint else None

    def optional(self, name: str) -> str | None:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(_MOST_SECRET_BYTES).decode().strip() or None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeError) as error:
            raise TransientError(f"{self.what}: {name} of object store {self.entry.name} cannot be read") from error


def _keys(entry: object_stores.ObjectStore, secrets: _Secrets) -> AccessKey | None:
    if entry.provider is not Provider.S3 or entry.secret_ref is None:
        return None
    return AccessKey(
        secrets.required("AWS_ACCESS_KEY_ID"),
        secrets.required("AWS_SECRET_ACCESS_KEY"),
        secrets.optional("AWS_SESSION_TOKEN"),
    )


def _s3(entry: object_stores.ObjectStore, secrets: _Secrets, client: ClientConfig) -> S3Store:
    from obstore.store import S3Store  # noqa: PLC0415 - a worker is claimed before it needs this

    # A server without TLS gets a digest of what it is sent, because nothing else vouches for it.
    config: S3Config = {"unsigned_payload": not _is_plain(entry), "region": entry.region or _DEFAULT_REGION}
    if entry.endpoint:
        config["endpoint"] = entry.endpoint
    if keys := _keys(entry, secrets):
        config["access_key_id"] = keys.access
        config["secret_access_key"] = keys.secret
        if keys.token is not None:
            config["session_token"] = keys.token
    if entry.encryption:
        config["server_side_encryption"] = entry.encryption.algorithm.value
        if entry.encryption.algorithm is Encryption.KMS and entry.encryption.kms_key_id:
            config["sse_kms_key_id"] = entry.encryption.kms_key_id
    config["skip_signature"] = _is_anonymous(entry)
    return S3Store(entry.bucket, config=config, client_options=client, retry_config=_retries())


def _gs(entry: object_stores.ObjectStore, secrets: _Secrets, client: ClientConfig) -> GCSStore:
    from obstore.store import GCSStore  # noqa: PLC0415 - as above

    config: GCSConfig = {"skip_signature": _is_anonymous(entry)}
    if entry.endpoint:
        config["base_url"] = entry.endpoint.rstrip("/")  # which the other two do by themselves
    if entry.secret_ref:
        config["service_account_key"] = secrets.required("GOOGLE_SERVICE_ACCOUNT_KEY")
    return GCSStore(entry.bucket, config=config, client_options=client, retry_config=_retries())


def _az(entry: object_stores.ObjectStore, secrets: _Secrets, client: ClientConfig) -> AzureStore:
    from obstore.store import AzureStore  # noqa: PLC0415 - as above

    config: AzureConfig = {"account_name": entry.account or "", "skip_signature": _is_anonymous(entry)}
    if entry.endpoint:
        config["endpoint"] = entry.endpoint
    if entry.secret_ref:
        if token := secrets.optional("AZURE_STORAGE_SAS_TOKEN"):
            config["sas_key"] = token
        else:
            config["account_key"] = secrets.required("AZURE_STORAGE_ACCOUNT_KEY", instead="AZURE_STORAGE_SAS_TOKEN")
    return AzureStore(entry.bucket, config=config, client_options=client, retry_config=_retries())


_OPENERS: Mapping[
    Provider, Callable[[object_stores.ObjectStore, _Secrets, ClientConfig], S3Store | GCSStore | AzureStore]
] = {Provider.S3: _s3, Provider.GS: _gs, Provider.AZ: _az}


def _is_anonymous(entry: object_stores.ObjectStore) -> bool:
    return entry.secret_ref is None and not entry.workload_identity


def _is_plain(entry: object_stores.ObjectStore) -> bool:
    return (entry.endpoint or "").startswith("http://")


def _client(entry: object_stores.ObjectStore, secrets: _Secrets, silence_s: float) -> ClientConfig:
    options: ClientConfig = {
        "allow_http": _is_plain(entry),
        "connect_timeout": timedelta(seconds=_CONNECT_S),
        "read_timeout": timedelta(seconds=silence_s),
        "timeout": timedelta(seconds=_REQUEST_S),
        "user_agent": f"videojob-worker/{__version__}",
    }
    if authority := secrets.authority():
        options["root_certificate"] = authority
    return options


def _retries() -> RetryConfig:
    return {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_S)}
