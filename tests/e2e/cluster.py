"""The one-node cluster as the end-to-end tests see it: the API, the processes of its pods, its Redis."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import kubernetes

GROUP, VERSION = "videojob.dev", "v1alpha1"
RELEASE_NAMESPACE = "videojob"
FINAL = {"Succeeded", "Failed", "Cancelled"}

Object = dict[str, Any]


@dataclass
class Recording:
    """Every state of the VideoJobs of a namespace, in the order in which the API server gave them."""

    seen: list[Object] = field(default_factory=list)

    def of(self, name: str) -> list[Object]:
        """The statuses of one VideoJob."""
        return [o.get("status") or {} for o in self.seen if o["metadata"]["name"] == name]

    def phases(self, name: str) -> list[str]:
        """Its phases, repeats left out."""
        phases: list[str] = []
        for status in self.of(name):
            if status.get("phase") and phases[-1:] != [status["phase"]]:
                phases.append(status["phase"])
        return phases

    def most_running(self) -> int:
        """The most VideoJobs that were Running at once."""
        phase: dict[str, str] = {}
        most = 0
        for seen in self.seen:
            phase[seen["metadata"]["name"]] = (seen.get("status") or {}).get("phase", "")
            most = max(most, sum(p == "Running" for p in phase.values()))
        return most


class Cluster:
    """What a test does to the cluster, and what it reads from it, in one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.kubeconfig, self.namespace = kubeconfig, namespace
        client = kubernetes.config.new_client_from_config(str(kubeconfig))
        self.core = kubernetes.client.CoreV1Api(client)
        self.batch = kubernetes.client.BatchV1Api(client)
        self.custom = kubernetes.client.CustomObjectsApi(client)

    # --- VideoJobs and pools

    def create(self, name: str, spec: Object) -> Object:
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "VideoJob",
            "metadata": {"name": name},
            "spec": {"pool": "e2e", **spec},
        }
        return self.custom.create_namespaced_custom_object(GROUP, VERSION, self.namespace, "videojobs", body)

    def get(self, name: str) -> Object:
        return self.custom.get_namespaced_custom_object(GROUP, VERSION, self.namespace, "videojobs", name)

    def status(self, name: str) -> Object:
        return self.get(name).get("status") or {}

    def patch(self, name: str, spec: Object, plural: str = "videojobs") -> None:
        self.custom.patch_namespaced_custom_object(GROUP, VERSION, self.namespace, plural, name, {"spec": spec})

    def delete(self, name: str) -> None:
        self.custom.delete_namespaced_custom_object(GROUP, VERSION, self.namespace, "videojobs", name)

    def wait(self, name: str, until: Callable[[Object], object], *, timeout_s: float = 90) -> Object:
        """Wait until the status of a VideoJob is as wanted; a final status that is not fails at once."""
        end = time.monotonic() + timeout_s
        while True:
            status = self.status(name)
            if until(status):
                return status
            if status.get("phase") in FINAL:
                raise AssertionError(f"{name} ended otherwise: {status}")
            if time.monotonic() > end:
                raise AssertionError(f"{name} did not get there in {timeout_s} s: {status}")
            time.sleep(0.1)

    def finish(self, name: str, *, timeout_s: float = 120) -> Object:
        """Wait until a VideoJob has finished, however it ends."""
        return self.wait(name, lambda s: s.get("phase") in FINAL, timeout_s=timeout_s)

    def rendering(self, name: str, *, timeout_s: float = 60) -> Object:
        """Wait until a worker is in the middle of the frames."""
        return self.wait(
            name, lambda s: s.get("phase") == "Running" and s.get("stage") == "Rendering", timeout_s=timeout_s
        )

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """Record every state of the namespace's VideoJobs; it is there when the context ends."""
        recording = Recording()
        with TemporaryFile("w+") as file:
            watch = subprocess.Popen(self._kubectl("get", "videojobs", "--watch-only", "--output", "json"), stdout=file)
            try:
                time.sleep(1)  # until it watches
                yield recording
                time.sleep(0.5)  # the last states are on their way
            finally:
                watch.terminate()
                watch.wait()
            file.seek(0)
            text, decoder, at = file.read(), json.JSONDecoder(), 0
        while at < len(text):
            state, at = decoder.raw_decode(text, at)
            recording.seen.append(state)
            at += 1  # the line's end

    def events(self, name: str, last: str) -> list[tuple[str, str]]:
        """Type and reason of the Events about a VideoJob, oldest first; waits for that of reason `last`."""
        end = time.monotonic() + 10
        while True:
            found = self.core.list_namespaced_event(
                self.namespace, field_selector=f"involvedObject.kind=VideoJob,involvedObject.name={name}"
            ).items
            events = [(e.type, e.reason) for e in sorted(found, key=lambda e: e.event_time)]
            if last in {reason for _, reason in events}:
                return events
            assert time.monotonic() < end, f"no Event {last} came: {events}"
            time.sleep(0.1)

    # --- pods and their processes

    def worker_pods(self, namespace: str | None = None) -> list[Any]:
        return self.core.list_namespaced_pod(
            namespace or self.namespace, label_selector="videojob.dev/role=worker"
        ).items

    def operator_pod(self) -> Any:
        pods = self.core.list_namespaced_pod(
            RELEASE_NAMESPACE, label_selector="app.kubernetes.io/component=operator"
        ).items
        return next(p for p in pods if p.metadata.deletion_timestamp is None)

    def wait_for_operator(self, *, timeout_s: float = 60) -> None:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                conditions = self.operator_pod().status.conditions or []
            except StopIteration:
                conditions = []
            if any(c.type == "Ready" and c.status == "True" for c in conditions):
                return
            time.sleep(0.2)
        raise AssertionError("the operator did not become ready")

    def kill(self, pod: Any) -> None:
        """Kill -9 the processes of a pod's container, from the node."""
        pids = processes_of(pod.metadata.uid)
        assert pids, f"no process of pod {pod.metadata.name} runs on this node"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def drain(self, *, timeout_s: float = 60) -> None:
        """Wait until no worker of the namespace is left."""
        end = time.monotonic() + timeout_s
        while any(p.status.phase in {"Pending", "Running"} for p in self.worker_pods()):
            assert time.monotonic() < end, "workers do not go away"
            time.sleep(0.3)

    def redis_pod(self) -> Any:
        pods = self.core.list_namespaced_pod(
            RELEASE_NAMESPACE, label_selector="app.kubernetes.io/component=redis"
        ).items
        return next(p for p in pods if p.metadata.deletion_timestamp is None)

    def redis(self, *command: str) -> str:
        """Run redis-cli as the administrator in the chart's Redis pod."""
        pod = self.redis_pod().metadata.name
        return self.kubectl("exec", "-n", RELEASE_NAMESPACE, pod, "--", "redis-cli", *command).strip()

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the tests' namespace."""
        done = subprocess.run(self._kubectl(*arguments), check=True, capture_output=True, text=True, timeout=30)
        return done.stdout

    def _kubectl(self, *arguments: str) -> list[str]:
        program = [str(binaries() / "kubectl"), "--kubeconfig", str(self.kubeconfig)]
        return [*program, "--namespace", self.namespace, *arguments]


@cache
def binaries() -> Path:
    """The folder of the cluster's programs: kubectl, helm and others."""
    program = Path(__file__).parents[2] / "hack" / "cluster" / "cluster"
    done = subprocess.run([program, "binaries"], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip().splitlines()[-1])


def processes_of(pod_uid: str) -> list[int]:
    """Pids of a pod's own processes on this node, its sandbox's left out."""
    names = (f"pod{pod_uid}", f"pod{pod_uid.replace('-', '_')}")
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            groups = (entry / "cgroup").read_text()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if any(name in groups for name in names) and b"pause" not in command:
            found.append(int(entry.name))
    return found
