"""The cache: who belongs to whom, what is to be forgotten, and what is finished is kept small."""

import tracemalloc

import pytest

from videojob_contract.labels import ANNOTATION_RESTORED
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources import API_VERSION
from videojob_operator.act.worker_job import owner_reference
from videojob_operator.cache import Cache
from videojob_operator.decide.specs import whole
from videojob_operator.projections import ObjectKey
from videojob_operator.records import VideoJobKey

POOL = PoolKey("ns", "default")
KEY = VideoJobKey("ns", "one")


def videojob(name="one", *, uid="uid-1", version=1, phase=None, job=None, pool="default", generation=1, **spec):
    status = {}
    if phase:
        status["phase"] = phase
    if job:
        status["job"] = {"name": job}
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": generation,
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {"pool": pool, "clips": [{"color": "#000000", "duration": "1s"}] * 50} | spec,
        "status": status,
    }


def job(name="default-1", *, uid="job-1", version=1, succeeded=0, owner="p", kind="RenderPool"):
    metadata = {
        "name": name,
        "namespace": "ns",
        "uid": uid,
        "resourceVersion": str(version),
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"videojob.dev/pool": "default"},
        "ownerReferences": [owner_reference(kind, "default", owner)] if owner else [],
    }
    return {"metadata": metadata, "status": {"succeeded": succeeded}}


