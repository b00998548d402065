"""Writing a status over what was looked at, and what to do when that has changed meanwhile."""

from typing import Any

from videojob_contract.api_paths import Resource
from videojob_operator.act.kubernetes import CONFLICT, Kubernetes, Object
from videojob_operator.errors import ApiError
from videojob_operator.store import Key, Store


async def patch_status(
    kubernetes: Kubernetes, resource: Resource, store: Store[Key, Any], key: Key, body: Object
) -> Object | None:
    """Merge `body` into an object's status; None when there is no such object.

    Raises:
        ApiError: it was refused. When the object is not the one that was looked at, the store has the newer one now: a
            watch that has fallen silent would not tell of it, and every try would end in the same way.
    """
    try:
        return await kubernetes.patch(resource, key.namespace, key.name, body, subresource="status")
    except ApiError as error:
        if error.code == CONFLICT and (found := await kubernetes.get(resource, key.namespace, key.name)) is not None:
            store.put(found)
        raise
