"""What a pool's reconciler does when the API server does not let it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from videojob_contract.api_paths import EVENTS, JOBS, PODS, RENDERPOOLS
from videojob_contract.labels import LABEL_JOB_NAME
from videojob_contract.queue.types import PoolKey, PoolSnapshot
from videojob_contract.resources import API_VERSION
from videojob_operator.act.fake import FakeApiServer, FakeKubernetes
from videojob_operator.act.kubernetes import Object
from videojob_operator.act.ownership import Ownership
from videojob_operator.cache import Cache
from videojob_operator.carrying_book import CarryingBook
from videojob_operator.config import Settings
from videojob_operator.errors import ApiError
from videojob_operator.rate_book import RateBook
from videojob_operator.reconcile.pool import PoolReconciler

POOL = PoolKey("ns", "default")


class Waiting:
    """A queue in which three VideoJobs wait."""

    connecting = False
    full = False
    trouble = ""
    has_user = False
    silent_s = 0.0

    async def admit_workers(self, _: Any) -> None:
        pass

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
        self.server = FakeApiServer(self.clock)
        self.kubernetes = FakeKubernetes(self.server)
        self.events = Told()
        self.cache = Cache()
        self.spec: Object = {}
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.reconcile = PoolReconciler(
            cache=self.cache,
            kubernetes=self.kubernetes,
            events=self.events,  # type: ignore[arg-type]
            open_session=lambda _: Waiting(),  # type: ignore[arg-type,return-value]
            close_session=lambda _: pytest.fail("the pool is there"),
            leave_session=lambda _: pytest.fail("the pool is ours"),
            ownership=Ownership(
                self.kubernetes, identity="a", lease_s=1e9, clock=lambda: self.now, on_change=lambda _: None
            ),
            rate_book=RateBook(),
            carrying_book=CarryingBook(),
            look_at=lambda _: pytest.fail("the queue is there"),
            settings=Settings(),
            clock=lambda: self.now,
        )

    def clock(self) -> float:
        """Return the time, in seconds since 1970."""
        return self.now.timestamp()

    async def create(self, status: Object | None = None) -> None:
        """Create the pool, and let the operator know it."""
        body = {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": POOL.name}, "spec": self.spec}
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

    @property
    def ready(self) -> Object:
        """The pool's condition Ready."""
        return next(condition for condition in self.pool["status"]["conditions"] if condition["type"] == "Ready")


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
    assert scene.events.reasons == ["WorkersNotStarting"]
    assert "exceeded quota" in scene.ready["message"]
    assert scene.cache.pools[POOL].memory.patched_at is not None


async def warn(scene: Scene, regarding: str, reason: str, note: str, *, second: int = 0) -> None:
    """Post an Event as a controller does; `regarding` is such as `Job default-1`."""
    kind, name = regarding.split()
    event = {
        "metadata": {"name": f"{name}.{second}"},
        "eventTime": None,
        "deprecatedLastTimestamp": f"2026-01-01T12:00:{second:02}Z",
        "type": "Warning",
        "reason": reason,
        "note": note,
        "regarding": {"kind": kind, "namespace": POOL.namespace, "name": name},
    }
    await scene.kubernetes.create(EVENTS, POOL.namespace, event)


async def test_a_pod_that_is_refused_is_told_of_in_the_last_words_of_the_job_controller(scene: Scene):
    scene.spec = {"maxWorkers": 1}
    await scene.create()
    await scene.reconcile(POOL)
    (job,) = scene.server.objects(JOBS)
    name = job["metadata"]["name"]
    await warn(
        scene, f"Job {name}", "FailedCreate", 'Error creating: pods "x-1" is forbidden: exceeded quota: a', second=1
    )
    await warn(
        scene, f"Job {name}", "FailedCreate", 'Error creating: pods "x-2" is forbidden: exceeded quota: b', second=2
    )
    await warn(scene, "Job another", "FailedCreate", "another", second=3)
    scene.now += timedelta(seconds=2)
    assert await scene.reconcile(POOL) == 0.0  # there is news to tell
    await scene.reconcile(POOL)
    assert scene.ready["reason"] == "WorkersNotStarting"
    said = "FailedCreate: Error creating: pod is forbidden: exceeded quota: b"
    assert scene.ready["message"] == f"worker {name} has no pod: {said}"


