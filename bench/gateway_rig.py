"""What `bench.gateway` measures on: the rig of `bench.control`, one gateway on one core, and nginx on the same core."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aiohttp

from bench.control_rig import CLUSTER, Rig, cpu_s, rig
from tests.integration.operator.conftest import POOL_SPEC
from tests.integration.operator.process import OperatorProcess
from tests.ports import free_port
from videojob_contract.api_paths import RENDERPOOLS
from videojob_gateway.auth.api_keys import ApiKey, digest_of, new_key
from videojob_gateway.auth.caller import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CORE = "1" if len(os.sched_getaffinity(0)) > 1 else "0"
"""On which the gateway and nginx run; the operator, where it is started, has the other."""
MEDIA = "volume://media"
# The disk is neither's: what is compared is what each does with the bytes.
_IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - for a folder of its own there
_PROGRAM = Path(sys.executable).parent / "videojob-gateway"
_POOL: dict[str, Any] = {
    "apiVersion": "videojob.dev/v1alpha1",
    "kind": "RenderPool",
    "spec": POOL_SPEC
    | {
        "volumes": [{"name": "media", "source": {"emptyDir": {}}}],
        "storage": {"outputPrefix": f"{MEDIA}/out", "uploads": {"prefix": f"{MEDIA}/uploads"}},
    },
}
_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
  }}
}}
"""


class GatewayRig:
    """A namespace of a real API server with a gateway, whose one caller is an admin."""

    def __init__(self, made: Rig, folder: Path, redis_url: str) -> None:
        self.rig = made
        self.folder = folder
        """With what is in volumes, and what was uploaded, in a folder of each."""
        self.key = new_key("bench")
        entry = ApiKey(sha256=digest_of(self.key), user="bench", role=Role.ADMIN)
        for name in ("keys", "volumes/default/media", "uploads/default"):
            (folder / name).mkdir(parents=True)
        (folder / "keys" / "bench").write_text(entry.model_dump_json(by_alias=True, exclude_none=True))
        env = {
            "KUBECONFIG": str(made.server.kubeconfig),
            "NO_PROXY": "127.0.0.1",
            "VIDEOJOB_NAMESPACE": made.namespace,
            "VIDEOJOB_PORT": "0",
            "VIDEOJOB_API_KEYS": str(folder / "keys"),
            "VIDEOJOB_VOLUMES": str(folder / "volumes"),
            "VIDEOJOB_UPLOADS": str(folder / "uploads"),
            "VIDEOJOB_MAX_STREAMS": "100000",
            "VIDEOJOB_TIMEOUT_S": "60",  # a busy machine is no fault of the gateway's
            "VIDEOJOB_REDIS_URL": redis_url,
            "VIDEOJOB_CLUSTER": CLUSTER,
        }
        self.process = OperatorProcess(env, folder / "gateway.log")
        self.process.program = ["taskset", "-c", CORE, _PROGRAM]

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self.process.port

    @property
    def session(self) -> aiohttp.ClientSession:
        """A session of the caller's, whose paths are below the API's; to be closed."""
        headers = {"Authorization": f"Bearer {self.key}"}
        base = f"http://{self.address[0]}:{self.address[1]}/api/v1/"
        return aiohttp.ClientSession(base, headers=headers, connector=aiohttp.TCPConnector(limit=0))

    def cpu_s(self) -> float:
        """Return the processor seconds that the gateway has used."""
        return cpu_s(self.process.pid)

    def memory_mib(self) -> float:
        """Return what memory there would be more without the gateway (PSS), in MiB."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        (found,) = re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        return int(found) / 1024

    async def create_pool(self, name: str, **spec: Any) -> None:
        """Create a pool, which has a place for outputs and one for uploads."""
        body = _POOL | {"metadata": {"name": name}, "spec": _POOL["spec"] | spec}
        await self.rig.client.create(RENDERPOOLS, self.rig.namespace, body)

    async def start(self) -> None:
        """Start the gateway, and wait until it knows all VideoJobs.

        Raises:
            TimeoutError: it does not come to know them.
        """
        await asyncio.to_thread(self.process.start)
        deadline = time.monotonic() + 300
        while not json.loads((await asyncio.to_thread(self.process.get, "/readyz"))[1])["ready"]:
            if time.monotonic() > deadline:
                raise TimeoutError("the gateway does not come to know the VideoJobs")
            await asyncio.sleep(0.1)


@asynccontextmanager
async def gateway_rig() -> AsyncIterator[GatewayRig]:
    """Set all up; the gateway is not started yet."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(rig())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="videojob-bench-", dir=_IN_MEMORY)))
        found = GatewayRig(made, folder, made.operator.env["VIDEOJOB_REDIS_URL"])
        stack.callback(found.process.stop)
        yield found


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[tuple[str, int], int]]:
    """Run nginx on the gateway's core: its address, and the process that works.

    It sends what is in `folder`/files, and takes what is PUT there.
    """
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    program = shutil.which("nginx", path=path)
    if program is None:
        raise RuntimeError("nginx is not there: hack/bootstrap bench")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)  # started by root, it works as another user
    (folder / "files").mkdir()
    (folder / "files").chmod(0o777)
    folder.parent.chmod(0o755)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port))
    command = ["taskset", "-c", CORE, program, "-c", str(config), "-e", str(folder / "nginx.log")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield ("127.0.0.1", port), _worker_of(server)
        finally:
            server.terminate()


def _worker_of(server: subprocess.Popen[bytes]) -> int:
    """Wait until nginx has its one worker, which answers as soon as it is there, and return that."""
    while server.poll() is None:
        if found := Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
            return int(found[0])
        time.sleep(0.02)
    raise RuntimeError("nginx did not start")
