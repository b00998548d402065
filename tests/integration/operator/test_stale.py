"""A reconcile that works from what the API server has no more: it must harm nobody, and come to an end."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from videojob_contract.api_paths import RENDERPOOLS, VIDEOJOBS
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import CONFLICT, Kubernetes, Object
from videojob_operator.act.queues import QueueSession
from videojob_operator.act.webhooks import Webhooks
from videojob_operator.admission_book import AdmissionBooks
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.errors import ApiError, NamespaceTerminatingError
from videojob_operator.rate_book import RateBook
from videojob_operator.reconcile.videojob import VideoJobReconciler
from videojob_operator.records import VideoJobKey
from videojob_operator.traces import Traces

REFUSED = {"clips": [{"color": "#000000", "duration": "1s"}], "parallelism": 2}  # Failed at the first look


class Told(Events):
    """Events that are not posted."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        super().__init__(kubernetes)
        self.reasons: list[str] = []

    def emit(self, *_: Any, reason: str, **__: Any) -> None:
        """Note the reason."""
        self.reasons.append(reason)


def now() -> datetime:
    """The time, by this machine's clock."""
    return datetime.now(UTC)


class Scene:
    """A VideoJob that the operator knows, and the reconciler that is to look at it."""

    def __init__(self, kubernetes: Kubernetes, namespace: str) -> None:
        self.kubernetes = kubernetes
        self.key = VideoJobKey(namespace, "holiday")
        self.cache = Cache()
        self.events = Told(kubernetes)
        self.session: QueueSession | None = None
        self.reconcile = VideoJobReconciler(
            cache=self.cache,
            kubernetes=kubernetes,
            events=self.events,
            session_of=lambda _: self.session,
            wake_pool=lambda _: None,
            renew_urls=lambda _: None,
            serves=lambda _: True,
            books=AdmissionBooks(on_change=lambda _: None),
            webhooks=Webhooks(kubernetes, tasks=asyncio.TaskGroup(), clock=now, on_posted=lambda _: None),
            rate_book=RateBook(),
            traces=Traces(),
            carrying_book=CarryingBook(),
            settings=Settings(),
            clock=now,
        )

    async def create(self) -> Object:
        """Create it."""
        body = {"apiVersion": "videojob.dev/v1alpha1", "kind": "VideoJob", "metadata": {"name": self.key.name}}
        created = await self.kubernetes.create(VIDEOJOBS, self.key.namespace, {**body, "spec": REFUSED})
        assert created
        return created

    async def delete(self) -> None:
        """Delete it."""
        await self.kubernetes.delete(VIDEOJOBS, self.key.namespace, self.key.name)


@pytest.fixture
async def scene(kubernetes: Kubernetes, namespace: str) -> Scene:
    scene = Scene(kubernetes, namespace)
    scene.cache.videojobs.put(await scene.create())
    return scene


async def test_the_end_of_a_videojob_is_not_written_to_its_successor(scene: Scene) -> None:
    await scene.delete()
    await scene.create()
    with pytest.raises(ApiError) as refusal:
        await scene.reconcile(scene.key)
    assert refusal.value.code == CONFLICT
    successor = await scene.kubernetes.get(VIDEOJOBS, *scene.key)
    assert successor
    assert "status" not in successor
    assert scene.events.reasons == []


async def test_a_videojob_that_is_gone_is_told_of_once_and_not_looked_at_for_ever(scene: Scene) -> None:
    await scene.delete()
    waits = [await scene.reconcile(scene.key) for _ in range(2)]
    assert waits[-1] is None
    assert scene.events.reasons == []
    assert scene.cache.stale_entries == {}


class Away:
    """A queue out of reach."""

    pool = PoolKey("ns", "default")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked of a queue that is known to be away")


async def test_a_queue_that_is_away_keeps_no_name_from_being_used_again(scene: Scene) -> None:
    scene.session = QueueSession(Away(), listener=None, consumer="")  # type: ignore[arg-type]
    scene.cache.videojobs.remove(scene.key)
    await scene.delete()
    scene.cache.videojobs.put(await scene.create())
    await scene.reconcile(scene.key)
    successor = await scene.kubernetes.get(VIDEOJOBS, *scene.key)
    assert successor
    assert successor["status"]["phase"] == "Failed"
    assert scene.cache.stale_entries.keys() == {scene.key}  # to be forgotten yet, once the queue is back


async def test_nothing_can_be_created_in_a_namespace_that_is_terminated(
    apiserver: ApiServer, kubernetes: Kubernetes, namespace: str
) -> None:
    apiserver.kubectl("delete", "namespace", namespace, "--wait=false")
    pool = {"apiVersion": "videojob.dev/v1alpha1", "kind": "RenderPool", "metadata": {"name": "default"}, "spec": {}}
    with pytest.raises(NamespaceTerminatingError):
        await kubernetes.create(RENDERPOOLS, namespace, pool)
