"""What chaos is made in: an API server, a Redis, two replicas of the operator behind proxies, and a node."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio import config as kube_config
from kubernetes.aio.client.configuration import Configuration

from tests.chaos.node import ChaosNode
from tests.chaos.patient import PatientKubernetes
from tests.chaos.proxy import FaultyProxy
from tests.chaos.real_node import RealNode, SourceServer
from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import CLIPS, CLUSTER, POOL_SPEC
from tests.integration.operator.process import OperatorProcess
from tests.ports import free_port
from videojob_contract.api_paths import RENDERPOOLS, VIDEOJOBS
from videojob_contract.queue.connection import connect
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey
from videojob_operator.act.kubernetes import Kubernetes, Object

PROGRAM = "tests.chaos.operator_program"
POOL = POOL_SPEC | {
    "minIdle": 2,
    "maxWorkers": 6,
    "queues": [{"name": "high", "weight": 10}, {"name": "default", "weight": 5}],
}
REAL_POOL = POOL | {
    "minIdle": 1,
    "maxWorkers": 3,
    "storage": POOL["storage"] | {"allowPrivateNetworks": True},
}
REAL = {
    "canvas": {"width": 320, "height": 180, "fps": "25"},
    "outputs": [{"name": "main", "format": "mp4", "quality": "draft"}],
    "retry": {"limit": 10, "backoff": {"initial": "1s", "max": "4s"}},
}
RETRY = {"limit": 3, "backoff": {"initial": "1s", "max": "4s"}}
FINAL = {"Succeeded", "Failed", "Cancelled"}


class RedisProcess:
    """A Redis that is killed, frozen and started again, on one port."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, empty."""
        program = shutil.which("redis-server")
        assert program
        words = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        assert self._process
        self._process.kill()
        self._process.wait()


class Replica(OperatorProcess):
    """One replica of the operator, which is started again whenever it has ended."""

    def __init__(self, env: dict[str, str], log: Path, proxy: FaultyProxy) -> None:
        super().__init__(env, log)
        self.module = PROGRAM
        self.proxy = proxy
        self.kills = 0
        """How often it was killed at a call."""

    def start(self) -> None:
        """Start it, and wait for nothing: it may never come so far."""
        self.begin()

    def ended(self) -> bool:
        """Whether it does not run, and notes if a kill was why."""
        if self._process is None:
            return True
        code = self._process.poll()
        if code is not None and self.env.pop("CHAOS_KILL", None) and code == -signal.SIGKILL:
            self.kills += 1
        return code is not None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if not self.ended():
            os.kill(self.pid, number)


