"""A node that runs nothing: it only has logs, which the real API server asks it for."""

import asyncio
import ssl
from pathlib import Path
from typing import Self

from aiohttp import web

from tests.ports import free_port
from videojob_contract.api_paths import PODS, Resource
from videojob_operator.act.kubernetes import Kubernetes, Object

NODES = Resource("api/v1", "nodes")
_TLS_END_S = 0.1
"""aiohttp does not wait until the connections that it closes have said goodbye; the event loop has to."""


class Kubelet:
    """Answers for one node, whose name it has; `lines` are what a followed log has one by one."""

    def __init__(self, kubernetes: Kubernetes, certificates: Path) -> None:
        self._kubernetes = kubernetes
        self._certificates = certificates
        self._port = free_port()
        self.name = f"node-{self._port}"
        self.logs: dict[str, list[str]] = {}
        """The lines of each pod's log."""
        self.starting = 0
        """How often a log is refused still, because its pod is about to start."""
        self.ended = asyncio.Event()
        """Until it is set, a log that is followed goes on after its last line."""

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._certificates / "apiserver.crt", self._certificates / "apiserver.key")
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=context).start()
        await self._kubernetes.create(NODES, "", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._port}},
        }
        await self._kubernetes.patch(NODES, "", self.name, {"status": status}, subresource="status")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._kubernetes.delete(NODES, "", self.name)
        await self._runner.cleanup()
        await asyncio.sleep(_TLS_END_S)

    async def run(self, namespace: str, pod: str, *lines: str, job: str = "") -> None:
        """Make a pod of a Job that has written some lines."""
        body: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": pod, "labels": {"batch.kubernetes.io/job-name": job}},
            "spec": {
                "nodeName": self.name,
                "containers": [{"name": "worker", "image": "none"}, {"name": "sidecar", "image": "none"}],
            },
        }
        await self._kubernetes.create(PODS, namespace, body)
        self.logs[pod] = list(lines)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert request.match_info["container"] == "worker"
        if self.starting:
            self.starting -= 1
            raise web.HTTPBadRequest(text='container "worker" in pod is waiting to start: ContainerCreating')
        lines = self.logs[request.match_info["pod"]]
        lines = lines[max(0, len(lines) - int(request.query.get("tailLines", len(lines)))) :]
        if "timestamps" in request.query:
            lines = [f"2026-01-01T00:00:00Z {line}" for line in lines]
        response = web.StreamResponse()
        await response.prepare(request)
        left = int(request.query.get("limitBytes", 2**40))
        for line in lines:
            text = f"{line}\n".encode()[:left]
            left -= len(text)
            await response.write(text)
        if request.query.get("follow") == "true" and not self.ended.is_set():
            await self.ended.wait()
            await response.write(b"the end, without a line's end")
        await response.write_eof()
        return response
