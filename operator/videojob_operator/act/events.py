"""Kubernetes Events about VideoJobs and RenderPools.

They are posted in the background, because telling must not delay doing.
"""

import asyncio
import logging
import os
import socket
from datetime import UTC, datetime
from typing import Any, Literal

from videojob_contract.api_paths import EVENTS
from videojob_contract.labels import MANAGED_BY_VALUE
from videojob_contract.resources import API_VERSION
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.errors import ApiError, NamespaceTerminatingError

log = logging.getLogger(__name__)

MAX_WAITING = 1000
"""Events that may wait; when more do, the API server is not taking them, and they are dropped."""
MAX_NOTE_BYTES = 1024
"""The API server's own limit on an Event's note."""


class Events:
    """Posts Events one after another, in the order given."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes
        self._waiting: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(MAX_WAITING)
        self._instance = f"{MANAGED_BY_VALUE}-{socket.gethostname()}"[:128]

    def emit(
        self,
        kind: Literal["VideoJob", "RenderPool", "VideoSchedule"],
        namespace: str,
        name: str,
        uid: str,
        *,
        type_: Literal["Normal", "Warning"],
        reason: str,
        message: str,
    ) -> None:
        """Post an Event about one of our resources, soon."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{name[:230]}.{os.urandom(8).hex()}", "namespace": namespace},
            "eventTime": now,
            "type": type_,
            "reason": reason,
            "action": reason,
            "note": message.encode()[:MAX_NOTE_BYTES].decode(errors="ignore"),
            "reportingController": "videojob.dev/operator",
            "reportingInstance": self._instance,
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": kind,
                "namespace": namespace,
                "name": name,
                "uid": uid,
            },
        }
        try:
            self._waiting.put_nowait((namespace, event))
        except asyncio.QueueFull:
            log.warning("dropped the event %s about %s %s/%s: too many wait", reason, kind, namespace, name)

    async def run(self) -> None:
        """Post until cancelled. An Event that the API server does not take is logged and forgotten."""
        while True:
            namespace, event = await self._waiting.get()
            try:
                await self._kubernetes.create(EVENTS, namespace, event)
            except NamespaceTerminatingError:
                pass  # whoever would read it goes too
            except ApiError as error:
                log.warning("an event was not posted: %s", error)
