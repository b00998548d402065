"""The one-node cluster as the end-to-end tests see it: the API, the processes of its pods, its Redis."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes

from tests.e2e.background import Background
from videojob_client import Client, VideoJob, WaitError

GROUP, VERSION = "videojob.dev", "v1alpha1"
RELEASE_NAMESPACE = "videojob"
WAIT_S = 240.0
"""How long to wait at most for what takes seconds, where nothing else uses the machine."""
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
        self._background = Background()
        self._client = Client(kubeconfig=kubeconfig, namespace=namespace)
        self._background.run(self._client.__aenter__())
        self._jobs = self._client.videojobs

    def close(self) -> None:
        """Close what the tests' own client holds."""
        self._background.run(self._client.__aexit__(None, None, None))
        self._background.close()

    # --- VideoJobs and pools

    def create(self, name: str, spec: Object) -> Object:
        return dict(self._background.run(self._jobs.create(name, {"pool": "e2e", **spec})).manifest)

    def get(self, name: str) -> Object:
        return dict(self._background.run(self._jobs.get(name)).manifest)

    def status(self, name: str) -> Object:
        return self.get(name).get("status") or {}

    def patch(self, name: str, spec: Object) -> None:
        self._background.run(self._jobs.patch(name, {"spec": spec}))

    def patch_pool(self, name: str, spec: Object) -> None:
        self.custom.patch_namespaced_custom_object(GROUP, VERSION, self.namespace, "renderpools", name, {"spec": spec})

    def delete(self, name: str) -> None:
        self._background.run(self._jobs.delete(name))

    def wait(self, name: str, until: Callable[[Object], object], *, timeout_s: float = WAIT_S) -> Object:
        """Wait until the status of a VideoJob is as wanted; a final status that is not fails at once."""

        def wanted(job: VideoJob) -> bool:
            return bool(until(job.manifest.get("status") or {}))

        try:
            job = self._background.run(self._jobs.wait(name, wanted, timeout_s=timeout_s))
        except WaitError as error:
            raise AssertionError(f"{error}: {error.job.manifest.get('status')}") from error
        return job.manifest.get("status") or {}

    def finish(self, name: str, *, timeout_s: float = WAIT_S) -> Object:
        """Wait until a VideoJob has finished, however it ends."""
        return self.wait(name, lambda s: s.get("phase") in FINAL, timeout_s=timeout_s)

    def rendering(self, name: str, *, timeout_s: float = WAIT_S) -> Object:
        """Wait until a worker is in the middle of the frames."""
        return self.wait(
            name, lambda s: s.get("phase") == "Running" and s.get("stage") == "Rendering", timeout_s=timeout_s
        )

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """Record every state of the namespace's VideoJobs; it is there when the context ends."""
        recording = Recording()

        async def record() -> None:
            async with aclosing(self._jobs.watch()) as events:
                async for event in events:
                    recording.seen.append(dict(event.object.manifest))

        watch = self._background.start(record())
        try:
            time.sleep(1)  # until it watches
            recording.seen.clear()  # what was there before
            yield recording
            time.sleep(0.5)  # the last states are on their way
        finally:
            if watch.done():
                watch.result()  # raises why
            watch.cancel()

    def events(self, name: str, last: str) -> list[tuple[str, str]]:
        """Type and reason of the Events about a VideoJob, oldest first; waits for that of reason `last`."""
        end = time.monotonic() + 10
        while True:
            events = [(event.type, event.reason) for event in self._background.run(self._jobs.events(name))]
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

    def wait_for_operator(self, *, timeout_s: float = WAIT_S) -> None:
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

    def drain(self, *, timeout_s: float = WAIT_S) -> None:
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
        program = [str(binaries() / "kubectl"), "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace]
        done = subprocess.run([*program, *arguments], check=True, capture_output=True, text=True, timeout=30)
        return done.stdout


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
