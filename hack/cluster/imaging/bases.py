"""Stand-ins for public base images, made from Debian packages.

For machines that reach a Debian mirror and no image registry. They have what the public images have in common with
them: python3 and the CA certificates, or Redis 7 with the same user and working directory. What only builds need, as
pip, is in an image of its own.
"""

import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from imaging import buildah
from node.config import ClusterError

DEBIAN = "bookworm"
# /bin is a link to /usr/bin from the start: the package that would make it one brings 50 MB of Perl.
MERGE = "/usr/share/mmdebstrap/hooks/merged-usr"
MERGED = ("usr-is-merged",)
UNNEEDED = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*")


@dataclass(frozen=True)
class Base:
    """A base image: its packages, what is done once they are installed, and its configuration."""

    name: str
    packages: tuple[str, ...]
    after: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()

    def reference(self) -> str:
        """Its name, with the hash of its recipe as the tag."""
        recipe = repr((DEBIAN, MERGED, UNNEEDED, self))
        return f"localhost/{self.name}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


PYTHON = Base("python", packages=("python3", "ca-certificates"))
PYTHON_BUILD = Base("python-build", packages=(*PYTHON.packages, "python3-pip", "python3-venv", "binutils"))
# What the worker's Dockerfile would install, where it can: apt does not work in image builds on every machine.
PYTHON_MEDIA = Base(
    "python-media",
    packages=(
        *PYTHON.packages,
        "fonts-dejavu-core",
        "fonts-liberation",
        "fonts-noto-color-emoji",
        "fonts-noto-ui-core",
        "fonts-open-sans",
        "fonts-symbola",
        "fonts-wqy-microhei",
        "libass9",
        "libjxl0.7",
        "libpangocairo-1.0-0",
    ),
)
REDIS = Base(
    "redis",
    packages=("redis-server", "redis-tools"),
    after=(
        'chroot "$1" groupmod --gid 999 redis',
        'chroot "$1" usermod --uid 999 --home /data redis',
        'chroot "$1" install --directory --owner redis --group redis /data',
    ),
    configuration=("--workingdir", "/data", "--cmd", "redis-server", "--port", "6379"),
)


def make(base: Base) -> bool:
    """Makes the image, unless it is there; returns whether it had to be made."""
    reference = base.reference()
    if buildah.exists(reference):
        return False
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.tar"
        _debian(base, root)
        container = buildah.run("from", "scratch")
        try:
            buildah.run("add", "--quiet", container, str(root), "/")
            if base.configuration:
                buildah.run("config", *base.configuration, container)
            buildah.run("commit", "--quiet", container, reference)
        finally:
            buildah.run("rm", container)
    return True


def _debian(base: Base, archive: Path) -> None:
    sources = next(
        (path for path in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list") if Path(path).exists()),
        "",
    )
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join((*MERGED, *base.packages))}"]
    command += [f"--hook-dir={MERGE}"]
    command += [f"--dpkgopt=path-exclude={path}" for path in UNNEEDED]
    command += [f"--customize-hook={line}" for line in base.after]
    command += [DEBIAN, str(archive), *([sources] if sources else [])]
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    if result.returncode:
        raise ClusterError(f"{' '.join(command)}:\n{result.stderr[-3000:]}")
