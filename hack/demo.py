"""`make demo`: renders a slideshow on the one-node cluster; shows how it goes and what came out, or why."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import av

from hack import media

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = ROOT / ".cluster"
MEDIA = CLUSTER / "media"
SAMPLE = ROOT / "manifests" / "samples" / "slideshow.yaml"
NAMESPACE = "videojob"
NAME = "slideshow"
PROMETHEUS = "http://127.0.0.1:9090"
GRAPHS = ("videojob_workers", "videojob_queue_depth", "videojob_video_seconds_total", "videojob_attempt_seconds_total")
"""What its link shows, of what the dashboards do."""
STALL_S = 60  # longer than anything takes, except without an operator or a worker
BAR_WIDTH = 20

Status = dict[str, Any]


class DemoError(Exception):
    """Why there is no video."""


def main() -> int:
    """Runs the demo; returns the exit status."""
    status: Status = {}
    try:
        media.copy_to(MEDIA)
        # A VideoJob's timeline cannot be changed, so an earlier demo's makes place for this one's.
        kubectl("delete", "videojob", NAME, "--ignore-not-found")
        shutil.rmtree(MEDIA / "out" / NAMESPACE / NAME, ignore_errors=True)
        start = time.monotonic()
        kubectl("apply", "--filename", str(SAMPLE))
        print(f"==> applied {SAMPLE.relative_to(ROOT)}")
        line = ProgressLine()
        for status in statuses():
            line.show(status)
            if status.get("phase") in {"Succeeded", "Failed", "Cancelled"}:
                break
        line.end()
        check(status)
        report(status, time.monotonic() - start)
    except KeyboardInterrupt:
        print(f"\ninterrupted; the VideoJob {NAME} goes on", file=sys.stderr)
        return 130
    except (DemoError, FileNotFoundError) as error:
        print(f"\nthe demo failed: {error}", file=sys.stderr)
        explain(status)
        return 1
    return 0


def statuses() -> Iterator[Status]:
    """Yields each status of the VideoJob as it is written.

    Raises:
        DemoError: nothing was written for `STALL_S` seconds, or the watch ended.
    """
    watch = subprocess.Popen(
        command("get", "videojob", NAME, "--watch", "--output", 'jsonpath={.status}{"\\n"}'),
        stdout=subprocess.PIPE,
        text=True,
    )
    stalled = threading.Event()

    def stop() -> None:
        stalled.set()
        watch.terminate()

    try:
        assert watch.stdout  # noqa: S101 - for the type checker: it is a pipe
        while True:
            alarm = threading.Timer(STALL_S, stop)
            alarm.start()
            text = watch.stdout.readline()
            alarm.cancel()
            if not text:
                break
            if text.strip():
                yield json.loads(text)
    finally:
        watch.terminate()
        watch.wait()
    raise DemoError(f"nothing happened for {STALL_S} s" if stalled.is_set() else "the API server ended the watch")


class ProgressLine:
    """What the status says, in one line: redrawn on a terminal, else printed when it changes."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._last = ""

    def show(self, status: Status) -> None:
        """Shows a status."""
        text = describe(status)
        if text == self._last:
            return
        self._last = text
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{text[:width]:<{width}}", end="", flush=True)
        else:
            print(text, flush=True)

    def end(self) -> None:
        """Leaves the line."""
        if self._terminal:
            print()


def describe(status: Status) -> str:
    """A status in one line: where it is, how far, how fast, and how long still."""
    percent = int(status.get("progress") or 0)
    done = percent * BAR_WIDTH // 100
    where = status.get("stage") if status.get("phase") == "Running" else status.get("phase")
    parts = [f"  {where or 'Pending':<12} [{'#' * done}{'.' * (BAR_WIDTH - done)}] {percent:>3} %"]
    if message := status.get("message"):
        parts.append(str(message))
    if eta := status.get("eta"):
        left_s = (moment(eta) - datetime.now(UTC)).total_seconds()
        parts.append(f"{max(0, round(left_s))} s left")
    return "  ".join(parts)


def check(status: Status) -> None:
    """Raises DemoError unless the job succeeded and its files are what the status says."""
    if status.get("phase") != "Succeeded":
        failure = status.get("failure") or {}
        reason = failure.get("reason") or status.get("phase") or "no status"
        message = failure.get("message") or status.get("message") or "the operator wrote nothing"
        raise DemoError(f"{reason}: {message}")
    for output in status["outputs"]:
        path = local_path(output["uri"])
        if not path.is_file():
            raise DemoError(f"{path} is missing, although the VideoJob succeeded")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != output["sha256"]:
            raise DemoError(f"{path} was published with SHA-256 {output['sha256']}, and now has {digest}")


