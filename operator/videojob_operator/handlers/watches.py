"""The watches: each event of a watched resource is given to the informer."""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from videojob_operator.informer import Informer
from videojob_operator.watched import WATCHED, Watched

DELETED = "DELETED"


def registry_of(
    informer: Informer, on_event: Callable[[str], None], login: Callable[..., Awaitable[kopf.ConnectionInfo]]
) -> kopf.OperatorRegistry:
    """Return kopf's registry of our handlers: one a resource, and the login."""
    registry = kopf.OperatorRegistry()

    def watch(watched: Watched[Any, Any]) -> None:
        resource = watched.resource

        @kopf.on.event(resource.group, resource.version, resource.plural, registry=registry, id=resource.plural)
        async def handle(event: kopf.RawEvent, **_: Any) -> None:
            on_event(resource.plural)
            informer.handle(watched, event["object"], deleted=event["type"] == DELETED)

    for watched in WATCHED:
        watch(watched)
    kopf.on.login(registry=registry)(login)
    return registry
