"""`hack/images`: for the one-node cluster, or for a registry."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from imaging import bases, buildah
from imaging.build import IMAGES, Image, build
from imaging.folders import ImageFolder
from node import binaries, config, processes
from node.config import ClusterError
from node.locks import exclusive
from node.steps import complain, say

CLUSTER_TAG = "dev"
REDIS_NAME = "docker.io/library/redis:7"


def main() -> int:
    """Builds what changed; returns the exit status."""
    try:
        _check_root()
        binaries.bootstrap("cluster")
        registry = os.environ.get("REGISTRY", "").rstrip("/")
        with exclusive("images"):
            if registry:
                _for_registry(registry, os.environ.get("TAG", CLUSTER_TAG), push=os.environ.get("PUSH") == "1")
            else:
                _for_cluster()
    except ClusterError as error:
        complain(f"\nimages: {error}")
        return 1
    return 0


def _check_root() -> None:
    if os.geteuid() != 0:
        raise ClusterError("needs root; run: sudo -E make images")


def _for_cluster() -> None:
    start = time.monotonic()
    folders = [ImageFolder(f"docker.io/library/{image.name}:{CLUSTER_TAG}") for image in IMAGES]
    redis = ImageFolder(REDIS_NAME)
    own_base = os.environ.get("BASE_IMAGE")
    changed = []
    work: list[Callable[[], None]] = []
    for image, folder in zip(IMAGES, folders, strict=True):
        base = own_base or image.stand_in.reference()
        key = image.key(base)
        if not folder.is_of(key):
            changed.append((image, folder, key, base))
            if not own_base:
                work.append(partial(_make_base, image.stand_in))
    if not redis.is_of(bases.REDIS.reference()):
        work.append(partial(_make_redis, redis))
    _together(work)
    _together([partial(_make, *change) for change in changed])
    _load([*folders, redis])
    say(f"images are ready after {time.monotonic() - start:.1f} s")


def _make_base(base: bases.Base) -> None:
    start = time.monotonic()
    if bases.make(base):
        say(f"  made {base.name} from Debian packages in {time.monotonic() - start:.1f} s")


def _make_redis(folder: ImageFolder) -> None:
    _make_base(bases.REDIS)
    folder.write(bases.REDIS.reference(), bases.REDIS.reference())


def _make(image: Image, folder: ImageFolder, key: str, base: str) -> None:
    start = time.monotonic()
    reference = f"localhost/{image.name}:{CLUSTER_TAG}"
    build(image, reference, {"BASE_IMAGE": base})
    folder.write(reference, key)
    say(f"  built {image.name} in {time.monotonic() - start:.1f} s")


def _load(folders: list[ImageFolder]) -> None:
    running = processes.running("containerd") is not None
    for folder in folders:
        start = time.monotonic()
        state = "no cluster runs"
        if running and folder.in_cluster():
            state = "in the cluster"
        elif running:
            folder.load()
            state = f"to the cluster in {time.monotonic() - start:.1f} s"
        say(f"  {folder.name:<40}{folder.size_bytes / 1e6:6.0f} MB  {state}")


def _for_registry(registry: str, tag: str, *, push: bool) -> None:
    revision = subprocess.run(
        ["git", "-C", str(config.CHECKOUT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    arguments = {"VERSION": tag, "REVISION": revision or "unknown"}
    if base := os.environ.get("BASE_IMAGE"):
        arguments["BASE_IMAGE"] = base
    for image in IMAGES:
        reference = f"{registry}/{image.name}:{tag}"
        start = time.monotonic()
        build(image, reference, arguments)
        say(f"  built {reference} in {time.monotonic() - start:.1f} s")
        if push:
            start = time.monotonic()
            buildah.run("push", "--quiet", reference, f"docker://{reference}")
            say(f"  pushed it in {time.monotonic() - start:.1f} s")


def _together(work: Iterable[Callable[[], None]]) -> None:
    """Does all of it at once; raises what the first that failed raised."""
    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(task) for task in work]:
            future.result()
