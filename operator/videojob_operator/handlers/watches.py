"""The watches: which resources, and what each of their events leads to."""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from videojob_contract.labels import LABEL_ROLE, ROLE_WORKER
from videojob_operator.act.kubernetes import JOBS, PODS, RENDERPOOLS, VIDEOJOBS, Resource
from videojob_operator.informer import Informer

_WORKERS = f"{LABEL_ROLE}={ROLE_WORKER}"
WATCHED = {VIDEOJOBS: "", RENDERPOOLS: "", JOBS: _WORKERS, PODS: _WORKERS}
"""What is watched, and the label selector that the API server filters by: in a large cluster, workers are few
among many."""
DELETED = "DELETED"


def registry_of(
    informer: Informer, on_event: Callable[[str], None], login: Callable[..., Awaitable[kopf.ConnectionInfo]]
) -> kopf.OperatorRegistry:
    """Return kopf's registry of our handlers: one a resource, and the login."""
    registry = kopf.OperatorRegistry()

    def watch(resource: Resource) -> None:
        @kopf.on.event(resource.group, resource.version, resource.plural, registry=registry, id=resource.plural)
        async def take(event: kopf.RawEvent, **_: Any) -> None:
            on_event(resource.plural)
            informer.take(resource.plural, event["object"], deleted=event["type"] == DELETED)

    for resource in WATCHED:
        watch(resource)
    kopf.on.login(registry=registry)(login)
    return registry
