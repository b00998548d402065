"""buildah, with a store of our own in the cache, so that it meets no other user's images."""

import os
import subprocess
from pathlib import Path

from node import config
from node.config import ClusterError

RUN_ROOT = Path("/run/videojob-images")


def run(*arguments: str) -> str:
    """Runs buildah and returns what it prints.

    Raises:
        ClusterError: it failed; with the end of what it said.
    """
    store = config.cache() / "images" / "store"
    command = ["buildah", "--root", str(store), "--runroot", str(RUN_ROOT), *arguments]
    # chroot: needs no more rights than a container on a build machine usually has.
    environment = dict(os.environ) | {"BUILDAH_ISOLATION": "chroot"}
    result = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    if result.returncode:
        said = [*result.stdout.splitlines(), *result.stderr.splitlines()][-40:]
        raise ClusterError("\n".join([f"buildah {arguments[0]} failed:", *said]))
    return result.stdout.strip()


def exists(image: str) -> bool:
    """Whether the store has `image`."""
    try:
        run("inspect", "--type", "image", "--format", "{{.FromImageID}}", image)
    except ClusterError:
        return False
    return True