def pool(version=1, generation=1, spec=None, uid="p"):
    metadata = {
        "name": "default",
        "namespace": "ns",
        "uid": uid,
        "resourceVersion": str(version),
        "generation": generation,
    }
    return {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": metadata, "spec": spec or {}}


@pytest.fixture
def cache():
    return Cache()


def test_phases_and_running_jobs_follow_the_object(cache):
    cache.videojobs.put(videojob(version=1, phase="Queued"))
    cache.videojobs.put(videojob(version=2, phase="Running", job="default-1"))
    assert cache.phases(POOL)["Queued"] == 0
    assert cache.phases(POOL)["Running"] == 1
    assert cache.running == 1
    assert cache.running_jobs(POOL) == {"default-1"}
    assert cache.videojob_running_on("ns", "default-1") == KEY
    cache.videojobs.put(videojob(version=3, phase="Succeeded", job="default-1"))
    assert cache.running == 0
    assert cache.running_jobs(POOL) == frozenset()
    assert cache.videojob_running_on("ns", "default-1") is None


def test_a_removed_videojob_leaves_a_grave_and_no_index(cache):
    cache.videojobs.put(videojob(phase="Running", job="default-1"))
    assert cache.videojobs.remove(KEY, "uid-1")
    assert not cache.videojobs.remove(KEY, "uid-1")
    assert cache.stale_entries == {KEY: {(POOL, "uid-1")}}
    assert cache.videojob_of("uid-1") is None
    assert cache.videojobs_of(POOL) == []
    assert sum(cache.phases(POOL).values()) == 0


def test_a_late_deletion_of_a_namesake_removes_nothing(cache):
    cache.videojobs.put(videojob(uid="uid-1", version=1))
    cache.videojobs.put(videojob(uid="uid-2", version=3))
    assert not cache.videojobs.remove(KEY, "uid-1")
    assert cache.videojobs[KEY].uid == "uid-2"
    assert cache.stale_entries == {KEY: {(POOL, "uid-1")}}


def test_a_videojob_that_moves_to_another_pool_is_to_be_forgotten_by_the_first(cache):
    cache.videojobs.put(videojob(version=1))
    cache.videojobs.put(videojob(version=2, pool="other", generation=2))
    assert cache.stale_entries == {KEY: {(POOL, "uid-1")}}
    assert cache.videojobs_of(POOL) == []
    assert cache.videojobs_of(PoolKey("ns", "other")) == [KEY]


def test_what_is_finished_keeps_what_is_still_of_use(cache):
    raw = videojob(phase="Succeeded", job="default-1", ttlAfterFinished="1h")
    raw["status"]["finishedAt"] = "2026-01-01T00:00:00.500Z"
    cache.videojobs.put(raw)
    kept = cache.videojobs[KEY].object
    assert kept["spec"] == {"pool": "default", "ttlAfterFinished": "1h"}
    assert kept["status"]["phase"] == "Succeeded"
    assert kept["status"]["job"] == {"name": "default-1"}
    assert kept["status"]["finishedAt"].startswith("2026-01-01T00:00:00.5")
    assert kept["metadata"]["uid"] == "uid-1"


def test_ten_thousand_finished_cost_less_than_twenty_megabytes(cache):
    tracemalloc.start()
    for number in range(10_000):
        cache.videojobs.put(videojob(f"job-{number}", uid=f"uid-{number}", version=number + 1, phase="Succeeded"))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 20e6


def test_managed_fields_and_what_kubectl_keeps_are_dropped(cache):
    raw = videojob()
    raw["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    assert raw["metadata"].keys() >= {"managedFields", "annotations"}
    cache.videojobs.put(raw)
    assert not {"managedFields", "annotations"} & cache.videojobs[KEY].object["metadata"].keys()
    raw["metadata"]["annotations"] |= {ANNOTATION_RESTORED: "true"}
    raw["metadata"]["resourceVersion"] = "1000"
    cache.videojobs.put(raw)
    assert cache.videojobs[KEY].object["metadata"]["annotations"] == {ANNOTATION_RESTORED: "true"}


def test_a_long_timeline_is_kept_as_compressed_text_once_it_was_looked_at(cache):
    def holiday(version):
        raw = videojob(version=version)
        clips = [{"image": {"uri": f"volume://media/{n}.jpg"}, "duration": "3s"} for n in range(500)]
        return raw | {"spec": {"clips": clips, "queue": "low"}}

    cache.videojobs.put(holiday(1))
    first = cache.videojobs[KEY].accept()
    cache.videojobs.put(holiday(2))
    record = cache.videojobs[KEY]
    assert "clips" not in record.object["spec"]
    assert record.accept().spec.queue == "low"
    assert not record.accept().spec.clips
    assert len(record.accept().packed) < 10_000
    assert whole(record.accept()) == first.spec
    cache.videojobs.put(holiday(3))
    assert whole(cache.videojobs[KEY].accept()) == first.spec


def test_jobs_of_a_pool_and_whether_an_event_changed_anything(cache):
    cache.pools.put(pool())
    assert cache.jobs.put(job(version=1))
    assert not cache.jobs.put(job(version=2))  # newer, but nothing that matters is new
    assert cache.jobs.put(job(version=3, succeeded=1))
    assert [job.name for job in cache.jobs_of(POOL)] == ["default-1"]
    assert not cache.jobs.remove(ObjectKey("ns", "default-1"), "another")
    assert cache.jobs.remove(ObjectKey("ns", "default-1"), "job-1")
    assert cache.jobs_of(POOL) == ()


@pytest.mark.parametrize(("owner", "kind"), [(None, ""), ("another-pool", "RenderPool"), ("p", "Elephant")])
def test_a_job_that_only_looks_like_one_of_the_pool_is_left_alone(cache, owner, kind):
    cache.pools.put(pool())
    cache.jobs.put(job("default-7", owner=owner, kind=kind))
    assert cache.jobs_of(POOL) == ()
    assert cache.job("ns", "default-7") is None
    assert cache.taken_serial(POOL) == 7  # and its name is not asked for
    cache.jobs.put(job("default-8", uid="job-8", version=2))
    assert [job.name for job in cache.jobs_of(POOL)] == ["default-8"]


def test_a_job_that_a_videojob_has_adopted_stays_one_of_the_pool(cache):
    cache.jobs.put(job(owner="v", kind="VideoJob"))
    assert [job.name for job in cache.jobs_of(POOL)] == ["default-1"]


def test_a_pool_looks_at_what_it_can_do_something_about_however_much_it_has_rendered(cache):
    for serial in range(1, 100):
        name = f"default-{serial}"
        cache.jobs.put(
            job(name, uid=f"job-{serial}", version=serial, owner="v", kind="VideoJob", succeeded=serial != 42)
        )
    assert [job.name for job in cache.jobs_of(POOL)] == ["default-42", "default-99"]
    assert (cache.count_jobs(POOL), cache.taken_serial(POOL)) == (1, 99)


def test_a_pod_that_others_labelled_is_not_the_pod_of_a_job(cache):
    def pod(name, job_uid, version):
        labels = {"batch.kubernetes.io/job-name": "default-1"}
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "default-1", "uid": job_uid}
        metadata = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": str(version)}
        return {"metadata": metadata | {"labels": labels, "ownerReferences": [owner]}, "status": {"phase": "Running"}}

    cache.jobs.put(job())
    cache.pods.put(pod("real", "job-1", 1))
    cache.pods.put(pod("pretender", "job-2", 2))
    assert cache.pod_of("ns", "default-1").name == "real"


def test_pod_of_a_job(cache):
    labels = {"batch.kubernetes.io/job-name": "default-1", "videojob.dev/pool": "default"}
    metadata = {"name": "default-1-abc", "namespace": "ns", "uid": "pod-1", "resourceVersion": "7", "labels": labels}
    assert cache.pods.put({"metadata": metadata, "status": {"phase": "Running"}})
    assert cache.pod_of("ns", "default-1").name == "default-1-abc"
    assert cache.pods.remove(ObjectKey("ns", "default-1-abc"))
    assert cache.pod_of("ns", "default-1") is None


def test_a_pool_keeps_its_spec_while_its_generation_stays(cache):
    cache.pools.put(pool(1, 1, {"maxWorkers": 5}))
    spec = cache.pools[POOL].accept().spec
    cache.pools.put(pool(2, 1, {"maxWorkers": 5}))
    assert cache.pools[POOL].accept().spec is spec
    cache.pools.put(pool(3, 2, {"maxWorkers": -5}))
    assert cache.pools[POOL].accept().spec is None
    refusal = cache.pools[POOL].accept().refusal
    assert refusal is not None
    assert "maxWorkers" in refusal.message
