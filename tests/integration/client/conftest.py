"""A client of a real API server, with a namespace and a pool of its own, and a way to write what an operator would."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes.aio import config as kube_config
from kubernetes.aio.client.configuration import Configuration

from tests.integration.apiserver import ApiServer
from tests.integration.client.proxy import Proxy
from videojob_client import Client
from videojob_contract.api_paths import EVENTS, RENDERPOOLS, VIDEOJOBS, VIDEOSCHEDULES, VIDEOTEMPLATES
from videojob_contract.resources import API_VERSION
from videojob_operator.act.kubernetes import Kubernetes, Object

SPEC: dict[str, Any] = {"clips": [{"color": "#204060", "duration": "1s"}]}


@dataclass
class Cluster:
    """The API server as its administrator and the operator see it, in one namespace."""

    kubernetes: Kubernetes
    namespace: str

    async def create(self, name: str, **metadata: Any) -> Object:
        """Create a VideoJob."""
        body = {"apiVersion": API_VERSION, "kind": "VideoJob", "metadata": {"name": name, **metadata}, "spec": SPEC}
        created = await self.kubernetes.create(VIDEOJOBS, self.namespace, body)
        assert created is not None
        return created

    async def create_pool(self, name: str = "default") -> None:
        """Create a RenderPool."""
        body = {"apiVersion": API_VERSION, "kind": "RenderPool", "metadata": {"name": name}, "spec": {}}
        await self.kubernetes.create(RENDERPOOLS, self.namespace, body)

    async def create_schedule(self, name: str, **spec: Any) -> None:
        """Create a VideoSchedule, daily unless `spec` says otherwise."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "VideoSchedule",
            "metadata": {"name": name},
            "spec": {"schedule": "@daily", "template": {"spec": SPEC}} | spec,
        }
        await self.kubernetes.create(VIDEOSCHEDULES, self.namespace, body)

    async def create_template(self, name: str) -> None:
        """Create a VideoTemplate."""
        timeline = {"clips": [{"title": {"text": "{{ title }}"}, "duration": "1s"}]}
        spec = {"parameters": [{"name": "title"}], "timeline": timeline}
        body = {"apiVersion": API_VERSION, "kind": "VideoTemplate", "metadata": {"name": name}, "spec": spec}
        await self.kubernetes.create(VIDEOTEMPLATES, self.namespace, body)

    async def status(self, name: str, **status: Any) -> None:
        """Write a status, as the operator does."""
        await self.kubernetes.patch(VIDEOJOBS, self.namespace, name, {"status": status}, subresource="status")

    async def event(self, name: str, uid: str, reason: str, second: int = 0) -> None:
        """Post an Event about a VideoJob, as the operator does, of a second of the first minute of 2026."""
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{reason.lower()}-{uid}", "namespace": self.namespace},
            "eventTime": f"2026-01-01T00:00:{second:02}.000000Z",
            "type": "Normal",
            "reason": reason,
            "action": reason,
            "note": f"it is {reason}",
            "reportingController": "videojob.dev/operator",
            "reportingInstance": "test",
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": "VideoJob",
                "namespace": self.namespace,
                "name": name,
                "uid": uid,
            },
        }
        assert await self.kubernetes.create(EVENTS, self.namespace, body) is not None

    async def delete(self, name: str) -> None:
        """Delete a VideoJob."""
        await self.kubernetes.delete(VIDEOJOBS, self.namespace, name)


@pytest.fixture
async def configuration(apiserver: ApiServer) -> Configuration:
    """The configuration of the administrator."""
    configuration = Configuration()
    await kube_config.load_kube_config(
        config_file=str(apiserver.kubeconfig), client_configuration=configuration, persist_config=False
    )
    return configuration


@pytest.fixture
async def cluster(configuration: Configuration, namespace: str) -> AsyncIterator[Cluster]:
    async with Kubernetes(configuration) as kubernetes:
        yield Cluster(kubernetes, namespace)


@pytest.fixture
async def client(apiserver: ApiServer, namespace: str) -> AsyncIterator[Client]:
    """A client of the test's namespace."""
    async with Client(kubeconfig=apiserver.kubeconfig, namespace=namespace) as client:
        yield client


@pytest.fixture
async def proxy(configuration: Configuration) -> AsyncIterator[Proxy]:
    """A proxy before the API server, with faults of its own."""
    async with Proxy(configuration) as proxy:
        yield proxy


@pytest.fixture
async def proxied(proxy: Proxy, namespace: str) -> AsyncIterator[Client]:
    """A client of the test's namespace, whose every request goes through the proxy."""
    async with Client(configuration=Configuration(host=proxy.url), namespace=namespace, timeout_s=5) as client:
        yield client


async def take(events: Any, count: int) -> list[Any]:
    """Take the first of what an iterator yields, and close it."""
    taken = []
    async with aclosing(events):
        while len(taken) < count:
            taken.append(await anext(events))
    return taken
