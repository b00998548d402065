"""What `bench.control` measures on: an API server that counts writes, a Redis, and one operator on one core."""

import asyncio
import os
import resource
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis.asyncio import Redis

from bench.fake_workers import FakeWorkers
from bench.light_client import LightClient, Object
from tests.integration.apiserver import AUDIT_POLICY, ApiServer, running
from tests.integration.operator.process import PROGRAM, OperatorProcess
from tests.redis_server import redis_server
from videojob_contract.api_paths import VIDEOJOBS
from videojob_contract.queue.connection import connect

USER = "operator"
"""Whose writes are the operator's in the audit log."""
CORE = "0"
"""On which the operator runs, alone of what is measured."""
CLUSTER = "bench"
FINAL = {"Succeeded", "Failed", "Cancelled"}
WITHIN_S = 900.0
"""How long whatever is waited for may take."""
_WRITES = AUDIT_POLICY | {"rules": [{"level": "None", "verbs": ["get", "list", "watch"]}, {"level": "Metadata"}]}
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Observer:
    """What a watch shows of the VideoJobs of a namespace, and when."""

    def __init__(self) -> None:
        self.phase: dict[str, str] = {}
        self.final: dict[str, float] = {}
        """When each was seen to have ended; times are of `time.monotonic()`."""
        self.progress: dict[str, float] = {}
        """When each was last seen to be further."""
        self.phases: Counter[str] = Counter()
        self._said: dict[str, str | None] = {}

    async def run(self, client: LightClient, namespace: str) -> None:
        """Watch until cancelled."""
        async for _, videojob in client.watch(VIDEOJOBS, namespace):
            self._take(videojob["metadata"]["name"], videojob.get("status") or {})

    def _take(self, name: str, status: Object) -> None:
        phase, now = status.get("phase", "Pending"), time.monotonic()
        self.phases[self.phase.get(name, "")] -= 1
        self.phases[phase] += 1
        self.phase[name] = phase
        if phase in FINAL:
            self.final.setdefault(name, now)
        if phase == "Running" and status.get("message") != self._said.get(name):
            self._said[name] = status.get("message")
            self.progress[name] = now


class Rig:
    """One namespace with everything that is measured."""

    def __init__(self, server: ApiServer, client: LightClient, redis: Redis, redis_url: str, folder: Path) -> None:
        self.server = server
        self.client = client
        self.redis, self.redis_url, self.folder = redis, redis_url, folder
        self.namespace = server.create_namespace()
        self.observer = Observer()
        self.workers = FakeWorkers(client, redis, self.namespace, CLUSTER)
        self.watching: asyncio.Task[None] | None = None
        env = {
            "KUBECONFIG": str(server.kubeconfigs[USER]),
            "VIDEOJOB_CLUSTER": CLUSTER,
            "VIDEOJOB_REDIS_URL": redis_url,
            "VIDEOJOB_NAMESPACES": self.namespace,
            "VIDEOJOB_METRICS_PORT": "0",
            "NO_PROXY": "127.0.0.1",
        }
        self.operator = OperatorProcess(env, folder / "operator.log")
        self.operator.program = ["taskset", "-c", CORE, PROGRAM]

    def kubectl(self, *arguments: str, given: str = "") -> None:
        """Run kubectl as the user who may do anything; raises `subprocess.CalledProcessError`."""
        command = [self.server.programs / "kubectl", "--kubeconfig", self.server.kubeconfig, *arguments]
        subprocess.run(command, check=True, input=given, text=True, stdout=subprocess.DEVNULL)

    def writes(self) -> Counter[str]:
        """Return the writes of the operator's user so far, by verb and resource."""
        found: Counter[str] = Counter()
        for event in self.server.audited():
            if event["user"]["username"] == USER:
                of = event["objectRef"]
                found[f"{event['verb']} {of['resource']}{'/status' if of.get('subresource') else ''}"] += 1
        return found

    def operator_cpu_s(self) -> float:
        """Return the processor seconds that the operator has used."""
        return cpu_s(self.operator.pid)

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it did not come to hold; or what measures has failed.
        """
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            failed = [task for task in self._helpers() if task.done() and not task.cancelled() and task.exception()]
            if failed or time.monotonic() > deadline:
                log = self.operator.log.read_text()[-2000:] if self.operator.log.exists() else ""
                why = f"{failed[0].exception()!r}" if failed else f"not within {WITHIN_S:.0f} s"
                raise TimeoutError(f"{why}: {what}\n{dict(self.observer.phases)}\n{log}")
            await asyncio.sleep(0.005)

    def _helpers(self) -> Iterator[asyncio.Task[None]]:
        yield from self.workers.running()
        if self.watching:
            yield self.watching


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / (1 << 20)


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    """Set all up; the operator is not started yet."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="videojob-bench-")))
        server = stack.enter_context(running(folder, users=[USER], audit=_WRITES))
        redis_url = stack.enter_context(redis_server())
        redis = connect(redis_url)
        stack.push_async_callback(redis.aclose)
        client = await stack.enter_async_context(LightClient(server))
        made = Rig(server, client, redis, redis_url, folder)
        server.create_account("default", made.namespace)
        stack.callback(made.operator.stop)
        await stack.enter_async_context(made.workers)
        made.watching = watching = asyncio.create_task(made.observer.run(client, made.namespace))
        try:
            yield made
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
