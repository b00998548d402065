"""What `bench.control` compares with: each has a Kubernetes Job start for what it is given, on the same servers."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.control_rig import CORE, cpu_s, memory_mib
from bench.light_client import all_of
from tests.integration.operator.conftest import CLIPS
from tests.ports import free_port
from videojob_contract.api_paths import JOBS, VIDEOJOBS
from videojob_contract.queue.connection import awaited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bench.control_rig import Rig
    from bench.light_client import Object

ROOT = Path(__file__).parents[1]
ONE_AT_A_TIME = 20
MOST = 1000
READY_S = 120.0
CONTAINER = {"name": "worker", "image": "x", "resources": {"requests": {"cpu": "1"}}}
POD = {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}
_KUEUE = "kueue.x-k8s.io/v1beta2"


async def naive(rig: Rig, count: int) -> dict[str, float]:
    """Measure kopf's `on.create` with a Job for each object."""
    namespace = rig.server.create_namespace()

    async def give(name: str) -> None:
        body = {"apiVersion": "videojob.dev/v1alpha1", "kind": "VideoJob", "metadata": {"name": name}}
        await rig.client.create(VIDEOJOBS, namespace, body | {"spec": {"clips": CLIPS}})

    env = rig.operator.env | {"VIDEOJOB_NAMESPACES": namespace, "PYTHONPATH": str(ROOT)}
    async with program([sys.executable, "-m", "bench.naive_operator"], env, rig) as pid:
        return await _measured(rig, namespace, count, give, starts=lambda _: True, pid=pid)


async def kueue(rig: Rig, count: int) -> dict[str, float]:
    """Measure Kueue with suspended Jobs, and room for all of them."""
    folder = _built("kueue")
    _define(rig, folder / "crds")
    namespace = rig.server.create_namespace()
    quota = {"name": "cpu", "nominalQuota": 10 * MOST}
    flavors = [{"coveredResources": ["cpu"], "flavors": [{"name": "any", "resources": [quota]}]}]
    for kind, name, spec in (
        ("ResourceFlavor", "any", {}),
        ("ClusterQueue", "all", {"namespaceSelector": {}, "resourceGroups": flavors}),
        ("LocalQueue", "queue", {"clusterQueue": "all"}),
    ):
        made = {"apiVersion": _KUEUE, "kind": kind, "metadata": {"name": name}, "spec": spec}
        rig.kubectl("apply", "--namespace", namespace, "--filename", "-", given=json.dumps(made))
    certificates = _certificates(rig.folder / "kueue")
    configuration = rig.folder / "kueue.json"
    configuration.write_text(
        json.dumps(
            {
                "apiVersion": "config.kueue.x-k8s.io/v1beta2",
                "kind": "Configuration",
                "health": {"healthProbeBindAddress": "127.0.0.1:0"},
                "metrics": {"bindAddress": "0"},
                "webhook": {"port": free_port(), "host": "127.0.0.1", "certDir": str(certificates)},
                "leaderElection": {"leaderElect": False},
                "internalCertManagement": {"enable": False},
                "controller": {"groupKindConcurrency": {"Job.batch": 5, "Workload.kueue.x-k8s.io": 5}},  # as shipped
                "clientConnection": {"qps": -1},  # not as shipped: it would be held to 50 requests a second
                "integrations": {"frameworks": ["batch/job"]},
            }
        )
    )

    async def give(name: str) -> None:
        labels = {"kueue.x-k8s.io/queue-name": "queue"}
        spec = {"suspend": True, "template": POD}
        body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": labels}, "spec": spec}
        await rig.client.create(JOBS, namespace, body)

    # It looks for a certificate there, and is to find one without leaving anything on the machine.
    there = "mount -t tmpfs tmpfs /etc && mkdir -p /etc/kueue/metrics && cp -r $0 /etc/kueue/metrics/certs && exec $@"
    alone = ["unshare", "--mount", "--map-root-user", "sh", "-c", there, str(certificates)]
    options = ["--config", str(configuration), "--feature-gates=VisibilityOnDemand=false"]
    command = [*alone, str(folder / "kueue"), *options]
    async with program(command, rig.operator.env, rig) as pid:
        return await _measured(rig, namespace, count, give, starts=_is_let_go, pid=pid)


