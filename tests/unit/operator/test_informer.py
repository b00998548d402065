"""Whom a change concerns: the keys that are reconciled after it."""

import json
from typing import Any

import pytest

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources import API_VERSION
from videojob_operator.cache import Cache
from videojob_operator.informer import Informer
from videojob_operator.projections import ObjectKey
from videojob_operator.records import VideoJobKey, VideoScheduleKey
from videojob_operator.watched import JOBS, PODS, RENDERPOOLS, SCHEDULES, TEMPLATES, VIDEOJOBS, WATCHED

POOL = PoolKey("ns", "default")
HOLIDAY = VideoJobKey("ns", "holiday")


class Added:
    """A work queue that only notes what is added."""

    def __init__(self) -> None:
        self.keys: list[Any] = []

    def add(self, key: Any) -> None:
        self.keys.append(key)

    def add_after(self, key: Any, _: float) -> None:
        self.keys.append(key)

    def taken(self) -> list[Any]:
        keys, self.keys = self.keys, []
        return keys


class Scene:
    def __init__(self) -> None:
        self.cache, self.videojobs, self.pools, self.schedules = Cache(), Added(), Added(), Added()
        queues: list[Any] = [self.videojobs, self.pools, self.schedules]
        self.informer = Informer(self.cache, *queues, writes_per_s=20.0)
        self._version = 0

    def sees(
        self, watched, name, *, deleted=False, labels=None, owner=None, owners=(), generation=1, uid=None, **fields
    ):
        """Return the VideoJobs and the pools that are reconciled once this is observed."""
        self._version += 1
        metadata = {
            "namespace": "ns",
            "name": name,
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(self._version),
            "generation": generation,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": labels or {},
            "ownerReferences": [
                *owners,
                *([{"apiVersion": API_VERSION, "kind": "VideoJob", "uid": owner}] if owner else []),
            ],
        }
        self.informer.handle(watched, {"metadata": metadata, "spec": {}} | fields, deleted=deleted)
        return self.taken()

    def taken(self):
        return self.videojobs.taken(), self.pools.taken()

    def sees_videojob(self, **fields):
        return self.sees(VIDEOJOBS, "holiday", **fields)

    def sees_job(self, **fields):
        return self.sees(JOBS, "default-1", labels={"videojob.dev/pool": "default"}, **fields)

    def sees_pod(self, **fields):
        labels = {"videojob.dev/pool": "default", "batch.kubernetes.io/job-name": "default-1"}
        return self.sees(PODS, "default-1-x", labels=labels, **fields)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_each_watched_resource_has_a_store_and_somebody_whom_it_concerns(scene):
    for watched in WATCHED:
        # A pod without a Job is nobody's, and so is a template without a VideoJob.
        assert scene.sees(watched, "one") != ([], []) or scene.schedules.taken() or watched in {PODS, TEMPLATES}
        assert len(scene.cache.store(watched)) == 1


def test_a_videojob_concerns_the_schedule_that_made_it_when_its_phase_changes(scene):
    owner = {"apiVersion": API_VERSION, "kind": "VideoSchedule", "uid": "uid-news", "name": "news"}
    scene.sees(SCHEDULES, "news", spec={"schedule": "@daily"})
    assert scene.schedules.taken() == [VideoScheduleKey("ns", "news")]

    for phase, expected in [("Queued", 1), ("Queued", 0), ("Succeeded", 1)]:
        scene.sees(VIDEOJOBS, "news-1", owners=[owner], status={"phase": phase})
        assert len(scene.schedules.taken()) == expected
    scene.sees(VIDEOJOBS, "other", status={"phase": "Queued"})
    assert scene.schedules.taken() == []


def test_a_videojob_concerns_itself(scene):
    assert scene.sees_videojob() == ([HOLIDAY], [])
    assert scene.sees_videojob(deleted=True) == ([HOLIDAY], [])
    assert scene.sees_videojob(deleted=True) == ([], [])


def test_a_pool_concerns_its_videojobs_when_its_spec_changes_or_it_comes_or_goes(scene):
    scene.sees_videojob()
    assert scene.sees(RENDERPOOLS, "default") == ([HOLIDAY], [POOL])
    assert scene.sees(RENDERPOOLS, "default", status={"idle": 1}) == ([], [POOL])
    assert scene.sees(RENDERPOOLS, "default", generation=2) == ([HOLIDAY], [POOL])
    assert scene.sees(RENDERPOOLS, "default", generation=2, uid="another") == ([HOLIDAY], [POOL])
    assert scene.sees(RENDERPOOLS, "default", uid="another", deleted=True) == ([HOLIDAY], [POOL])


