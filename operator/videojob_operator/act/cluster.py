"""Which Kubernetes cluster this is, so that its queues are its own in a Redis that others use too."""

import asyncio
import logging

from videojob_contract.api_paths import NAMESPACES
from videojob_operator.act.kubernetes import FORBIDDEN, Kubernetes
from videojob_operator.errors import ApiError

log = logging.getLogger(__name__)

RETRY_S = 2.0


async def cluster_of(kubernetes: Kubernetes) -> str:
    """Return the UID of the namespace kube-system, which is as old as its cluster; empty when it may not be read.

    Waits for an API server that is not there yet.
    """
    while True:
        try:
            namespace = await kubernetes.get(NAMESPACES, "", "kube-system")
        except ApiError as error:
            if error.code == FORBIDDEN:
                log.warning("where clusters share a Redis, set VIDEOJOB_CLUSTER to tell them apart: %s", error)
                return ""
            log.warning("waiting for the API server: %s", error)
            await asyncio.sleep(RETRY_S)
        else:
            return str(namespace["metadata"]["uid"]) if namespace else ""
