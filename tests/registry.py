"""A real image registry for tests: Debian's docker-registry, on loopback, without TLS."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port

ROOT = Path(__file__).parents[1]
START_TIMEOUT_S = 30.0
MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Registry:
    """A running registry."""

    name: str
    """Host and port, as images' names begin."""

    def manifest(self, image: str, reference: str) -> Any:
        """Return the manifest of an image's tag or digest."""
        return self._get(f"{image}/manifests/{reference}")

    def configuration(self, image: str, reference: str) -> Any:
        """Return the configuration of an image, its labels among it."""
        return self._get(f"{image}/blobs/{self.manifest(image, reference)['config']['digest']}")

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(f"http://{self.name}/v2/{path}", headers={"Accept": MANIFESTS})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as response:
            return json.load(response)


@contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """Run a registry with its files below `folder`, and stop it."""
    subprocess.run([ROOT / "hack" / "bootstrap", "registry"], check=True)
    port = free_port()
    settings = folder / "registry.yaml"
    settings.write_text(
        yaml.safe_dump(
            {
                "version": "0.1",
                "log": {"level": "warn"},
                "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
                "http": {"addr": f"127.0.0.1:{port}"},
            }
        )
    )
    log = folder / "registry.log"
    with log.open("wb") as output:
        server = subprocess.Popen(["docker-registry", "serve", settings], stdout=output, stderr=output)
    try:
        registry = Registry(f"127.0.0.1:{port}")
        _wait(server, registry, log)
        yield registry
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait(server: subprocess.Popen[bytes], registry: Registry, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            registry._get("")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"docker-registry did not start:\n{log.read_text()[-2000:]}")
