"""Signing keys of webhooks: from the one Secret of a namespace that the operator may read."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from standardwebhooks import Webhook

from videojob_contract.resources.notifications import SIGNING_SECRET
from videojob_operator.act.secret_reader import SecretReader
from videojob_operator.errors import ApiError, SigningKeyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_operator.act.kubernetes import Kubernetes

KEY_PREFIX = "whsec_"
KEY_BYTES = range(24, 65)
"""How long a key may be, by the specification."""

MOST_KEYS = 8
"""Most keys of an entry: each signs each message."""


class SigningKeys:
    """Reads them, one request a namespace and while."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._secrets = SecretReader(kubernetes)

    async def get(self, namespace: str, entry: str) -> list[Webhook]:
        """Return what signs with each key of an entry.

        Raises:
            SigningKeyError: there are none that can be used; the message says what to do.
        """
        data = await self._read(namespace)
        if entry not in data:
            raise SigningKeyError(f'Secret {SIGNING_SECRET} has no entry "{entry}"')
        try:
            words = base64.b64decode(data[entry], validate=True).decode().split(maxsplit=MOST_KEYS + 1)[: MOST_KEYS + 1]
            keys = [_decode(word) for word in words]
        except (binascii.Error, ValueError) as error:
            wanted = f"{KEY_PREFIX} and the base64 of {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes"
            raise SigningKeyError(
                f'entry "{entry}" of Secret {SIGNING_SECRET} is not {wanted}, one key a line'
            ) from error
        if len(keys) > MOST_KEYS:
            raise SigningKeyError(f'entry "{entry}" of Secret {SIGNING_SECRET} has more than {MOST_KEYS} keys')
        if not keys:
            raise SigningKeyError(f'entry "{entry}" of Secret {SIGNING_SECRET} is empty')
        return [Webhook(key) for key in keys]

    async def _read(self, namespace: str) -> Mapping[str, str]:
        try:
            data = await self._secrets.read(namespace, SIGNING_SECRET)
        except ApiError as error:
            raise SigningKeyError(f"Secret {SIGNING_SECRET} cannot be read: {error}") from error
        if data is None:
            raise SigningKeyError(f"the namespace has no Secret {SIGNING_SECRET}")
        return data


def _decode(word: str) -> bytes:
    if not word.startswith(KEY_PREFIX):
        raise ValueError("no prefix")
    text = word.removeprefix(KEY_PREFIX)
    key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if len(key) not in KEY_BYTES:
        raise ValueError("too short or too long")
    return key