async def keda(rig: Rig, count: int) -> dict[str, float]:
    """Measure KEDA with a ScaledJob on a Redis list, looked at each second; what is in the list stays until its end."""
    folder = _built("keda")
    _define(rig, folder / "crds")
    namespace = rig.server.create_namespace()
    at = urlsplit(rig.redis_url)
    trigger = {"type": "redis", "metadata": {"address": at.netloc, "listName": namespace, "listLength": "1"}}
    spec = {
        "jobTargetRef": {"template": POD},
        "pollingInterval": 1,
        "maxReplicaCount": 10 * MOST,
        "triggers": [trigger],
    }
    made = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob", "metadata": {"name": "renders"}, "spec": spec}
    rig.kubectl("apply", "--namespace", namespace, "--filename", "-", given=json.dumps(made))

    async def give(name: str) -> None:
        await awaited(rig.redis.rpush(namespace, name))

    options = [
        "--enable-prometheus-metrics=false",
        "--health-probe-bind-address=127.0.0.1:0",
        f"--metrics-service-bind-address=127.0.0.1:{free_port()}",
        f"--cert-dir={_certificates(rig.folder / 'keda')}",
        "--kube-api-qps=-1",  # not as shipped: it would be held to 20 requests a second
    ]
    own = {"WATCH_NAMESPACE": namespace, "POD_NAMESPACE": namespace, "KEDA_CLUSTER_OBJECT_NAMESPACE": namespace}
    async with program([str(folder / "operator"), *options], rig.operator.env | own, rig) as pid:
        return await _measured(rig, namespace, count, give, starts=lambda _: True, pid=pid)


PEERS: dict[str, Callable[[Rig, int], Awaitable[dict[str, float]]]] = {"naive": naive, "kueue": kueue, "keda": keda}


def _define(rig: Rig, definitions: Path) -> None:
    rig.kubectl("apply", "--server-side", "--filename", str(definitions))
    rig.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


async def _measured(
    rig: Rig,
    namespace: str,
    count: int,
    give: Callable[[str], Awaitable[None]],
    *,
    starts: Callable[[Object], bool],
    pid: int,
) -> dict[str, float]:
    """Measure what a program takes from something that is given to a Job that starts.

    Args:
        rig: what it runs on.
        namespace: where the Jobs come.
        count: how many are given at once, of which a thousand are enough.
        give: gives it one, by a name.
        starts: whether a Job is one that starts.
        pid: of the program.
    """
    started: list[float] = []
    seen: set[str] = set()

    async def watch() -> None:
        async for _, job in rig.client.watch(JOBS, namespace):
            if job["metadata"]["name"] not in seen and starts(job):
                seen.add(job["metadata"]["name"])
                started.append(time.monotonic())

    watching = asyncio.create_task(watch())
    try:
        await give("first")
        await rig.until(lambda: started, "a Job starts")
        took = []
        for number in range(ONE_AT_A_TIME):
            await asyncio.sleep(0.3)
            known, began = len(started), time.monotonic()
            await give(f"one-{number}")
            await rig.until(lambda known=known: len(started) > known, "a Job starts")
            took.append(1000 * (started[-1] - began))
        await asyncio.sleep(5)
        count, known = min(count, MOST), len(started)
        began, cpu, writes = time.monotonic(), cpu_s(pid), rig.writes().total()
        await all_of([give(f"many-{number}") for number in range(count)])
        await rig.until(lambda: len(started) >= known + count, "a Job of each starts")
        rate = count / (started[-1] - began)
        await asyncio.sleep(5)
        return {
            "job_ms": statistics.median(took),
            "jobs_per_s": rate,
            "cpu_ms": 1000 * (cpu_s(pid) - cpu) / count,
            "writes": (rig.writes().total() - writes) / count,
            "memory_mib": memory_mib(pid),
        }
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _is_let_go(job: Object) -> bool:
    """Tell whether Kueue has admitted a Job."""
    return job["spec"].get("suspend") is False


@asynccontextmanager
async def program(command: list[str], env: dict[str, str], rig: Rig) -> AsyncIterator[int]:
    """Run a peer on the core that the operator has otherwise; yields its process id."""
    with (rig.folder / "peer.log").open("wb") as log:
        peer = await asyncio.create_subprocess_exec("taskset", "-c", CORE, *command, env=env, stdout=log, stderr=log)
    try:
        yield peer.pid
    except TimeoutError as error:
        said = (rig.folder / "peer.log").read_text()[-2000:]
        raise TimeoutError(f"{error}\n{said}") from error
    finally:
        if peer.returncode is None:
            peer.kill()
        await peer.wait()


def _built(name: str) -> Path:
    """Return the folder of a peer's program and definitions, which is compiled from its Go modules the first time."""
    said = subprocess.run([ROOT / "hack" / "bootstrap", name], check=True, stdout=subprocess.PIPE, text=True).stdout
    return Path(said.splitlines()[-1])


def _certificates(folder: Path) -> Path:
    """Make a certificate for servers that nobody calls, but without which a peer does not start."""
    folder.mkdir()
    made = ["-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", folder / "tls.key", "-out", folder / "tls.crt"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", *made], check=True, capture_output=True)
    (folder / "ca.crt").write_bytes((folder / "tls.crt").read_bytes())
    return folder
