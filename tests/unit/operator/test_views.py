"""Views of Jobs and pods, from statuses as a cluster writes them."""

import pytest

from videojob_operator.views import job_view, parse_time, pod_view

METADATA = {
    "name": "default-12",
    "uid": "u",
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "labels": {"videojob.dev/pool": "default", "videojob.dev/template": "abc"},
}


def job(status=None, **metadata):
    return job_view({"metadata": METADATA | metadata, "status": status or {}})


def pod(status):
    labels = {"batch.kubernetes.io/job-name": "default-12"}
    return pod_view({"metadata": {"name": "default-12-x", "labels": labels}, "status": status})


def container(**state):
    return {"phase": "Running", "containerStatuses": [{"state": state}]}


def test_job_that_waits():
    view = job()
    assert (view.name, view.pool, view.serial, view.template_hash) == ("default-12", "default", 12, "abc")
    assert view.owner_uid is None
    assert not view.is_finished


def test_job_that_was_adopted_by_a_videojob_and_not_by_its_pool():
    assert job(ownerReferences=[{"kind": "RenderPool", "uid": "p"}]).owner_uid is None
    assert job(ownerReferences=[{"kind": "VideoJob", "uid": "v"}]).owner_uid == "v"


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_job_that_ended(kind):
    condition = {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"}
    view = job({"conditions": [condition], "succeeded": 1})
    assert view.finished_at == parse_time("2026-01-01T00:01:00Z")
    assert view.is_finished


def test_pod_that_runs():
    view = pod(container(running={"startedAt": "2026-01-01T00:00:05Z"}))
    assert view.started_at == parse_time("2026-01-01T00:00:05Z")
    assert not view.is_ended
    assert view.job == "default-12"


def test_pod_that_cannot_be_scheduled():
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
    view = pod({"phase": "Pending", "conditions": [unschedulable]})
    assert (view.reason, view.message) == ("Unschedulable", "no cpu")


def test_pod_that_cannot_pull():
    view = pod(container(waiting={"reason": "ImagePullBackOff", "message": "no such image"}))
    assert (view.reason, view.message, view.started_at) == ("ImagePullBackOff", "no such image", None)


def test_pod_that_ran_out_of_memory():
    view = pod(container(terminated={"exitCode": 137, "reason": "OOMKilled"}))
    assert (view.exit_code, view.reason) == (137, "OOMKilled")
    assert view.is_ended


def test_pod_that_left_a_result():
    view = pod(container(terminated={"exitCode": 0, "reason": "Completed", "message": '{"uid": "v"}'}))
    assert view.termination_message == '{"uid": "v"}'
    assert view.exit_code == 0


def test_pod_that_was_evicted_tells_that_rather_than_its_containers_end():
    status = container(terminated={"exitCode": 137, "reason": "Error"})
    view = pod(status | {"phase": "Failed", "reason": "Evicted", "message": "node was low on memory"})
    assert (view.reason, view.message) == ("Evicted", "node was low on memory")


def test_pod_that_was_preempted():
    disruption = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": "for another",
    }
    view = pod(container(running={"startedAt": "2026-01-01T00:00:05Z"}) | {"conditions": [disruption]})
    assert (view.disrupted, view.message) == ("PreemptionByScheduler", "for another")
