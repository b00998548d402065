"""Signs URLs of outputs with the Secrets that pools name for that (`urls.renewedWith`); no store is asked."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from videojob_common import object_clients
from videojob_common.errors import MissingKeyError
from videojob_contract.resources.object_stores import object_key
from videojob_contract.resources.status import MAX_URL
from videojob_operator.act.secret_reader import SecretReader
from videojob_operator.errors import ApiError, UrlSigningError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from videojob_contract.resources.object_stores import ObjectStore
    from videojob_operator.act.kubernetes import Kubernetes

_MOST_CHARACTERS = 1 << 16


class UrlSigner:
    """Signs, with what the Secret has by now."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._secrets = SecretReader(kubernetes)

    async def sign(self, namespace: str, entry: ObjectStore, uri: str, lasting_s: float) -> str:
        """Return a URL of an object of a store, by which it can be downloaded for so many seconds.

        Raises:
            UrlSigningError: it cannot be signed; the message says what to do, and has nothing of the Secret.
        """
        name = entry.urls.renewed_with.name if entry.urls and entry.urls.renewed_with else ""
        what = f'object store "{entry.name}": its Secret "{name}"'
        key = object_key(uri)
        if not object_clients.may_be_asked_for(key):
            raise UrlSigningError(f'object store "{entry.name}": the key of an output cannot be asked for')
        try:
            data = await self._secrets.read(namespace, name)
        except ApiError as error:
            raise UrlSigningError(f"{what} cannot be read: let the operator get it: {error}") from error
        if data is None:
            raise UrlSigningError(f"{what} is not there")
        try:
            secret = _decode(entry, data)
            client = object_clients.client_of(
                entry, secret, object_clients.client_options(entry, secret, "videojob-operator")
            )
            url = await object_clients.signed_url(client, entry, secret, key, lasting_s)
        except MissingKeyError as error:
            raise UrlSigningError(f"{what} has no {error}") from error
        except Exception:  # noqa: BLE001 - of many kinds, and its words may repeat what it was given
            raise UrlSigningError(f"{what} has credentials that cannot sign") from None
        if len(url) > MAX_URL:
            raise UrlSigningError(f"{what} signs URLs that are longer than a status has")
        return url


def _decode(entry: ObjectStore, data: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that count, in plain text: a certificate's authority is none, as nothing is connected to.

    Raises:
        ValueError: one is no text in base64.
    """
    given = {key: data[key] for key in object_clients.CREDENTIAL_KEYS[entry.provider] if key in data}
    if any(len(value) > _MOST_CHARACTERS for value in given.values()):
        raise ValueError("too long")
    try:
        decoded = {key: base64.b64decode(value, validate=True).decode().strip() for key, value in given.items()}
    except binascii.Error as error:
        raise ValueError("not base64") from error
    return {key: value for key, value in decoded.items() if value}
