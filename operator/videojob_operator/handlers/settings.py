"""kopf's settings and login, for an operator that only watches."""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf
from kubernetes.aio.client.configuration import Configuration

from videojob_operator.act.kubernetes import PAGE
from videojob_operator.watched import WATCHED


class NoDiffBase(kopf.DiffBaseStorage):
    """Remembers nothing of objects.

    kopf would copy each at each event, to find changes that `on.event` never asks for.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence, always."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return that nothing is known."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings."""
    result = kopf.OperatorSettings()
    result.posting.enabled = False  # Events are ours, and deliberate
    result.peering.standalone = True  # which replica acts is for `act.election` to say
    result.scanning.disabled = True  # the resources are fixed: no rights on CRDs and namespaces are needed
    result.persistence.diffbase_storage = NoDiffBase()
    # A watch is ended by the server now and then, so that one that fell silent unnoticed does not last.
    result.watching.server_timeout = 300
    result.watching.connect_timeout = 10
    result.watching.chunk_size = PAGE
    for watched in WATCHED:
        if watched.selector:
            resource = watched.resource
            result.watching.label_selectors[resource.group, resource.version, resource.plural] = watched.selector
    # kopf has a task an object while that has events, and for this long afterwards.
    result.queueing.idle_timeout = 0.5
    result.process.ultimate_exiting_timeout = None  # Kubernetes has its own
    return result


def login_with(configuration: Configuration) -> Callable[..., Awaitable[kopf.ConnectionInfo]]:
    """Return a handler that logs kopf in with the same credentials as the client's."""

    async def login(**_: Any) -> kopf.ConnectionInfo:
        # Read anew at each login, because a service account's token is short-lived.
        header: str = await configuration.get_api_key_with_prefix("BearerToken") or ""
        scheme, _separator, token = header.rpartition(" ")
        return kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            insecure=not configuration.verify_ssl,
            scheme=scheme or None,
            token=token or None,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
        )

    return login
