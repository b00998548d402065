"""`videojob render --segments`: several processes, with sound, and the bytes of one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import media

PROGRAM = Path(sys.executable).with_name("videojob")

JOB = """\
apiVersion: videojob.dev/v1alpha1
kind: VideoJob
metadata: {name: film}
spec:
  canvas: {width: 160, height: 90, fps: "25"}
  clips:
    - {image: {uri: "volume://media/PICTURE"}, duration: 6s, motion: {zoom: {from: 1, to: 1.2}}}
    - {video: {uri: "volume://media/VIDEO"}, duration: 4s, transition: {type: crossfade, duration: 1s}}
    - {image: {uri: "volume://media/PICTURE"}, duration: 6s}
  audio: {tracks: [{uri: "volume://media/VIDEO", loop: true}], loudness: -16}
  outputs:
    - {name: main, format: mp4}
    - {name: small, format: hls, width: 80}
    - {name: sound, format: m4a}
    - {name: poster, format: jpg}
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    video, picture = media.clip("bigbuckbunny.mp4"), media.photographs(320, 180)[0]
    folder = tmp_path / "media"
    folder.mkdir()
    for file in (video, picture):
        (folder / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "film.yaml"
    path.write_text(JOB.replace("PICTURE", picture.name).replace("VIDEO", video.name))
    return path


def command(job: Path, out: str, *more: str) -> list[str]:
    volumes = ["--volume", f"media={job.parent / 'media'}"]
    return [str(PROGRAM), "render", str(job), "--out", str(job.parent / out), *volumes, "--threads", "2", *more]


def run(job: Path, out: str, *more: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(command(job, out, *more), stdout=subprocess.PIPE, text=True, check=False, timeout=120)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bytes_are_those_of_one_process(job: Path) -> None:
    assert run(job, "one")[0] == 0
    code, lines = run(job, "many", "--segments", "3")
    assert code == 0
    one, many = files(job.parent / "one"), files(job.parent / "many")
    # The folder of an HLS output is called by its job's identity, which is another each time.
    assert sorted(one.values()) == sorted(many.values())
    assert {"film/main.mp4", "film/sound.m4a", "film/poster.jpg"} <= many.keys()
    percents = [line["percent"] for line in lines if line["event"] == "progress"]
    assert percents == sorted(percents)
    made = [line["message"] for line in lines if "segments" in line.get("message", "")]
    assert int(made[-1].split()[2]) > 1


def test_what_is_wrong_with_one_segment_is_the_end_of_all(job: Path) -> None:
    (job.parent / "media" / "bigbuckbunny.mp4").write_bytes(b"no video")
    code, lines = run(job, "out", "--segments", "2")
    assert code == 4
    assert lines[-1]["reason"] == "InvalidMedia"
    assert "spec.clips[1].video.uri" in lines[-1]["message"]


def test_ctrl_c_ends_every_process(job: Path) -> None:
    text = job.read_text().replace("duration: 6s, motion", "duration: 600s, motion").replace("160", "640")
    job.write_text(text.replace("height: 90", "height: 360"))
    with subprocess.Popen(command(job, "out", "--segments", "2"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "segments" not in process.stdout.readline():
            assert process.poll() is None
        children = descendants(process.pid)
        assert len(children) >= 2
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert not [child for child in children if (Path("/proc") / str(child)).exists()]
    assert not (job.parent / "out" / "film").exists()


def descendants(pid: int) -> list[int]:
    time.sleep(0.2)
    children = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()
    return [int(child) for child in children]
