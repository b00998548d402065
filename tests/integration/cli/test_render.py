"""`videojob render` as a program, with the real engine."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(sys.executable).with_name("videojob")

JOB = """\
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {name: NAME}
spec:
  canvas: {width: 160, height: 90, fps: "25"}
  deadline: DEADLINE
  clips:
    - {image: {uri: volume://media/a.png}, duration: 1s}
    - {color: "#800000", duration: LENGTH, transition: {type: crossfade, duration: 1s}}
  outputs:
    - {name: main, format: mp4, quality: draft, uri: volume://elsewhere/main.mp4}
    - {name: poster, format: jpg}
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    (tmp_path / "tmp").mkdir()
    Image.new("RGB", (64, 64), "#008000").save(tmp_path / "media" / "a.png")
    return write(tmp_path)


def write(folder: Path, name: str = "holiday", length: str = "3s", deadline: str = "10m") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(JOB.replace("NAME", name).replace("LENGTH", length).replace("DEADLINE", deadline))
    return path


def command(job: Path, *more: str) -> list[str]:
    folder = job.parent
    volumes = ["--volume", f"media={folder / 'media'}"]
    return [str(PROGRAM), "render", str(job), "--out", str(folder / "out"), *volumes, "--threads", "1", *more]


def environment(job: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(job.parent / "tmp")}


def run(job: Path, *more: str) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        command(job, *more), env=environment(job), capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def outputs(job: Path) -> list[str]:
    out = job.parent / "out"
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def nothing_left(job: Path) -> bool:
    return list((job.parent / "tmp").iterdir()) == []


def test_renders_to_the_folder_with_json_lines_in_a_pipe(job: Path) -> None:
    code, lines, errors = run(job)
    assert (code, errors) == (0, "")
    assert outputs(job) == ["holiday/main.mp4", "holiday/poster.jpg"]
    progress = [line for line in lines if line["event"] == "progress"]
    percents = [line["percent"] for line in progress]
    assert percents == sorted(percents)
    assert progress[-1]["stage"] == "Completed"
    result = lines[-1]
    assert result["result"] == "succeeded"
    main = result["outputs"][0]
    assert main["frames"] == 75
    assert Path(main["file"]).stat().st_size == main["bytes"]
    assert nothing_left(job)


def test_several_jobs_of_one_file(job: Path) -> None:
    second = write(job.parent, "second")
    job.write_text(f"{job.read_text()}---\n{second.read_text()}")
    code, _, _ = run(job)
    assert code == 0
    assert outputs(job) == ["holiday/main.mp4", "holiday/poster.jpg", "second/main.mp4", "second/poster.jpg"]


def test_a_text_file_named_as_a_picture(job: Path) -> None:
    (job.parent / "media" / "a.png").write_text("just text")
    code, lines, _ = run(job)
    assert code == 4
    assert lines[-1]["reason"] == "InvalidMedia"
    assert "spec.clips[0].image.uri" in lines[-1]["message"]
    assert "volume://media/a.png" in lines[-1]["message"]
    assert outputs(job) == []
    assert nothing_left(job)


def test_a_missing_source(job: Path) -> None:
    (job.parent / "media" / "a.png").unlink()
    assert run(job)[0] == 4


def test_the_deadline(job: Path) -> None:
    code, lines, _ = run(write(job.parent, length="2h", deadline="1s"))
    assert (code, lines[-1]["reason"]) == (6, "DeadlineExceeded")


@pytest.fixture
def rendering(job: Path) -> Iterator[subprocess.Popen[str]]:
    """A long render that makes frames."""
    long = write(job.parent, length="10h")
    process = subprocess.Popen(
        command(long), env=environment(long), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("stage") == "Rendering":
            break
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_stops_at_once_and_leaves_nothing(job: Path, rendering: subprocess.Popen[str]) -> None:
    children = Path(f"/proc/{rendering.pid}/task/{rendering.pid}/children").read_text().split()
    asked = time.monotonic()
    rendering.send_signal(signal.SIGINT)
    stdout, stderr = rendering.communicate(timeout=10)
    assert time.monotonic() - asked < 2
    assert rendering.returncode == 130
    assert json.loads(stdout.splitlines()[-1])["result"] == "cancelled"
    assert "Traceback" not in stderr
    assert outputs(job) == []
    assert nothing_left(job)
    assert children
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_a_bar_on_a_terminal(job: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(job), env={**environment(job), "TERM": "xterm-256color", "COLUMNS": "120"}, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:
        pass  # the other end was closed: the program is done
    os.close(ours)
    assert process.wait(10) == 0
    text = shown.decode()
    assert "Starting" in text  # a job this short may go through its stages between two pictures of the bar
    assert "100%" in text
    assert "main.mp4" in text
    assert "{" not in text