@pytest.mark.parametrize("first", ["answer", "event"])
def test_what_a_pool_says_concerns_those_who_wait_whichever_tells_of_it_first(scene, first):
    """The answer to the write of its status, or the watch: the other brings nothing new."""
    scene.sees_videojob(status={"phase": "Queued"})
    scene.sees(RENDERPOOLS, "default", status=pool_status("True", "Ready"))
    told = []
    if first == "answer":
        metadata = {"namespace": "ns", "name": "default", "uid": "uid-default", "resourceVersion": "3", "generation": 1}
        status = pool_status("False", "WorkersNotStarting")
        scene.cache.pools.refresh({"metadata": metadata, "spec": {}, "status": status})
        told += scene.taken()[0]
    told += scene.sees(RENDERPOOLS, "default", status=pool_status("False", "WorkersNotStarting"))[0]
    assert told == [HOLIDAY]


def pool_status(holds: str, reason: str) -> dict[str, Any]:
    at = "2026-01-01T00:00:00Z"
    ready = {"type": "Ready", "status": holds, "reason": reason, "message": "", "lastTransitionTime": at}
    return {"conditions": [ready]}


def test_a_worker_concerns_its_pool_and_the_videojob_that_adopted_it(scene):
    scene.sees_videojob()
    assert scene.sees_job() == ([], [POOL])
    assert scene.sees_job(owner="uid-holiday") == ([HOLIDAY], [POOL])
    assert scene.sees_pod(status={"phase": "Running"}) == ([HOLIDAY], [POOL])
    assert scene.sees_pod(status={"phase": "Running"}) == ([], [])  # nothing that matters is new
    assert scene.sees_pod(deleted=True) == ([HOLIDAY], [POOL])
    assert scene.sees_job(deleted=True) == ([HOLIDAY], [POOL])


def test_a_worker_that_is_not_adopted_yet_concerns_the_videojob_that_runs_on_it(scene):
    scene.sees_job()
    scene.sees_videojob(status={"phase": "Running", "job": {"name": "default-1"}})
    assert scene.sees_pod() == ([HOLIDAY], [POOL])


def test_a_deletion_that_was_missed_concerns_the_same_as_one_that_was_seen(scene):
    scene.sees_videojob()
    scene.sees(RENDERPOOLS, "default")
    scene.sees_job(owner="uid-holiday")
    scene.sees_pod()
    worker = ObjectKey("ns", "default-1")
    for watched, key, concerned in (
        (PODS, ObjectKey("ns", "default-1-x"), ([HOLIDAY], [POOL])),
        (JOBS, worker, ([HOLIDAY], [POOL])),
        (RENDERPOOLS, POOL, ([HOLIDAY], [POOL])),
        (VIDEOJOBS, HOLIDAY, ([HOLIDAY], [])),
    ):
        scene.informer.handle_missed_deletion(watched, key)
        assert scene.taken() == concerned
        assert key not in scene.cache.store(watched)


def test_a_template_concerns_the_videojobs_that_were_not_made_from_it_yet(scene):
    asks = {"templateRef": {"name": "plain"}}
    scene.sees_videojob(spec=asks)
    assert scene.sees(TEMPLATES, "other") == ([], [])
    assert scene.sees(TEMPLATES, "plain") == ([VideoJobKey("ns", "holiday")], [])
    scene.sees_videojob(spec=asks, status={"phase": "Queued", "template": {"name": "plain", "content": "x"}})
    assert scene.sees(TEMPLATES, "plain", generation=2) == ([], [])


def test_the_last_word_of_a_worker_concerns_the_videojob_that_it_is_of_whoever_owns_its_job(scene):
    scene.sees_videojob()
    scene.sees_job()
    said = json.dumps({"uid": "uid-holiday"})
    ended = {"containerStatuses": [{"state": {"terminated": {"exitCode": 0, "message": said}}}]}
    assert scene.sees_pod(status=ended) == ([HOLIDAY], [POOL])
