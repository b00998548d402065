"""`videojob plan` as a program, with the real engine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PROGRAM = Path(sys.executable).with_name("videojob")

HEAD = """\
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {name: holiday}
spec:
  canvas: {width: 160, height: 90, fps: "25"}
  parameters: {seconds: 2}
  clips:
    - {image: {uri: volume://media/a.png}, duration: "{{ seconds }}s"}
"""
CLIP = '    - {color: "#800000", duration: 2s, transition: {type: crossfade, duration: 1s}}\n'


@pytest.fixture
def job(tmp_path: Path) -> Path:
    for name in ("media", "tmp"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (64, 64), "#008000").save(tmp_path / "media" / "a.png")
    path = tmp_path / "holiday.yaml"
    path.write_text(HEAD + CLIP)
    return path


def command(job: Path, *more: str) -> list[str]:
    return [str(PROGRAM), "plan", str(job), "--volume", f"media={job.parent / 'media'}", "--threads", "2", *more]


def run(job: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(job, *more), env=environment(job), capture_output=True, text=True, check=False, timeout=60
    )


def environment(job: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(job.parent / "tmp")}


def spans(stdout: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stdout)["spans"]
    return found


def test_a_table_and_nothing_made(job: Path) -> None:
    before = sorted(job.parent.rglob("*"))
    done = run(job, "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "holiday: 160x90, 25 frames a second, 75 frames, 144000 samples, 3s"
    assert "25-49      25    48000  blend  0 1" in done.stdout
    assert "  crossfade from clip 0 (image) to clip 1 (color), each of which stands still: " in done.stdout
    assert sorted(job.parent.rglob("*")) == before


def test_json_with_parameters(job: Path) -> None:
    done = run(job, "--output", "json", "--set", "seconds=4")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["videojob"], found["frames"], found["fps"]) == ("holiday", 125, "25")
    assert [(span["kind"], span["frames"]) for span in found["spans"]] == [("still", 75), ("blend", 25), ("still", 25)]
    assert all(span["why"] for span in found["spans"])


def test_five_hundred_clips_arrive_whole(job: Path) -> None:
    job.write_text(HEAD + 499 * CLIP)
    done = run(job, "--output", "json")
    assert done.returncode == 0
    found = spans(done.stdout)
    assert len(found) == 1 + 499 + 1  # each clip but the first and the last is blended all of its time
    assert [span["start"] for span in found] == [0, *(span["start"] + span["frames"] for span in found[:-1])]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("just text", 4, "InvalidMedia: spec.clips[0].image.uri: volume://media/a.png "),
        (None, 4, "SourceNotFound: spec.clips[0].image.uri: volume://media/a.png: "),
    ],
)
def test_a_source_that_cannot_be_used(job: Path, content: str | None, code: int, says: str) -> None:
    source = job.parent / "media" / "a.png"
    source.unlink()
    if content is not None:
        source.write_text(content)
    done = run(job)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"{job}: {says}")
    assert list((job.parent / "tmp").iterdir()) == []


def test_a_spec_that_is_wrong(job: Path) -> None:
    job.write_text(job.read_text().replace("#800000", "red"))
    done = run(job)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"{job}:9:8: spec.clips[1].color: ")


def test_ctrl_c_while_a_source_is_not_there_yet(job: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        job.write_text(job.read_text().replace("volume://media/a.png", f"http://127.0.0.1:{server.getsockname()[1]}/a"))
        process = subprocess.Popen(
            command(job, "--allow-private-networks"),
            env=environment(job),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server.settimeout(30)
        connection, _ = server.accept()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=10)
        connection.close()
    assert (process.returncode, stdout) == (130, "")
    assert stderr == f"{job}: Cancelled: cancelled\n"
    assert list((job.parent / "tmp").iterdir()) == []
