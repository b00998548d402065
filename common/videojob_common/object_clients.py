"""Clients of a pool's object stores: made of its entry and of what a Secret has, by the Secret's keys.

The worker and the gateway read and write with them, the operator only signs. obstore has no other name for these
settings than the strings of its configuration, which stand here alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from videojob_common.azure_urls import azure_url
from videojob_common.errors import MissingKeyError
from videojob_contract.resources.object_stores import Encryption, Provider
from videojob_contract.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from obstore.store import AzureConfig, AzureStore, ClientConfig, GCSConfig, GCSStore, RetryConfig, S3Config, S3Store

    from videojob_contract.resources.object_stores import ObjectStore

    ObjectClient = S3Store | GCSStore | AzureStore

ACCESS_KEY, SECRET_KEY, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
SERVICE_ACCOUNT = "GOOGLE_SERVICE_ACCOUNT_KEY"
ACCOUNT_KEY, SAS_TOKEN = "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"
AUTHORITY = "ca.crt"
DEFAULT_REGION = "us-east-1"

CREDENTIAL_KEYS: Mapping[Provider, tuple[str, ...]] = {
    Provider.S3: (ACCESS_KEY, SECRET_KEY, TOKEN),
    Provider.GS: (SERVICE_ACCOUNT,),
    Provider.AZ: (ACCOUNT_KEY, SAS_TOKEN),
}
"""Keys of a Secret, by provider."""
_AZURE_PERMISSIONS = {"GET": "r", "PUT": "cw"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def may_be_asked_for(key: str) -> bool:
    """Whether all servers have the same object by a key: none of its parts is empty, . or .., and nothing a control."""
    return not (any(part in {"", ".", ".."} for part in key.split("/")) or _CONTROL.search(key))


def client_of(
    entry: ObjectStore, secret: Mapping[str, str] | None, client: ClientConfig, retries: RetryConfig | None = None
) -> ObjectClient:
    """Return the client of a store; without a secret its requests are as the entry says: anonymous, or of the cloud.

    Raises:
        MissingKeyError: the secret lacks what the provider needs.
        obstore.exceptions.BaseError, ValueError: it has what is no such thing; their words may repeat it.
    """
    return _MAKERS[entry.provider](entry, secret, {"client_options": client, "retry_config": retries})


def client_options(entry: ObjectStore, secret: Mapping[str, str], program: str) -> ClientConfig:
    """Return what holds for each connection of a program; times are for it to add."""
    options: ClientConfig = {"allow_http": is_plain(entry), "user_agent": f"{program}/{__version__}"}
    if authority := secret.get(AUTHORITY):
        options["root_certificate"] = authority
    return options


def is_plain(entry: ObjectStore) -> bool:
    """Whether its server is asked without TLS."""
    return (entry.endpoint or "").startswith("http://")


async def signed_url(
    client: ObjectClient,
    entry: ObjectStore,
    secret: Mapping[str, str] | None,
    key: str,
    lasting_s: float,
    *,
    method: Literal["GET", "PUT"] = "GET",
) -> str:
    """Return a URL by which an object can be downloaded, or put, for so many seconds; `client` is made of the same.

    Raises:
        Exception: the credentials cannot sign; its words may repeat them.
    """
    if entry.provider is Provider.AZ and secret is not None and ACCOUNT_KEY in secret and SAS_TOKEN not in secret:
        until = datetime.now(UTC) + timedelta(seconds=lasting_s)
        return azure_url(entry, secret[ACCOUNT_KEY], key, until, _AZURE_PERMISSIONS[method])
    if entry.provider is Provider.AZ and quote(key) != key:
        raise ValueError("obstore signs the escapes of a key, of which Azure knows nothing")
    import obstore  # noqa: PLC0415 - a worker is claimed before it needs this

    return await obstore.sign_async(client, method, key, timedelta(seconds=lasting_s))


def _s3(entry: ObjectStore, secret: Mapping[str, str] | None, options: dict[str, Any]) -> S3Store:
    from obstore.store import S3Store  # noqa: PLC0415 - as above

    # A server without TLS gets a digest of what it is sent, because nothing else vouches for it.
    config: S3Config = {"unsigned_payload": not is_plain(entry), "region": entry.region or DEFAULT_REGION}
    if entry.endpoint:
        config["endpoint"] = entry.endpoint
    if secret is not None:
        config["access_key_id"] = required(secret, ACCESS_KEY)
        config["secret_access_key"] = required(secret, SECRET_KEY)
        if TOKEN in secret:
            config["session_token"] = secret[TOKEN]
    if entry.encryption:
        config["server_side_encryption"] = entry.encryption.algorithm.value
        if entry.encryption.algorithm is Encryption.KMS and entry.encryption.kms_key_id:
            config["sse_kms_key_id"] = entry.encryption.kms_key_id
    config["skip_signature"] = secret is None and entry.is_anonymous
    return S3Store(entry.bucket, config=config, **options)


def _gs(entry: ObjectStore, secret: Mapping[str, str] | None, options: dict[str, Any]) -> GCSStore:
    from obstore.store import GCSStore  # noqa: PLC0415 - as above

    config: GCSConfig = {"skip_signature": secret is None and entry.is_anonymous}
    if entry.endpoint:
        config["base_url"] = entry.endpoint.rstrip("/")  # which the other two do by themselves
    if secret is not None:
        config["service_account_key"] = required(secret, SERVICE_ACCOUNT)
    return GCSStore(entry.bucket, config=config, **options)


def _az(entry: ObjectStore, secret: Mapping[str, str] | None, options: dict[str, Any]) -> AzureStore:
    from obstore.store import AzureStore  # noqa: PLC0415 - as above

    config: AzureConfig = {
        "account_name": entry.account or "",
        "skip_signature": secret is None and entry.is_anonymous,
    }
    if entry.endpoint:
        config["endpoint"] = entry.endpoint
    if secret is not None:
        if token := secret.get(SAS_TOKEN):
            config["sas_key"] = token
        else:
            config["account_key"] = required(secret, ACCOUNT_KEY, instead=SAS_TOKEN)
    return AzureStore(entry.bucket, config=config, **options)


def required(secret: Mapping[str, str], name: str, *, instead: str = "") -> str:
    """Return the value of a key; `instead` is another that would do.

    Raises:
        MissingKeyError: there is none.
    """
    if name not in secret:
        raise MissingKeyError(f"{name} or {instead}" if instead else name)
    return secret[name]


_MAKERS: Mapping[Provider, Callable[[ObjectStore, Mapping[str, str] | None, dict[str, Any]], ObjectClient]] = {
    Provider.S3: _s3,
    Provider.GS: _gs,
    Provider.AZ: _az,
}
