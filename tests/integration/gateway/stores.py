"""Uploads of a pool in a store of each provider, and gateways that take them."""

import hashlib
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, serving
from tests.integration.gateway.test_access import by_name
from tests.integration.gateway.test_assets import FILM
from tests.integration.objects.faulty_proxy import MultipartProxy, running
from tests.integration.objects.servers import BUCKET, Server
from videojob_client import Client
from videojob_contract.api_paths import RENDERPOOLS
from videojob_contract.resources import API_VERSION
from videojob_gateway.app import create_app
from videojob_gateway.assets.store_parts import PART_BYTES
from videojob_gateway.auth.authentication import nobody_is_asked
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway

LONG = FILM[:24] + os.urandom(2 * PART_BYTES + 12345)
PREFIX = "a place/uploads"


@dataclass(frozen=True)
class Store:
    """A store with the place of uploads of the pool `default`, and gateways."""

    server: Server
    one: Caller
    other: Caller
    open_to_all: Caller
    """A third, where nobody is asked who they are."""
    secrets: Path
    """Where the pool's Secret is."""
    pool: dict[str, Any]
    """The pool's spec."""

    def paths(self) -> list[str]:
        """Return what there is below the prefix."""
        begin = f"{PREFIX}/"
        return sorted(
            found["path"].removeprefix(begin)
            for page in self.server.admin().list(PREFIX)
            for found in page
            if found["path"].startswith(begin)
        )

    def content(self, path: str) -> bytes:
        return bytes(self.server.admin().get(f"{PREFIX}/{path}").bytes())

    def write_secret(self, **changes: str) -> None:
        """Write the pool's Secret; `changes` differ from the right one."""
        right = self.server.secrets | ({"ca.crt": self.server.authority} if self.server.authority else {})
        for name, value in (right | changes).items():
            (self.secrets / name).write_text(value)


@pytest.fixture(scope="session")
def pem() -> str:
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def create_pool(cluster: Cluster, server: Server, endpoint: str) -> dict[str, Any]:
    """Create the pool `default`, and return its spec."""
    entry = server.entry(endpoint=endpoint).model_dump(mode="json", by_alias=True, exclude_none=True)
    uploads = {"prefix": f"{server.provider}://{BUCKET}/{PREFIX.replace(' ', '%20')}", "ttl": "48h"}
    prefix = f"{server.provider}://{BUCKET}/out"
    storage = {"outputPrefix": prefix, "objects": [entry], "uploads": uploads, "maxSourceBytes": 40_000_000}
    body = {
        "apiVersion": API_VERSION,
        "kind": "RenderPool",
        "metadata": {"name": "default"},
        "spec": {"storage": storage},
    }
    assert await cluster.kubernetes.create(RENDERPOOLS, cluster.namespace, body)
    return {"storage": storage}


@pytest.fixture
async def make_store(apiserver: ApiServer, cluster: Cluster, tmp_path: Path) -> AsyncIterator[Any]:
    """Return what serves the uploads of a pool that are in a store, which is empty."""
    async with AsyncExitStack() as stack:

        async def make(server: Server, endpoint: str = "") -> Store:
            server.admin().delete([found["path"] for page in server.admin().list() for found in page])
            pool = await create_pool(cluster, server, endpoint or server.url)
            secrets = tmp_path / "secrets" / "default"
            secrets.mkdir(parents=True)
            settings = Settings(upload_secrets=str(secrets.parent), max_user_bytes=60_000_000)
            kubeconfig, namespace = apiserver.kubeconfig, cluster.namespace
            client = await stack.enter_async_context(Client(kubeconfig=kubeconfig, namespace=namespace))
            one, other, open_to_all = [
                await stack.enter_async_context(serving(create_app(Gateway(settings, client), known)))
                for known in (by_name, by_name, nobody_is_asked)
            ]
            store = Store(server, one, other, open_to_all, secrets, pool)
            store.write_secret()
            return store

        yield make


@pytest.fixture
async def s3_store(s3: Server, make_store: Any) -> Store:
    store: Store = await make_store(s3)
    return store


@pytest.fixture(params=["s3", "gcs", "azure"])
async def store(request: pytest.FixtureRequest, make_store: Any, pem: str) -> AsyncIterator[Store]:
    """A store of each provider in turn."""
    server: Server = request.getfixturevalue(request.param)
    if server.provider != "gs":
        yield await make_store(server)
        return
    key = json.loads(server.secrets["GOOGLE_SERVICE_ACCOUNT_KEY"])
    signs = {**key, "disable_oauth": False, "client_email": "a@b", "private_key": pem, "private_key_id": "1"}
    server = replace(server, secrets={"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(signs)})
    async with running(MultipartProxy(server)) as proxy:
        yield await make_store(server, proxy.url)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
