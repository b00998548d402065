"""A client that asks again: who plays Kubernetes, and who looks on, outlives an API server that is restarted."""

import asyncio
from typing import Any

from videojob_contract.api_paths import Resource
from videojob_operator.act.kubernetes import Kubernetes, Object
from videojob_operator.errors import ApiError

TRIES = 120
AGAIN_S = 0.5


class PatientKubernetes(Kubernetes):
    """The same, which tries for a minute when there is no answer."""

    async def _request(self, *request: Any, **rest: Any) -> Object:
        for _ in range(TRIES):
            try:
                return await super()._request(*request, **rest)
            except ApiError as error:
                # 401 and 403 while it starts: it does not know its users yet.
                if error.code in {200, 400, 404, 409, 410, 422}:
                    raise
                last = error
            await asyncio.sleep(AGAIN_S)
        raise last

    async def create(self, resource: Resource, namespace: str, body: Object, *, dry_run: bool = False) -> Object | None:
        """Create an object; one that is there may be ours, of whose creation the answer was lost."""
        made = await super().create(resource, namespace, body, dry_run=dry_run)
        return made or await self.get(resource, namespace, body["metadata"]["name"])
