"""What a worker's pod has downloaded serves the next pod of its pool on the node, as a real kubelet mounts it."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.cluster import GROUP, VERSION, WAIT_S, Cluster
from tests.e2e.conftest import NAMESPACE, POOL, ROOT, wait_until_gone
from tests.integration.objects.servers import BUCKET, Server, s3_server

USER = 65532
"""The workers'."""
CACHE = f"{NAMESPACE}-cache"
KEY = "noise.png"
SIDE = 1800
"""So that it takes two ranges to download."""


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An S3 server on the node, with a picture, and the Secret of who may read it."""
    [node] = cluster.core.list_node().items
    [address] = [each.address for each in node.status.addresses if each.type == "InternalIP"]
    monkeypatch.setenv("NO_PROXY", f"{os.environ.get('NO_PROXY', '')},{address}")
    with s3_server(tmp_path, address) as server:
        picture = BytesIO()
        Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3)).save(picture, "png", compress_level=0)
        server.put(KEY, picture.getvalue())
        secret = {"metadata": {"name": "store-keys"}, "stringData": server.secrets | {"ca.crt": server.authority}}
        cluster.core.create_namespaced_secret(NAMESPACE, secret)
        yield server
        cluster.core.delete_namespaced_secret("store-keys", NAMESPACE)


@pytest.fixture
def folder(cluster: Cluster) -> Iterator[Path]:
    """The node's folder behind a claim, which is what a restricted namespace allows, made as the documentation says."""
    folder = ROOT / ".cluster" / "e2e-cache"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o1777)
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": CACHE}
    size = {"storage": "1Gi"}
    volume = {**spec, "capacity": size, "hostPath": {"path": str(folder)}}
    cluster.core.create_persistent_volume({"metadata": {"name": CACHE}, "spec": volume})
    claim = {**spec, "resources": {"requests": size}}
    cluster.core.create_namespaced_persistent_volume_claim(NAMESPACE, {"metadata": {"name": "cache"}, "spec": claim})
    yield folder
    cluster.core.delete_namespaced_persistent_volume_claim("cache", NAMESPACE)
    cluster.core.delete_persistent_volume(CACHE)

    def read() -> None:
        cluster.core.read_persistent_volume(CACHE)

    wait_until_gone(read)
    shutil.rmtree(folder)


@pytest.fixture
def pool(cluster: Cluster, store: Server) -> Iterator[str]:
    """A pool with a cache, in the namespace that enforces the restricted standard."""
    objects = [store.entry().model_dump(by_alias=True, exclude_none=True, mode="json")]
    source = {"persistentVolumeClaim": {"claimName": "cache"}}
    storage = {**POOL["storage"], "objects": objects, "cache": {"source": source, "maxBytes": 10**9}}
    spec = {**POOL, "minIdle": 0, "maxWorkers": 1, "storage": storage}
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "RenderPool", "metadata": {"name": "kept"}, "spec": spec}
    pools = (GROUP, VERSION, NAMESPACE, "renderpools")
    cluster.custom.create_namespaced_custom_object(*pools, body)
    yield "kept"
    cluster.custom.delete_collection_namespaced_custom_object(GROUP, VERSION, NAMESPACE, "videojobs")  # pods are theirs
    cluster.custom.delete_namespaced_custom_object(*pools, "kept")
    end = time.monotonic() + WAIT_S
    while cluster.core.list_namespaced_pod(NAMESPACE, label_selector="videojob.dev/pool=kept").items:
        assert time.monotonic() < end, "the pool's pods do not go away"
        time.sleep(0.2)


def reads(store: Server, least: int) -> int:
    """Count the requests for the picture in the store's own log, in which they come when they are answered."""
    end = time.monotonic() + WAIT_S
    while (found := (store.folder / "access.log").read_text().count(f" s3_GetObject {KEY} ")) < least:
        assert time.monotonic() < end, f"only {found} requests came to the store"
        time.sleep(0.1)
    return found


def test_two_pods_of_a_pool_download_an_object_once(cluster: Cluster, store: Server, folder: Path, pool: str) -> None:
    clip = {"image": {"uri": f"s3://{BUCKET}/{KEY}"}, "duration": "1s"}
    spec = {"pool": pool, "canvas": {"width": 320, "height": 180, "fps": "25"}, "clips": [clip]}
    counts, workers = [0], set()
    for name in ("first", "second"):
        cluster.create(name, spec)
        status = cluster.finish(name)
        assert status["phase"] == "Succeeded", status
        workers.add(status["worker"])
        counts.append(reads(store, counts[-1] + 1))
    assert len(workers) == 2
    _, first, both = counts
    assert first >= 2, "the picture is longer than a range"
    assert both == first + 1, "which version it is was asked once more, and nothing else"
    [kept] = [path for path in (folder / NAMESPACE / pool).rglob("*") if path.is_file()]
    assert re.fullmatch("[0-9a-f]{64}", kept.name)
    assert kept.stat().st_uid == USER
    assert kept.stat().st_size > SIDE * SIDE * 3
