"""Whom the events of a queue concern, and when they are acknowledged."""

from types import SimpleNamespace
from typing import Any

import pytest

from videojob_contract.assignment import Result
from videojob_contract.queue.events import Claimed, Finished, Registered, StageChanged, WorkerRetired
from videojob_contract.queue.types import PoolKey
from videojob_operator.cache import Cache
from videojob_operator.decide.naming import carrying_job_name
from videojob_operator.queue_listener import QueueListener
from videojob_operator.records import VideoJobKey

POOL = PoolKey("ns", "default")
HOLIDAY = VideoJobKey("ns", "holiday")


class Acknowledging:
    """A session that only notes what is acknowledged."""

    def __init__(self, pool: PoolKey = POOL) -> None:
        self.pool = pool
        self.ids: list[str] = []

    async def ack(self, ids: list[str]) -> None:
        self.ids += ids


class Scene:
    """A listener, and what it has reconciled and held."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.videojobs: set[VideoJobKey] = set()
        self.pools: set[PoolKey] = set()
        self.held: list[tuple[Any, ...]] = []
        self.listener = QueueListener(
            self.cache,
            self.videojobs,  # type: ignore[arg-type]  # a set has `add`, too
            self.pools,  # type: ignore[arg-type]
            hold=lambda *held: self.held.append(held),
        )

    def put(self, name: str, phase: str, *, version: int = 1, pool: str = "default") -> None:
        metadata = {
            "namespace": "ns",
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
            "generation": 1,
        }
        self.cache.videojobs.put({"metadata": metadata, "spec": {"pool": pool}, "status": {"phase": phase}})


@pytest.fixture
def scene() -> Scene:
    return Scene()


RESULT = Result(uid="uid-holiday", attempt=1, result="succeeded")


@pytest.mark.parametrize("event", [Claimed("1-0", "uid-holiday", 1, "pod", "job"), Finished("1-0", "uid-holiday", 1)])
async def test_what_a_status_is_to_hold_is_acknowledged_once_it_does(scene, event):
    scene.put("holiday", "Queued")
    session = Acknowledging()
    await scene.listener.queue_event(session, event)
    assert scene.held == [(HOLIDAY, session, "1-0")]
    assert (scene.videojobs, scene.pools) == ({HOLIDAY}, {POOL})
    assert session.ids == []


async def test_an_event_of_a_videojob_that_is_gone_is_acknowledged_at_once(scene):
    session = Acknowledging()
    await scene.listener.queue_event(session, Claimed("1-0", "uid-holiday", 1, "pod", "job"))
    assert session.ids == ["1-0"]
    assert (scene.videojobs, scene.pools, scene.held) == (set(), {POOL}, [])


@pytest.mark.parametrize(
    ("event", "pools"),
    [
        (Registered("1-0", "pod", "job"), {POOL}),
        (WorkerRetired("1-0", "pod", "job"), {POOL}),
        (StageChanged("1-0", "uid-holiday", 1), set()),
    ],
)
async def test_workers_concern_their_pool_and_stages_nobody(scene, event, pools):
    scene.put("holiday", "Running")
    session = Acknowledging()
    await scene.listener.queue_event(session, event)
    assert session.ids == ["1-0"]
    assert (scene.videojobs, scene.pools) == (set(), pools)


def test_a_lease_that_expired_concerns_the_videojob_if_it_is_still_in_that_pool(scene):
    scene.put("holiday", "Running")
    scene.listener.lease_expired(Acknowledging(PoolKey("ns", "other")), "uid-holiday")
    scene.listener.lease_expired(Acknowledging(), "uid-unknown")
    assert scene.videojobs == set()
    scene.listener.lease_expired(Acknowledging(), "uid-holiday")
    assert scene.videojobs == {HOLIDAY}


def test_a_queue_that_can_be_believed_again_gets_what_it_may_lack_and_forgets_what_is_stale(scene):
    scene.put("holiday", "Queued")
    scene.put("done", "Succeeded")
    scene.put("elsewhere", "Queued", pool="other")
    scene.put("gone", "Queued")
    scene.cache.videojobs.remove(VideoJobKey("ns", "gone"))
    scene.listener.queue_known(POOL)
    assert scene.videojobs == {HOLIDAY, VideoJobKey("ns", "gone")}
    assert scene.pools == {POOL}


@pytest.mark.parametrize(
    ("phase", "active"), [("Pending", False), ("Queued", True), ("Running", True), ("Succeeded", False)]
)
def test_workers_may_hold_what_is_queued_or_runs(scene, phase, active):
    scene.put("holiday", phase)
    assert scene.listener.has_active(POOL) is active
    assert not scene.listener.has_active(PoolKey("ns", "other"))


def test_a_full_queue_is_the_pools_to_tell_and_room_is_for_all_that_wait(scene: Scene):
    scene.put("holiday", "Pending")
    scene.put("done", "Succeeded")
    scene.listener.room_changed(POOL, full=True)
    assert (scene.pools, scene.videojobs) == ({POOL}, set())
    scene.listener.room_changed(POOL, full=False)
    assert (scene.pools, scene.videojobs) == ({POOL}, {HOLIDAY})


def test_a_queue_that_is_known_again_is_filled_in_the_order_in_which_they_came_to_wait(scene: Scene):
    order: list[VideoJobKey] = []
    scene.listener = QueueListener(
        scene.cache,
        SimpleNamespace(add=order.append),  # type: ignore[arg-type]
        scene.pools,  # type: ignore[arg-type]
        hold=lambda *_: None,
    )
    waits = {
        "c": ("09", "05"),
        "a": ("10", "01"),
        "never": (None, "00"),
        "z": ("08", "09"),
        "b": ("09", "05"),
        "d": ("09", "04"),
    }
    for number, (name, (queued, created)) in enumerate(waits.items()):
        metadata = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": str(number + 1), "generation": 1}
        metadata["creationTimestamp"] = f"2026-01-01T12:00:{created}Z"
        status = {"phase": "Queued", "queuedAt": f"2026-01-01T12:00:{queued}.000Z"} if queued else {"phase": "Pending"}
        scene.cache.videojobs.put({"metadata": metadata, "spec": {}, "status": status})
    scene.listener.queue_known(POOL)
    assert [key.name for key in order] == ["z", "d", "b", "c", "a", "never"]
    assert scene.listener.waiting(POOL) == 5


def carrying_job(uid: str, number: int) -> dict[str, Any]:
    name = carrying_job_name("default", uid, number)
    owner = {"apiVersion": "videojob.dev/v1alpha1", "kind": "VideoJob", "name": "x", "uid": uid}
    metadata = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": "1", "ownerReferences": [owner]}
    metadata |= {"labels": {"videojob.dev/pool": "default"}, "creationTimestamp": "2026-01-01T12:00:00Z"}
    return {"metadata": metadata}


def test_what_is_begun_over_or_gone_is_not_to_be_claimed(scene: Scene) -> None:
    is_past = scene.listener.is_past
    for name, phase in {"waits": "Queued", "runs": "Running", "done": "Succeeded", "begun": "Queued"}.items():
        scene.put(name, phase)
    scene.put("elsewhere", "Queued", pool="other")
    scene.cache.jobs.put(carrying_job("uid-begun", 2))
    waiting = {name: is_past(POOL, f"uid-{name}", 1) for name in ("waits", "done", "begun", "elsewhere", "gone")}
    assert waiting == {"waits": False, "done": True, "begun": True, "elsewhere": False, "gone": True}
    assert [is_past(POOL, "uid-runs", number) for number in (0, 1)] == [True, False]


def test_the_job_of_a_videojob_tells_that_it_may_have_begun_without_the_queue(scene: Scene) -> None:
    began = scene.listener.began_without
    scene.put("one", "Running")
    assert [began(POOL, silent_s) for silent_s in (0, 1, 60)] == [False, False, True]
    metadata = {"namespace": "ns", "name": "two", "uid": "two", "resourceVersion": "1", "generation": 1}
    status = {"phase": "Succeeded", "job": {"name": carrying_job_name("default", "two", 1)}}
    scene.cache.videojobs.put({"metadata": metadata, "spec": {}, "status": status})
    assert began(POOL, 0)
    assert not began(PoolKey("ns", "other"), 0)
