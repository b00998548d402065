"""What a pool's reconciler does when the API server does not let it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from videojob_contract.queue.types import PoolKey, PoolSnapshot
from videojob_operator.act.kubernetes import Object
from videojob_operator.cache import Cache
from videojob_operator.config import Settings
from videojob_operator.errors import ApiError, NamespaceTerminatingError
from videojob_operator.reconcile.pool import PoolReconciler

POOL = PoolKey("ns", "default")


class UsedUp:
    """An API server whose quota of Jobs is used up."""

    def __init__(self) -> None:
        self.written: list[Object] = []
        self.refusal = ApiError(403, "Forbidden", "exceeded quota")

    async def create(self, *_: Any) -> Object:
        raise self.refusal

    async def patch(self, *args: Any, **_: Any) -> Object | None:
        self.written.append(args[-1]["status"])
        return None


class Waiting:
    """A queue in which three VideoJobs wait."""

    connecting = False

    async def configure(self, _: Any) -> None:
        pass

    async def snapshot(self) -> PoolSnapshot:
        return PoolSnapshot(datetime.now(UTC), {"default": 3}, {"default": 1.0}, 0, ())


class Told:
    """Events that are not posted."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def emit(self, *_: Any, reason: str, **__: Any) -> None:
        self.reasons.append(reason)


def scene(status: dict[str, Any]) -> tuple[PoolReconciler, UsedUp, Told, Cache]:
    cache, kubernetes, events = Cache(), UsedUp(), Told()
    metadata = {"namespace": "ns", "name": "default", "uid": "p", "resourceVersion": "1", "generation": 1}
    cache.pools.put({"metadata": metadata, "spec": {}, "status": status})
    reconcile = PoolReconciler(
        cache=cache,
        kubernetes=kubernetes,  # type: ignore[arg-type]
        events=events,  # type: ignore[arg-type]
        open_session=lambda _: Waiting(),  # type: ignore[arg-type,return-value]
        close_session=lambda _: pytest.fail("the pool is there"),
        settings=Settings(),
    )
    return reconcile, kubernetes, events, cache


async def test_a_used_up_quota_is_told_once_and_the_status_is_written_all_the_same():
    reconcile, kubernetes, events, cache = scene({})
    for _ in range(2):
        with pytest.raises(ApiError, match="exceeded quota"):
            await reconcile(POOL)
    assert kubernetes.written[0]["queued"] == 3
    assert events.reasons == ["FailedCreate"]
    assert cache.pools[POOL].memory.patched_at is not None


async def test_a_namespace_that_is_terminated_is_left_alone(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    reconcile, kubernetes, events, _ = scene({})
    kubernetes.refusal = NamespaceTerminatingError(403, "Forbidden", "because it is being terminated")
    for _ in range(2):
        assert await reconcile(POOL) is None
    assert events.reasons == []
    assert caplog.text.count("is being terminated") == 1


async def test_a_status_of_another_version_is_written_anew():
    unknown = {
        "type": "Ready",
        "status": "True",
        "reason": "NotYetInvented",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    reconcile, kubernetes, _, _ = scene({"conditions": [unknown]})
    with pytest.raises(ApiError):
        await reconcile(POOL)
    assert [condition["reason"] for condition in kubernetes.written[0]["conditions"]] == ["Accepted", "Ready"]
