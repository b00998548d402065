"""A namespace of the tests' own on the one-node cluster, with a pool of three workers and a volume with real media."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiException

from hack import media
from tests.e2e.cluster import GROUP, VERSION, Cluster
from tests.web.conftest import browser, chromium

__all__ = ["browser", "chromium"]

ROOT = Path(__file__).parents[2]
NAMESPACE = "videojob-e2e"

POOL: dict[str, Any] = {
    "minIdle": 1,
    "maxWorkers": 3,
    "idleTimeout": "10s",
    "surge": 3,
    "volumes": [{"name": "media", "source": {"persistentVolumeClaim": {"claimName": "media"}}}],
    "storage": {"outputPrefix": "volume://media/out"},
    "worker": {
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            # One processor each: a render then lasts as long for half the work, and leaves the rest to other tests.
            "limits": {"cpu": "1", "memory": "2Gi"},
        }
    },
    "defaults": {"retry": {"limit": 2, "backoff": {"initial": "1s", "factor": 2, "max": "5s", "jitter": 0.1}}},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def media_folder() -> Path:
    """The volume of the tests' pool as the node sees it."""
    folder = ROOT / ".cluster" / "e2e"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    media.copy_to(folder)
    (folder / "text.jpg").write_text("this is no picture\n" * 100)
    whole = media.photograph("rocket.jpg").read_bytes()
    (folder / "corrupt.jpg").write_bytes(whole[: len(whole) // 5])
    folder.chmod(0o777)  # workers run as a user of their own
    return folder


@pytest.fixture(scope="session")
def cluster(media_folder: Path) -> Iterator[Cluster]:
    kubeconfig = ROOT / ".cluster" / "kubeconfig"
    assert kubeconfig.exists(), "there is no cluster: run `make cluster-up images install`"
    cluster = Cluster(kubeconfig, NAMESPACE)
    core, custom = cluster.core, cluster.custom
    remove(cluster)
    core.create_namespace(
        {"metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    )
    core.create_persistent_volume(
        {
            "metadata": {"name": NAMESPACE},
            "spec": {
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteMany"],
                "storageClassName": NAMESPACE,
                "hostPath": {"path": str(media_folder)},
            },
        }
    )
    core.create_namespaced_persistent_volume_claim(
        NAMESPACE,
        {
            "metadata": {"name": "media"},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "storageClassName": NAMESPACE,
                "resources": {"requests": {"storage": "10Gi"}},
            },
        },
    )
    pool = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "RenderPool",
        "metadata": {"name": "e2e"},
        "spec": POOL,
    }
    custom.create_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "renderpools", pool)
    cluster.wait_for_operator()
    yield cluster
    remove(cluster)
    cluster.close()


def remove(cluster: Cluster) -> None:
    """Remove what these tests made, this time or at an earlier one that was interrupted."""
    core = cluster.core
    with contextlib.suppress(ApiException):
        core.delete_namespace(NAMESPACE)
    wait_until_gone(lambda: core.read_namespace(NAMESPACE))
    with contextlib.suppress(ApiException):
        core.delete_persistent_volume(NAMESPACE)
    wait_until_gone(lambda: core.read_persistent_volume(NAMESPACE))


def wait_until_gone(read: Any) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            read()
        except ApiException as error:
            if error.status != 404:
                raise
            return
        time.sleep(0.2)
    raise AssertionError("what an earlier run left does not go away")


@pytest.fixture(autouse=True)
def _leave_nothing(cluster: Cluster) -> Iterator[None]:
    """Each test starts without VideoJobs and leaves none."""
    yield
    cluster.custom.delete_collection_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "videojobs")