class Scene:
    """What faults and invariants work with."""

    def __init__(
        self,
        apiserver: ApiServer,
        kubernetes: Kubernetes,
        redis: RedisProcess,
        folder: Path,
        sources: SourceServer | None = None,
    ) -> None:
        """Set it with workers that render in earnest if there are `sources` for them, else with such as play."""
        self.apiserver = apiserver
        self.kubernetes = kubernetes
        self.redis_process = redis
        self.redis = connect(redis.url)
        self.namespace = apiserver.create_namespace()
        self.pool = PoolKey(self.namespace, "default")
        self.keys = Keys(self.pool, CLUSTER)
        self.queue = OperatorQueue(self.pool, self.redis, cluster=CLUSTER)
        self.sources = sources
        self.node = (
            RealNode(kubernetes, self.redis, self.namespace, folder / "node", redis.url)
            if sources
            else ChaosNode(kubernetes, self.redis, self.namespace)
        )
        self.calls = folder / "calls"
        self.replicas: list[Replica] = []
        self.restarting = asyncio.Lock()
        """Of etcd or the API server: one at a time."""
        self.held = False
        """Whether replicas that ended stay so."""
        self._folder = folder

    async def add_replica(self, stack: AsyncExitStack) -> None:
        """Add a replica, behind a proxy of its own."""
        configuration = Configuration()
        await kube_config.load_kube_config(
            config_file=str(self.apiserver.kubeconfig), client_configuration=configuration, persist_config=False
        )
        proxy = await stack.enter_async_context(FaultyProxy(configuration))
        name = f"replica-{len(self.replicas)}"
        kubeconfig = yaml.safe_load(self.apiserver.kubeconfig.read_text())
        kubeconfig["clusters"][0]["cluster"] = {"server": proxy.url}
        path = self._folder / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(kubeconfig))
        env = {
            "KUBECONFIG": str(path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "VIDEOJOB_CLUSTER": CLUSTER,
            "VIDEOJOB_REDIS_URL": self.redis_process.url,
            "VIDEOJOB_NAMESPACES": self.namespace,
            "VIDEOJOB_METRICS_PORT": "0",
            "VIDEOJOB_RESYNC_S": "15",
            "VIDEOJOB_ELECTION": f"{self.namespace}/operator",
            "VIDEOJOB_IDENTITY": name,
            "CHAOS_CALLS": str(self.calls),
            "NO_PROXY": os.environ.get("NO_PROXY", "") + ",127.0.0.1",
        }
        self.replicas.append(Replica(env, self._folder / f"{name}.log", proxy))

    async def keep_running(self) -> None:
        """Start replicas that have ended, as Kubernetes does."""
        while True:
            for replica in self.replicas:
                if replica.ended() and not self.held:
                    replica.start()
            await asyncio.sleep(0.2)

    async def create(self, name: str, **spec: Any) -> None:
        """Create a VideoJob."""
        body = {
            "apiVersion": "videojob.dev/v1alpha1",
            "kind": "VideoJob",
            "metadata": {"name": name},
            "spec": {"clips": CLIPS, "retry": RETRY} | self._film(name) | spec,
        }
        assert await self.kubernetes.create(VIDEOJOBS, self.namespace, body)

    def _film(self, name: str) -> dict[str, Any]:
        """Return what there is to render for real workers."""
        if self.sources is None:
            return {}
        picture = "bad.jpg" if "-bad-" in name else f"{name}.jpg"
        return REAL | {"clips": [{"image": {"uri": f"{self.sources.url}/{picture}"}, "duration": "4s"}]}

    async def videojobs(self) -> dict[str, Object]:
        """Return every VideoJob, by name."""
        return {each["metadata"]["name"]: each async for each in self.kubernetes.list(VIDEOJOBS, self.namespace)}

    async def until(self, condition: Any, what: str, within_s: float) -> None:
        """Wait until a coroutine function returns nothing that is wrong.

        Raises:
            AssertionError: it did not; with what is wrong.
        """
        deadline = time.monotonic() + within_s
        while wrong := await condition():
            assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}: {wrong}"
            await asyncio.sleep(0.5)


@asynccontextmanager
async def scene(apiserver: ApiServer, *, real: bool = False) -> AsyncIterator[Scene]:
    """Set the scene, with real workers if that is wanted; all that it starts ends with it."""
    configuration = Configuration()
    await kube_config.load_kube_config(
        config_file=str(apiserver.kubeconfig), client_configuration=configuration, persist_config=False
    )
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="videojob-chaos-")))
        kubernetes = await stack.enter_async_context(PatientKubernetes(configuration))
        redis = RedisProcess(folder)
        redis.start()
        stack.callback(redis.kill)
        sources = await stack.enter_async_context(SourceServer()) if real else None
        made = Scene(apiserver, kubernetes, redis, folder, sources)
        stack.push_async_callback(made.redis.aclose)
        apiserver.create_account("default", made.namespace)
        for _ in range(2):
            await made.add_replica(stack)
        pool = {"apiVersion": "videojob.dev/v1alpha1", "kind": "RenderPool", "metadata": {"name": "default"}}
        await kubernetes.create(RENDERPOOLS, made.namespace, pool | {"spec": REAL_POOL if real else POOL})
        await stack.enter_async_context(made.node)
        keeping = asyncio.create_task(made.keep_running())
        try:
            yield made
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            for replica in made.replicas:
                replica.signal(signal.SIGCONT)
                replica.stop()
