"""A namespace with everything the operator needs, real save for the node; and the operator beside it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import config as kube_config
from kubernetes.aio.client.configuration import Configuration
from redis.asyncio import Redis

from tests.integration.apiserver import ApiServer
from tests.integration.operator.node import Node
from tests.integration.operator.process import OperatorProcess
from tests.pauses import pause_s
from tests.redis_server import redis_server
from videojob_contract.api_paths import JOBS, NAMESPACES, RENDERPOOLS, VIDEOJOBS
from videojob_contract.queue.connection import connect
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.kubernetes import Kubernetes, Object

RESTRICTED = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
POOL_SPEC = {
    "minIdle": 1,
    "maxWorkers": 3,
    "volumes": [{"name": "media", "source": {"emptyDir": {}}}],
    "storage": {"outputPrefix": "volume://media/out"},
}
CLUSTER = "here"
CLIPS = [{"color": "#203040", "duration": "1s"}]


@dataclass
class World:
    """What a test works with."""

    kubernetes: Kubernetes
    redis: Redis
    namespace: str
    operator: OperatorProcess
    node: Node

    @property
    def keys(self) -> Keys:
        """Keys of the pool `default` in Redis."""
        return Keys(PoolKey(self.namespace, "default"), CLUSTER)

    async def create_pool(self, name: str = "default", **spec: Any) -> None:
        """Create a RenderPool."""
        await self._create(RENDERPOOLS, "RenderPool", name, POOL_SPEC | spec)

    async def create(self, name: str, **spec: Any) -> None:
        """Create a VideoJob of one second in one colour."""
        await self._create(VIDEOJOBS, "VideoJob", name, {"clips": CLIPS} | spec)

    async def videojob(self, name: str) -> Object | None:
        """Return a VideoJob as it is."""
        return await self.kubernetes.get(VIDEOJOBS, self.namespace, name)

    async def jobs(self) -> list[Object]:
        """Return every worker Job."""
        return [job async for job in self.kubernetes.list(JOBS, self.namespace)]

    async def reaches(
        self, name: str, phase: str, *, timeout_s: float = 60.0, also: Callable[[dict[str, Any]], bool] = bool
    ) -> dict[str, Any]:
        """Wait until a VideoJob is in a phase; return its status. A phase that it cannot leave any more fails
        at once."""
        status: dict[str, Any] = {}
        since = time.monotonic()
        while time.monotonic() < since + timeout_s:
            status = ((await self.videojob(name)) or {}).get("status", {})
            if status.get("phase") == phase and also(status):
                return status
            if status.get("phase") in {"Succeeded", "Failed", "Cancelled"} - {phase}:
                break
            await asyncio.sleep(pause_s(since))
        raise AssertionError(f"{name} is not {phase}: {status}\n{self.operator.log.read_text()[-4000:]}")

    async def _create(self, resource: Any, kind: str, name: str, spec: dict[str, Any]) -> None:
        body = {"apiVersion": "videojob.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        assert await self.kubernetes.create(resource, self.namespace, body)


async def eventually(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Wait until a condition, which may be a coroutine function, holds; return what it returned."""
    since = time.monotonic()
    while time.monotonic() < since + timeout_s:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        await asyncio.sleep(pause_s(since))
    raise AssertionError(f"not within {timeout_s} s: {what}")


@pytest.fixture
def patient(world: World) -> World:
    """The same, with an operator that compares what it knows with what there is as rarely as in earnest."""
    world.operator.env["VIDEOJOB_RESYNC_S"] = "300"
    return world


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of the test's own, which it may empty or stop."""
    with redis_server() as url:
        yield url


async def client_of(kubeconfig: Path) -> Kubernetes:
    """Return a client of the API server that may do what the kubeconfig's user may."""
    configuration = Configuration(client_session_kwargs={"trust_env": False})  # as the operator's, and for its reason
    await kube_config.load_kube_config(
        config_file=str(kubeconfig), client_configuration=configuration, persist_config=False
    )
    return Kubernetes(configuration)


@pytest.fixture
async def kubernetes(apiserver: ApiServer) -> AsyncIterator[Kubernetes]:
    """A client of the API server that may do anything."""
    async with await client_of(apiserver.kubeconfig) as client:
        yield client


@pytest.fixture
async def world(
    apiserver: ApiServer, kubernetes: Kubernetes, redis_url: str, namespace: str, tmp_path: Path
) -> AsyncIterator[World]:
    """A restricted namespace, its own Redis, a node, and an operator that is not started yet."""
    await kubernetes.patch(NAMESPACES, "", namespace, RESTRICTED)
    apiserver.create_account("default", namespace)  # a pod needs one to be admitted
    env = {
        "KUBECONFIG": str(apiserver.kubeconfig),
        "VIDEOJOB_CLUSTER": CLUSTER,
        "VIDEOJOB_REDIS_URL": redis_url,
        "VIDEOJOB_NAMESPACES": namespace,
        "VIDEOJOB_METRICS_PORT": "0",
        "VIDEOJOB_RESYNC_S": "2",
        "NO_PROXY": os.environ.get("NO_PROXY", "") + ",127.0.0.1",
    }
    operator = OperatorProcess(env, tmp_path / "operator.log")
    redis = connect(redis_url)
    node = Node(kubernetes, redis, namespace)
    try:
        async with node:
            yield World(kubernetes, redis, namespace, operator, node)
    finally:
        operator.stop()
        await redis.aclose()
