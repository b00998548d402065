"""Reads Secrets that the operator may read, and believes what they said for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from videojob_contract.api_paths import SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_operator.act.kubernetes import Kubernetes

KEPT_S = 30.0
"""How long what a Secret was found to say is believed, in seconds: a rotation is noticed after that."""


class SecretReader:
    """Makes one request for each Secret and while."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes
        self._known: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}

    async def read(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Return the data of a Secret, in base64 as the API server has it; None when there is no such Secret.

        Raises:
            ApiError: it cannot be read.
        """
        now = asyncio.get_running_loop().time()
        self._known = {key: value for key, value in self._known.items() if value[0] > now}
        if (namespace, name) in self._known:
            return self._known[namespace, name][1]
        secret = await self._kubernetes.get(SECRETS, namespace, name)
        if secret is None:
            return None
        data: Mapping[str, Any] = secret.get("data") or {}
        self._known[namespace, name] = (now + KEPT_S, data)
        return data
