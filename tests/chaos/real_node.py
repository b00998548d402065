"""A node that runs the worker's own program for each Job, as a container would, with a small volume and a web server.

Outputs go to the volume, which can be full; sources come from the server, which can fail, hang and stop in the middle.
"""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from redis.asyncio import Redis

from tests.chaos.node import ChaosNode
from tests.integration.operator.node import status_of_finished_job, status_of_pod
from tests.ports import free_port
from videojob_contract.api_paths import JOBS, PODS
from videojob_operator.act.kubernetes import Kubernetes

PROGRAM = Path(sys.executable).with_name("videojob-worker")
VOLUME = "size=4m"
PICTURE = Path(__file__).parents[2] / "docs" / "gallery" / "transitions.jpg"
HANG_S = 30.0


class SourceServer:
    """Serves one picture under every name, and what is none under `bad`."""

    def __init__(self) -> None:
        self.fault = ""
        """What becomes of requests: "fail", "hang" or "cut"; empty when all is well."""
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/{name}", self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = b"no picture" if request.match_info["name"].startswith("bad") else PICTURE.read_bytes()
        if self.fault == "fail":
            return web.Response(status=503)
        if self.fault == "hang":
            await asyncio.sleep(HANG_S)
        answer = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await answer.prepare(request)
        if self.fault == "cut":
            await answer.write(body[: len(body) // 2])
            assert request.transport
            request.transport.abort()
        else:
            await answer.write(body)
        return answer


class RealNode(ChaosNode):
    """Runs a process for each Job."""

    def __init__(self, kubernetes: Kubernetes, redis: Redis, namespace: str, folder: Path, redis_url: str) -> None:
        super().__init__(kubernetes, redis, namespace)
        self._folder = folder
        self._redis_url = redis_url
        self.volume = folder / "volumes" / "media"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        """Of the pods that there are."""
        self._is_mounted = False

    async def __aenter__(self) -> Self:
        self.volume.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", VOLUME, "tmpfs", str(self.volume)]
        self._is_mounted = (await asyncio.to_thread(subprocess.run, command, check=False)).returncode == 0
        await super().__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        for process in self.processes.values():
            _kill(process)
        if self._is_mounted:
            await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(self.volume)], check=True)

    def fill(self) -> Path | None:
        """Fill the volume, if it is one that can be full; return the file that does it."""
        if not self._is_mounted:
            return None
        path = self.volume / "others"
        with suppress(OSError), path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        return path

    def busy(self) -> list[subprocess.Popen[bytes]]:
        """Return the workers that have claimed something and are at it."""
        pods = [pod for pod, process in self.processes.items() if process.poll() is None]
        return [self.processes[pod] for pod in pods if '"claimed"' in self._log(pod).read_text()]

    def renderers(self) -> list[int]:
        """Return the process ids of what renders."""
        return [pid for process in self.busy() for pid in _children(process.pid)]

    def wrong_files(self, videojobs: dict[str, Any]) -> list[str]:
        """Return what of the volume is not as VideoJobs say, or is nobody's."""
        wrong, known = [], set()
        for name, videojob in videojobs.items():
            for output in videojob["status"].get("outputs", ()):
                path = self.volume / output["uri"].removeprefix("volume://media/")
                known.add(path)
                if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != output["sha256"]:
                    wrong.append(f"{name}: {path.name} is not what its status says")
        left = [path for path in self.volume.rglob("*") if path.is_file() and path not in known]
        # Of a VideoJob that was deleted or cancelled, what had been published stays.
        return wrong + [f"{path} is left over" for path in left if path.name != "main.mp4"]

    async def _work(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        pod = f"{name}-{os.urandom(3).hex()[:5]}"
        while await self._refusal_of_pod(job, pod) is not None:
            await asyncio.sleep(1)
        folder = self._folder / pod
        (folder / "scratch").mkdir(parents=True)
        given = {item["name"]: item["value"] for item in _env(job) if "value" in item}
        env = os.environ | given | {
            "VIDEOJOB_WORKER": pod,
            "VIDEOJOB_JOB": name,
            "VIDEOJOB_REDIS_URL": self._redis_url,
            "VIDEOJOB_SCRATCH": str(folder / "scratch"),
            "VIDEOJOB_VOLUMES": str(self.volume.parent),
            "VIDEOJOB_TERMINATION_LOG": str(folder / "termination-log"),
            "VIDEOJOB_CPU_LIMIT": "1",
        }  # fmt: skip
        with self._log(pod).open("wb") as log:
            process = subprocess.Popen([PROGRAM], env=env, stderr=log, stdout=log)
        self.processes[pod] = process
        try:
            while process.poll() is None:
                await asyncio.sleep(0.1)
        finally:
            _kill(process)  # its Job was deleted, or its node is lost
            self._note(pod)
        message = (folder / "termination-log").read_text() if (folder / "termination-log").exists() else ""
        code, patch = process.returncode % 256, self._kubernetes.patch
        phase = "Failed" if code else "Succeeded"
        await patch(PODS, self._namespace, pod, status_of_pod(phase, message, code), subresource="status")
        finished = status_of_finished_job(failed=bool(code))
        await patch(JOBS, self._namespace, name, finished, subresource="status")

    def _log(self, pod: str) -> Path:
        return self._folder / pod / "log"

    def _note(self, pod: str) -> None:
        """Note which attempts a worker has begun."""
        for line in self._log(pod).read_text().splitlines():
            with suppress(ValueError):
                said = json.loads(line)
                if said["message"] == "claimed":
                    attempt = said["name"], said["attempt"]
                    self.starts.append(attempt)
                    if self.processes[pod].returncode == -signal.SIGKILL:
                        self.lost[attempt] += 1


def _env(job: dict[str, Any]) -> list[dict[str, Any]]:
    env: list[dict[str, Any]] = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return env


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a container: all of its processes, which the first one's death ends."""
    if process.poll() is None:
        for pid in [*_children(process.pid), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