@pytest.mark.parametrize("events_may_be_read", [True, False])
async def test_where_no_event_says_it_the_pod_is_tried(scene: Scene, *, events_may_be_read: bool):
    scene.spec = {"maxWorkers": 1}
    await scene.create()
    await scene.reconcile(POOL)
    if not events_may_be_read:
        scene.kubernetes.refuse(403, "Forbidden", method="GET", resource=EVENTS)
    scene.kubernetes.refuse(403, "Forbidden", message="no PriorityClass", method="POST", resource=PODS, times=1)
    scene.now += timedelta(seconds=2)
    await scene.reconcile(POOL)
    await scene.reconcile(POOL)
    assert scene.ready["message"] == "worker default-1 has no pod: no PriorityClass"
    # What would be admitted leaves nothing behind.
    scene.now += timedelta(seconds=20)
    await scene.reconcile(POOL)
    assert scene.server.objects(PODS) == []


async def test_that_the_operator_may_not_make_pods_is_not_why_a_worker_does_not_start(scene: Scene):
    scene.spec = {"maxWorkers": 1}
    await scene.create()
    await scene.reconcile(POOL)
    message = 'pods is forbidden: User "operator" cannot create resource "pods" in API group ""'
    scene.kubernetes.refuse(403, "Forbidden", message=message, method="POST", resource=PODS)
    for _ in range(3):
        scene.now += timedelta(seconds=10)
        await scene.reconcile(POOL)
    assert "kubectl describe job default-1" in scene.ready["message"]


async def test_a_pod_that_waits_for_a_volume_is_told_of_in_its_own_events(scene: Scene):
    scene.spec = {"maxWorkers": 1}
    await scene.create()
    await scene.reconcile(POOL)
    job = await scene.kubernetes.get(JOBS, POOL.namespace, "default-1")
    assert job is not None
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "default-1", "uid": job["metadata"]["uid"]}
    labels = {LABEL_JOB_NAME: "default-1"}
    body = {"metadata": {"name": "x", "labels": labels, "ownerReferences": [owner]}, "spec": {}}
    await scene.kubernetes.create(PODS, POOL.namespace, body)
    status = {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}
    pod = await scene.kubernetes.patch(PODS, POOL.namespace, "x", {"status": status}, subresource="status")
    assert pod is not None
    scene.cache.pods.put(pod)
    await warn(scene, "Pod x", "FailedMount", 'configmap "y" not found')
    scene.now += timedelta(seconds=11)
    await scene.reconcile(POOL)
    await scene.reconcile(POOL)
    assert scene.ready["message"] == 'worker default-1: ContainerCreating: FailedMount: configmap "y" not found'


async def test_a_job_that_cannot_be_deleted_keeps_nobody_from_seeing_what_the_pool_does(scene: Scene):
    await scene.create()
    await scene.reconcile(POOL)
    scene.now += timedelta(seconds=1000)
    await scene.reconcile(POOL)
    scene.now += timedelta(seconds=1000)
    scene.kubernetes.refuse(403, "Forbidden", message="denied by a webhook", method="DELETE", resource=JOBS)
    with pytest.raises(ApiError, match="denied by a webhook"):
        await scene.reconcile(POOL)
    assert scene.pool["status"]["queued"] == 3
    assert scene.cache.pools[POOL].memory.refusal == ""  # which is of workers that cannot be made


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
    reasons = [condition["reason"] for condition in scene.pool["status"]["conditions"]]
    assert reasons == ["Accepted", "WorkersStarting"]
