"""The demo's slideshow, from apply to a video, with everything that happens on the way."""

import json
import subprocess
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import yaml

from tests.e2e.cluster import Cluster
from tests.e2e.specs import long, short

SAMPLE = Path(__file__).parents[2] / "manifests" / "samples" / "slideshow.yaml"


def probe(path: Path) -> dict:
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", str(path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_a_slideshow_goes_through_every_phase_and_stage_to_a_verified_video(
    cluster: Cluster, media_folder: Path
) -> None:
    spec = yaml.safe_load(SAMPLE.read_text())["spec"] | {"pool": "e2e"}

    with cluster.recording() as recording:
        cluster.create("slideshow", spec)
        status = cluster.finish("slideshow")

    assert status["phase"] == "Succeeded", status
    phases = recording.phases("slideshow")
    assert [p for p in phases if p != "Pending"] == ["Queued", "Running", "Succeeded"]
    assert status["attempts"] == 1
    assert status["progress"] == 100
    assert status["stage"] == "Completed"
    assert "failure" not in status

    progress = [s["progress"] for s in recording.of("slideshow") if "progress" in s]
    assert progress == sorted(progress), "progress never goes back"
    order = ["Initializing", "Fetching", "Rendering", "Audio", "Publishing", "Completed"]
    stages = [order.index(s["stage"]) for s in recording.of("slideshow") if s.get("stage")]
    assert stages == sorted(stages), "stages come in order"

    conditions = {c["type"]: c for c in status["conditions"]}
    assert {t: c["status"] for t, c in conditions.items()} == dict.fromkeys(
        ["Accepted", "Admitted", "Started", "Finished", "Complete"], "True"
    )
    assert status["queuedAt"] <= status["startedAt"] <= status["finishedAt"]
    reasons = [reason for _, reason in cluster.events("slideshow", "Succeeded")]
    assert reasons == ["Queued", "Started", "Succeeded"]

    outputs = {o["name"]: o for o in status["outputs"]}
    video = media_folder / outputs["main"]["uri"].removeprefix("volume://media/")
    assert video.stat().st_size == outputs["main"]["bytes"]
    assert sha256(video.read_bytes()).hexdigest() == outputs["main"]["sha256"]
    found = probe(video)
    picture = next(s for s in found["streams"] if s["codec_type"] == "video")
    sound = next(s for s in found["streams"] if s["codec_type"] == "audio")
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("h264", 1280, 720)
    assert picture["color_space"] == "bt709"
    assert int(picture["nb_read_frames"]) == outputs["main"]["frames"]
    assert sound["codec_name"] == "aac"
    seconds = Fraction(outputs["main"]["frames"]) / Fraction(picture["r_frame_rate"])
    assert abs(float(found["format"]["duration"]) - float(seconds)) < 0.05

    poster = media_folder / outputs["poster"]["uri"].removeprefix("volume://media/")
    assert poster.read_bytes()[:3] == b"\xff\xd8\xff"


def test_a_render_tells_its_frames_and_when_it_will_be_done(cluster: Cluster) -> None:
    # Long enough for several writes of progress on any machine: one comes every two seconds at most.
    with cluster.recording() as recording:
        cluster.create("told", long())
        cluster.finish("told")
    progress = [s["progress"] for s in recording.of("told") if "progress" in s]
    assert progress == sorted(progress), "progress never goes back"
    assert len(set(progress)) >= 3, f"progress is live: {progress}"
    rendering = [s for s in recording.of("told") if s.get("stage") == "Rendering"]
    assert any("frame" in s.get("message", "") and s.get("eta") for s in rendering), rendering


def test_the_worker_job_belongs_to_its_video_job(cluster: Cluster) -> None:
    created = cluster.create("owned", short() | {"queue": "high"})
    status = cluster.finish("owned")
    job = cluster.batch.read_namespaced_job(status["job"]["name"], cluster.namespace)
    owners = [(o.kind, o.uid) for o in job.metadata.owner_references]
    assert owners == [("VideoJob", created["metadata"]["uid"])]
    pod_spec = job.spec.template.spec
    assert pod_spec.automount_service_account_token is False
    assert pod_spec.restart_policy == "Never"
    assert job.spec.backoff_limit == 0


def test_kubectl_shows_a_video_job_in_one_line(cluster: Cluster) -> None:
    cluster.create("shown", short())
    cluster.finish("shown")
    header, row = cluster.kubectl("get", "vj", "shown").splitlines()
    assert header.split() == ["NAME", "PHASE", "REASON", "PROGRESS", "STAGE", "ETA", "ATTEMPTS", "AGE"]
    assert row.split()[:3] == ["shown", "Succeeded", "100"]
