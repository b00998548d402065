"""What people see: columns, explanations, selections, defaults."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from tests.integration.apiserver import CRDS, ApiServer
from tests.unit.contract.examples import CLIP, videojob
from videojob_contract.crd.definitions import VIDEOJOB, custom_resource_definition
from videojob_contract.resources import API_VERSION, RenderPoolSpec, VideoJobStatus
from videojob_contract.validation import parse_renderpool, parse_videojob


def named(name: str, **spec: Any) -> dict[str, Any]:
    return {**videojob(**spec), "metadata": {"name": name}}


def write_status(apiserver: ApiServer, namespace: str, kind: str, name: str, status: dict[str, Any]) -> None:
    apiserver.kubectl(
        "patch",
        kind,
        name,
        "-n",
        namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps({"status": status}),
    )


STATUS = VideoJobStatus.model_validate(
    {"phase": "Running", "progress": 42, "stage": "Rendering", "eta": "2026-01-01T00:00:12.345Z", "attempts": 1,
     "message": "frame 321 of 765, 84 fps"}
)  # fmt: skip


def test_videojobs_show_phase_progress_stage_eta_attempts_and_age(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob(), namespace)
    write_status(apiserver, namespace, "vj", "job", STATUS.to_dict())
    header, row = apiserver.kubectl("get", "vj", "-n", namespace).stdout.splitlines()
    assert header.split() == ["NAME", "PHASE", "REASON", "PROGRESS", "STAGE", "ETA", "ATTEMPTS", "AGE"]
    assert row.split()[:-1] == ["job", "Running", "42", "Rendering", "2026-01-01T00:00:12Z", "1"]
    header, row = apiserver.kubectl("get", "vj", "-n", namespace, "-o", "wide").stdout.splitlines()
    assert header.split()[7:] == ["POOL", "QUEUE", "POSITION", "FINISHED", "MESSAGE", "AGE"]
    assert "frame 321 of 765, 84 fps" in row


def test_a_job_that_waits_or_failed_shows_why_and_since_when(apiserver: ApiServer, namespace: str) -> None:
    for name, phase, reason in (("waits", "Queued", "WorkersNotStarting"), ("broken", "Failed", "SourceNotFound")):
        apiserver.apply(named(name), namespace)
        write_status(apiserver, namespace, "vj", name, {"phase": phase, "reason": reason})
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
    write_status(apiserver, namespace, "vj", "broken", {"finishedAt": hour_ago})
    rows = apiserver.kubectl("get", "vj", "-n", namespace, "-o", "wide", "--no-headers").stdout.splitlines()
    assert [row.split()[:3] for row in rows] == [
        ["broken", "Failed", "SourceNotFound"],
        ["waits", "Queued", "WorkersNotStarting"],
    ]
    assert re.search(r"\b60m\b", rows[0])


@pytest.mark.parametrize(("verdict", "code"), [("Complete", 0), ("Failed", 1)])
def test_a_script_waits_for_either_end_and_tells_them_apart(
    apiserver: ApiServer, namespace: str, verdict: str, code: int
) -> None:
    """As `docs/videojob.md` has it."""
    apiserver.apply(videojob(), namespace)
    reason = {"Complete": "Succeeded", "Failed": "Cancelled"}[verdict]
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}
        for kind in ("Finished", verdict)
    ]
    write_status(apiserver, namespace, "vj", "job", {"conditions": conditions})
    apiserver.kubectl("wait", "--for=condition=Finished", "vj/job", "-n", namespace, "--timeout=5s")
    done = apiserver.kubectl("wait", "--for=condition=Complete", "vj/job", "-n", namespace, "--timeout=0s", check=False)
    assert done.returncode == code, done.stderr


def test_renderpools_show_their_workers(apiserver: ApiServer, namespace: str) -> None:
    pool = {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": "pool"}, "spec": {"maxWorkers": 7}}
    apiserver.apply(pool, namespace)
    counts = {"queued": 4, "starting": 1, "idle": 2, "busy": 3, "desired": 6}
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "WorkersNotStarting",
        "message": "worker pool-1: ImagePullBackOff",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    write_status(apiserver, namespace, "rp", "pool", counts | {"conditions": [ready]})
    header, row = apiserver.kubectl("get", "rp", "-n", namespace).stdout.splitlines()
    assert header.split() == ["NAME", "READY", "QUEUED", "STARTING", "IDLE", "BUSY", "DESIRED", "MAX", "AGE"]
    assert row.split()[:-1] == ["pool", "False", "4", "1", "2", "3", "6", "7"]
    assert ready["message"] in apiserver.kubectl("get", "rp", "-n", namespace, "-o", "wide").stdout


def test_a_status_is_stored_as_it_was_written(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob(), namespace)
    write_status(apiserver, namespace, "vj", "job", STATUS.to_dict())
    stored = apiserver.get("vj", "job", namespace)
    assert stored["status"] == STATUS.to_dict()
    assert parse_videojob(stored).status == STATUS


def test_the_spec_cannot_be_changed_by_way_of_the_status(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob() | {"status": {"phase": "Succeeded"}}, namespace)
    assert "status" not in apiserver.get("vj", "job", namespace)


def test_a_job_with_templates_is_stored_with_them_and_can_be_scheduled_and_reported_on(
    apiserver: ApiServer, namespace: str
) -> None:
    clip = {"video": {"uri": "volume://media/a.mp4", "speed": "{{ speed }}", "volume": 1.0, "loop": "{{ again }}"},
            "duration": "{{ length }}"}  # fmt: skip
    job = videojob(
        clip,
        canvas={"width": "{{ width }}", "height": 360},
        overlays=[{"title": {"text": "{{ job.name }}"}, "opacity": "{{ share }}", "scale": 0.5}],
        parameters={"speed": 1.5, "again": True, "length": "2s", "width": 640, "share": 1},
    )
    apiserver.apply(job, namespace)
    write_status(apiserver, namespace, "vj", "job", STATUS.to_dict())
    apiserver.kubectl("label", "vj", "job", "a=b", "-n", namespace)
    apiserver.apply({**job, "spec": {**job["spec"], "suspend": True}}, namespace)
    stored = apiserver.get("vj", "job", namespace)
    assert stored["spec"]["clips"][0]["video"] == {
        **clip["video"],
        "reverse": False,
        "hold": "last",
        "onDamage": "conceal",
    }
    assert stored["spec"]["canvas"] == {"width": "{{ width }}", "height": 360}
    parsed = parse_videojob(stored)
    assert parsed.status == STATUS
    assert parsed.spec.suspend
    assert parsed.spec.clips == parse_videojob(job).spec.clips


def test_the_server_fills_in_what_no_pool_decides(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob(CLIP, {**CLIP, "transition": {"type": "fade"}}, retry={"limit": 5}), namespace)
    assert apiserver.get("vj", "job", namespace)["spec"] == {
        "pool": "default",
        "queue": "default",
        "priority": 0,
        "rerun": 0,
        "suspend": False,
        "cancel": False,
        "parallelism": 1,
        "retry": {"limit": 5, "backoff": {"initial": "10s", "factor": 2, "max": "10m", "jitter": 0.2}},
        "clips": [
            {**CLIP, "fit": "cover", "anchor": "center"},
            {**CLIP, "fit": "cover", "anchor": "center", "transition": {"type": "fade", "easing": "linear"}},
        ],
    }


def test_the_server_fills_in_a_pool_as_the_models_do(apiserver: ApiServer, namespace: str) -> None:
    pool = {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": "pool"}, "spec": {}}
    apiserver.apply(pool, namespace)
    stored = apiserver.get("rp", "pool", namespace)
    assert stored["spec"] == RenderPoolSpec().to_dict()
    assert parse_renderpool(stored).spec == RenderPoolSpec()


def test_free_manifests_of_a_pool_are_kept(apiserver: ApiServer, namespace: str) -> None:
    source = {"nfs": {"server": "files.example.org", "path": "/media", "readOnly": True}}
    worker = {"tolerations": [{"key": "gpu", "operator": "Exists"}], "resources": {"limits": {"example.org/gpu": 1}}}
    spec = {"volumes": [{"name": "media", "source": source}], "worker": worker}
    apiserver.apply(
        {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": "pool"}, "spec": spec}, namespace
    )
    stored = apiserver.get("rp", "pool", namespace)["spec"]
    assert stored["volumes"] == [{"name": "media", "readOnly": False, "source": source}]
    assert stored["worker"] == {**worker, "scratchSize": "8Gi"}


def test_phase_and_pool_can_be_selected_by(apiserver: ApiServer, namespace: str) -> None:
    for name, pool in (("a", "one"), ("b", "one"), ("c", "two")):
        apiserver.apply(named(name, pool=pool), namespace)
    write_status(apiserver, namespace, "vj", "b", {"phase": "Running"})

    def selected(selector: str) -> list[str]:
        done = apiserver.kubectl("get", "vj", "-n", namespace, "--field-selector", selector, "-o", "name")
        return [line.rpartition("/")[2] for line in done.stdout.splitlines()]

    assert selected("spec.pool=one") == ["a", "b"]
    assert selected("status.phase=Running") == ["b"]
    assert selected("spec.pool=two,status.phase=Running") == []


def test_the_category_lists_both_kinds(apiserver: ApiServer, namespace: str) -> None:
    apiserver.apply(videojob(), namespace)
    apiserver.apply(
        {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": "pool"}, "spec": {}}, namespace
    )
    names = apiserver.kubectl("get", "video", "-n", namespace, "-o", "name").stdout.split()
    assert sorted(names) == ["renderpool.videojob.dev/pool", "videojob.videojob.dev/job"]


def test_explain_reads_well(apiserver: ApiServer) -> None:
    text = " ".join(apiserver.kubectl("explain", "videojob.spec.clips").stdout.split())
    for words in (
        "FIELD: clips <[]Object>",
        "The timeline, in order. Required without `templateRef`. A stretch of the timeline: exactly one of image,",
        "fit <string> How a picture of another shape fills the canvas. One of cover, contain, blur, stretch.",
        "duration <string> How long it lasts, transitions included. A video may leave it out or say `auto`, ",
        "transition <Object> How it comes in over the clip before it. Default: cut.",
    ):
        assert words in text
    text = " ".join(apiserver.kubectl("explain", "videojob.spec.clips.video").stdout.split())
    for words in ("A number from 0.1 to 10, or a template.", "True, false, or a template."):
        assert words in text
    recursive = apiserver.kubectl("explain", "videojob", "--recursive").stdout
    assert recursive.count("<") > 150


def test_the_largest_timeline_is_accepted_within_the_budget_of_the_rules(apiserver: ApiServer, namespace: str) -> None:
    uri = "volume://media/" + "photographs/" * 20 + "a.jpg"  # 500 of these are as much as a spec may have
    clips = [
        {"image": {"uri": uri}, "duration": "3s", "motion": {"zoom": {}}}
        | ({"transition": {"type": "crossfade", "duration": "500ms"}} if index else {})
        for index in range(500)
    ]
    job = videojob(*clips, overlays=[{"image": {"uri": uri}}] * 64, outputs=[
        {"name": f"output-{index}", "format": "mp4"} for index in range(32)
    ])  # fmt: skip
    # With what goes around it too large for the annotation of kubectl apply, and so created.
    apiserver.kubectl("create", "-n", namespace, "-f", "-", stdin=job)
    started = time.monotonic()
    apiserver.kubectl("patch", "vj", "job", "-n", namespace, "--type=merge", "-p", '{"spec": {"suspend": true}}')
    assert time.monotonic() - started < 10
    assert len(parse_videojob(apiserver.get("vj", "job", namespace)).spec.clips) == 500
    clips[499] = {**clips[499], "duration": "4s"}
    patch = json.dumps({"spec": {"clips": clips}})
    done = apiserver.kubectl(
        "patch", "vj", "job", "-n", namespace, "--type=merge", "--patch-file", "/dev/stdin", stdin=patch, check=False
    )
    assert "spec.clips: Forbidden: what is rendered cannot change" in done.stderr


def test_the_committed_crds_are_the_models(apiserver: ApiServer) -> None:
    committed = {crd["spec"]["names"]["kind"]: crd for crd in yaml.safe_load_all(CRDS.read_text())}
    assert committed["VideoJob"] == custom_resource_definition(VIDEOJOB)
    conditions = apiserver.kubectl(
        "get", "crd", "videojobs.videojob.dev", "-o", "jsonpath={.status.conditions[*].type}"
    )
    assert "NonStructuralSchema" not in conditions.stdout
