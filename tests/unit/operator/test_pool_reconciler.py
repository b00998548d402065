"""What a pool's reconciler does when the API server does not let it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from videojob_contract.api_paths import JOBS, RENDERPOOLS
from videojob_contract.queue.types import PoolKey, PoolSnapshot
from videojob_contract.resources import API_VERSION
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.kubernetes import Object
from videojob_operator.cache import Cache
from videojob_operator.config import Settings
from videojob_operator.errors import ApiError
from videojob_operator.reconcile.pool import PoolReconciler

POOL = PoolKey("ns", "default")


class Waiting:
    """A queue in which three VideoJobs wait."""

    connecting = False

    async def configure(self, *_: Any) -> None:
        pass

    async def snapshot(self) -> PoolSnapshot:
        return PoolSnapshot(datetime.now(UTC), {"default": 3}, {"default": 1.0}, 0, ())


class Told:
    """Events that are not posted."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def emit(self, *_: Any, reason: str, **__: Any) -> None:
        self.reasons.append(reason)


class Scene:
    """A pool that the reconciler is to look at, on a fake API server."""

    def __init__(self) -> None:
        self.server = FakeApiServer()
        self.kubernetes = FakeKubernetes(self.server)
        self.events = Told()
        self.cache = Cache()
        self.reconcile = PoolReconciler(
            cache=self.cache,
            kubernetes=self.kubernetes,
            events=self.events,  # type: ignore[arg-type]
            open_session=lambda _: Waiting(),  # type: ignore[arg-type,return-value]
            close_session=lambda _: pytest.fail("the pool is there"),
            settings=Settings(),
            clock=lambda: datetime.now(UTC),
        )

    async def create(self, status: Object | None = None) -> None:
        """Create the pool, and let the operator know it."""
        body = {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": POOL.name}, "spec": {}}
        await self.kubernetes.create(RENDERPOOLS, POOL.namespace, body)
        if status:
            patch = {"status": status}
            await self.kubernetes.patch(RENDERPOOLS, POOL.namespace, POOL.name, patch, subresource="status")
        self.cache.pools.put(self.pool)

    @property
    def pool(self) -> Object:
        """The pool as the API server has it."""
        (pool,) = self.server.objects(RENDERPOOLS)
        return pool


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_used_up_quota_is_told_once_and_the_status_is_written_all_the_same(scene: Scene):
    await scene.create()
    scene.kubernetes.refuse(403, "Forbidden", message="exceeded quota", method="POST", resource=JOBS)
    for _ in range(2):
        with pytest.raises(ApiError, match="exceeded quota"):
            await scene.reconcile(POOL)
    assert scene.pool["status"]["queued"] == 3
    assert scene.events.reasons == ["FailedCreate"]
    assert scene.cache.pools[POOL].memory.patched_at is not None


async def test_a_namespace_that_is_terminated_is_left_alone(scene: Scene, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    await scene.create()
    scene.server.terminate(POOL.namespace)
    for _ in range(2):
        assert await scene.reconcile(POOL) is None
    assert scene.events.reasons == []
    assert caplog.text.count("is being terminated") == 1


async def test_a_status_of_another_version_is_written_anew(scene: Scene):
    unknown = {
        "type": "Ready",
        "status": "True",
        "reason": "NotYetInvented",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    await scene.create({"conditions": [unknown]})
    await scene.reconcile(POOL)
    assert [condition["reason"] for condition in scene.pool["status"]["conditions"]] == ["Accepted", "Ready"]
