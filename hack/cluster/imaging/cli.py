"""`hack/images`: for the one-node cluster, or for a registry."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from imaging import bases, buildah
from imaging.build import IMAGES, Image, build, make_page
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
        check_root()
        binaries.bootstrap("cluster")
        registry = os.environ.get("REGISTRY", "").rstrip("/")
        with exclusive("images"):
            make_page()
            if registry:
                _for_registry(registry, os.environ.get("TAG", CLUSTER_TAG), push=os.environ.get("PUSH") == "1")
            else:
                _for_cluster()
    except ClusterError as error:
        complain(f"\nimages: {error}")
        return 1
    return 0


def check_root() -> None:
    """Raises ClusterError unless this is root: buildah needs it."""
    if os.geteuid() != 0:
        raise ClusterError("needs root; run: sudo -E make images")


def _for_cluster() -> None:
    start = time.monotonic()
    folders = [ImageFolder(f"docker.io/library/{image.name}:{CLUSTER_TAG}") for image in IMAGES]
    redis = ImageFolder(REDIS_NAME)
    own = own_bases()
    changed = []
    needed: set[bases.Base] = set()
    for image, folder in zip(IMAGES, folders, strict=True):
        images = own or {"BASE_IMAGE": image.stand_in.reference(), "BUILD_IMAGE": bases.PYTHON_BUILD.reference()}
        key = image.key(images)
        if not folder.is_of(key):
            changed.append((image, folder, key, images))
            if not own:
                needed |= {image.stand_in, bases.PYTHON_BUILD}
    work = [partial(_make_base, base) for base in needed]
    if not redis.is_of(bases.REDIS.reference()):
        work.append(partial(_make_redis, redis))
    _together(work)
    _together([partial(_make, *change) for change in changed])
    _load([*folders, redis])
    say(f"images are ready after {time.monotonic() - start:.1f} s")


def own_bases() -> dict[str, str]:
    """The images to build on that were asked for, as arguments of the Dockerfiles."""
    return {name: value for name in ("BASE_IMAGE", "BUILD_IMAGE") if (value := os.environ.get(name))}


def _make_base(base: bases.Base) -> None:
    start = time.monotonic()
    if bases.make(base):
        say(f"  made {base.name} from Debian packages in {time.monotonic() - start:.1f} s")


def _make_redis(folder: ImageFolder) -> None:
    _make_base(bases.REDIS)
    folder.write(bases.REDIS.reference(), bases.REDIS.reference())


def _make(image: Image, folder: ImageFolder, key: str, images: dict[str, str]) -> None:
    start = time.monotonic()
    reference = f"localhost/{image.name}:{CLUSTER_TAG}"
    build(image, reference, images)
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
    arguments = {"VERSION": tag, "REVISION": revision or "unknown"} | own_bases()
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