def report(status: Status, total_s: float) -> None:
    """Prints what came out, and what to try next."""
    for output in status["outputs"]:
        path = local_path(output["uri"])
        print(f"\n    {path}")
        print(f"      {output['bytes'] / 1e6:.2f} MB, SHA-256 {output['sha256']}")
        print(f"      {properties(path)}")
    queued, started, finished = (moment(status[name]) for name in ("queuedAt", "startedAt", "finishedAt"))
    waited_ms = (started - queued).total_seconds() * 1000
    took_s = (finished - started).total_seconds()
    print(f"\n    {total_s:.1f} s in all: it waited {waited_ms:.0f} ms for a worker, which took {took_s:.1f} s")
    sample = SAMPLE.relative_to(ROOT)
    print(f"""
Try next, after  export KUBECONFIG={CLUSTER / "kubeconfig"} PATH={CLUSTER / "bin"}:$PATH

  1. See what happened:
       kubectl -n {NAMESPACE} describe videojob {NAME}
  2. Render your own pictures: put them into {MEDIA / "photos"}, name them
     in a copy of {sample}, give it another metadata.name, and
       kubectl -n {NAMESPACE} apply -f COPY && kubectl -n {NAMESPACE} get videojobs --watch
  3. Do the same in a browser, at http://localhost:8080, with the token that the first of these prints:
       kubectl -n {NAMESPACE} create token demo
       kubectl -n {NAMESPACE} port-forward service/videojob-gateway 8080:80
  4. Render without a cluster:
       .venv/bin/videojob render {sample} --out /tmp --volume media={MEDIA}

What the operator measures, of which the chart has dashboards (docs/operations.md):
  {graphs()}

The cluster keeps running; `make cluster-down` stops it.""")


def graphs() -> str:
    """The address of graphs in the cluster's Prometheus."""
    panels = {f"g{n}.{key}": value for n, name in enumerate(GRAPHS) for key, value in (("expr", name), ("tab", 0))}
    return f"{PROMETHEUS}/graph?{urlencode(panels)}"


def properties(path: Path) -> str:
    """What is in a media file, read from the file itself."""
    with av.open(str(path)) as container:
        parts = []
        if container.duration and path.suffix == ".mp4":
            parts.append(f"{container.duration / av.time_base:.2f} s")
        for stream in container.streams:
            codec = stream.codec_context
            if isinstance(stream, av.VideoStream):
                parts.append(f"{codec.name} {stream.width}x{stream.height}")
                if path.suffix == ".mp4":
                    parts.append(f"{stream.frames} frames at {stream.average_rate} fps")
            elif isinstance(stream, av.AudioStream):
                parts.append(f"{codec.name} {stream.sample_rate} Hz, {stream.channels} channels")
    return ", ".join(parts)


def explain(status: Status) -> None:
    """Prints what the operator, the worker and Kubernetes said."""
    worker = (status.get("job") or {}).get("name")
    uid = output_of("get", "videojob", NAME, "--output", "jsonpath={.metadata.uid}")  # earlier ones had the name, too
    sections = {
        "pods": ("get", "pods", "--output", "wide"),
        "events": ("get", "events", "--field-selector", f"involvedObject.uid={uid}"),
        "operator": ("logs", "deployment/videojob-operator", "--tail", "40"),
        "worker": ("logs", "--selector", f"batch.kubernetes.io/job-name={worker}", "--tail", "40"),
    }
    if not worker:
        sections["worker"] = ("logs", "--selector", "videojob.dev/role=worker", "--tail", "20", "--prefix")
    for title, arguments in sections.items():
        print(f"\n--- {title}\n{output_of(*arguments)}", file=sys.stderr)


def output_of(*arguments: str) -> str:
    """What kubectl prints, or how it fails."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).rstrip()


def local_path(uri: str) -> Path:
    """Where an output on the volume `media` lies on this machine."""
    return MEDIA / uri.removeprefix("volume://media/")


def moment(text: str) -> datetime:
    """A time of the Kubernetes API."""
    return datetime.fromisoformat(text)


def command(*arguments: str) -> list[str]:
    """A command line of kubectl."""
    program = [str(CLUSTER / "bin" / "kubectl"), "--kubeconfig", str(CLUSTER / "kubeconfig")]
    return [*program, "--namespace", NAMESPACE, *arguments]


def kubectl(*arguments: str) -> str:
    """Runs kubectl and returns what it prints.

    Raises:
        DemoError: it failed; with what it said.
    """
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"kubectl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
