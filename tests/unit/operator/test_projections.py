"""Projections of Jobs and pods, from statuses as a cluster writes them."""

import pytest

from videojob_contract.resources import API_VERSION
from videojob_operator.projections import parse_time, project_job, project_pod

METADATA = {
    "name": "default-12",
    "uid": "u",
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "labels": {"videojob.dev/pool": "default", "videojob.dev/template": "abc"},
}


def job(status=None, **metadata):
    return project_job({"metadata": METADATA | metadata, "status": status or {}})


def owner(kind, uid):
    return {"apiVersion": API_VERSION, "kind": kind, "name": "x", "uid": uid}


def pod(status):
    labels = {"batch.kubernetes.io/job-name": "default-12"}
    return project_pod({"metadata": {"name": "default-12-x", "labels": labels}, "status": status})


def container(**state):
    return {"phase": "Running", "containerStatuses": [{"state": state}]}


def test_job_that_waits():
    projected = job()
    assert (projected.name, projected.pool, projected.serial, projected.template_hash) == (
        "default-12",
        "default",
        12,
        "abc",
    )
    assert projected.owner_uid is None
    assert not projected.is_finished


def test_job_that_was_adopted_by_a_videojob_and_not_by_its_pool():
    pools = job(ownerReferences=[owner("RenderPool", "p")])
    assert (pools.owner_uid, pools.pool_uid) == (None, "p")
    videojobs = job(ownerReferences=[owner("VideoJob", "v")])
    assert (videojobs.owner_uid, videojobs.pool_uid) == ("v", None)
    other = job(ownerReferences=[owner("VideoJob", "v") | {"apiVersion": "example.org/v1"}])
    assert (other.owner_uid, other.pool_uid) == (None, None)


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_job_that_ended(kind):
    condition = {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"}
    projected = job({"conditions": [condition], "succeeded": 1})
    assert projected.finished_at == parse_time("2026-01-01T00:01:00Z")
    assert projected.is_finished


def test_pod_that_runs():
    projected = pod(container(running={"startedAt": "2026-01-01T00:00:05Z"}))
    assert projected.started_at == parse_time("2026-01-01T00:00:05Z")
    assert not projected.is_ended
    assert projected.job == "default-12"


def test_pod_that_cannot_be_scheduled():
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
    projected = pod({"phase": "Pending", "conditions": [unschedulable]})
    assert (projected.reason, projected.message) == ("Unschedulable", "no cpu")


def test_pod_that_cannot_pull():
    projected = pod(container(waiting={"reason": "ImagePullBackOff", "message": "no such image"}))
    assert (projected.reason, projected.message, projected.started_at) == ("ImagePullBackOff", "no such image", None)


def test_pod_that_ran_out_of_memory():
    projected = pod(container(terminated={"exitCode": 137, "reason": "OOMKilled"}))
    assert (projected.exit_code, projected.reason) == (137, "OOMKilled")
    assert projected.is_ended


def test_pod_that_left_a_result():
    projected = pod(container(terminated={"exitCode": 0, "reason": "Completed", "message": '{"uid": "v"}'}))
    assert projected.termination_message == '{"uid": "v"}'
    assert projected.exit_code == 0


def test_pod_that_was_evicted_tells_that_rather_than_its_containers_end():
    status = container(terminated={"exitCode": 137, "reason": "Error"})
    projected = pod(status | {"phase": "Failed", "reason": "Evicted", "message": "node was low on memory"})
    assert (projected.reason, projected.message) == ("Evicted", "node was low on memory")


def test_pod_that_was_preempted():
    disruption = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": "for another",
    }
    projected = pod(container(running={"startedAt": "2026-01-01T00:00:05Z"}) | {"conditions": [disruption]})
    assert (projected.disrupted, projected.message) == ("PreemptionByScheduler", "for another")
