"""The images of this repository, built from the Dockerfiles with this machine's pip settings."""

import configparser
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imaging import bases, buildah
from node.config import CHECKOUT, ClusterError

# Where packages come from, and how to get there.
PIP_SETTINGS = (
    "cert",
    "client-cert",
    "extra-index-url",
    "find-links",
    "index-url",
    "no-index",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
)
# These are for the build alone, and lie in no layer: they are mounted, on a folder that every base image has,
# because a folder made for the mount would stay.
MOUNT_POINT = "/mnt"


@dataclass(frozen=True)
class Image:
    """An image of this repository."""

    name: str
    dockerfile: str
    stand_in: bases.Base
    """What stands in for its public base image on machines that reach no registry."""

    def key(self, arguments: dict[str, str]) -> str:
        """The hash of all that goes into it."""
        dockerfile = CHECKOUT / self.dockerfile
        content = hashlib.sha256(repr(sorted(arguments.items())).encode())
        for path in [dockerfile, CHECKOUT / ".dockerignore", *_copied(dockerfile)]:
            content.update(f"{path.relative_to(CHECKOUT)}\0".encode())
            content.update(path.read_bytes())
        return content.hexdigest()


IMAGES = (
    Image("videojob-operator", "Dockerfile.operator", bases.PYTHON),
    Image("videojob-gateway", "Dockerfile.gateway", bases.PYTHON),
    Image("videojob-worker", "Dockerfile.worker", bases.PYTHON_MEDIA),
)


def build(image: Image, reference: str, arguments: dict[str, str], source: Path = CHECKOUT) -> None:
    """Builds `image` of a tree as `reference`. Each step whose input is as before is taken from the cache."""
    with _pip_settings() as mounts:
        arguments = arguments | {"PIP_CONFIG_FILE": f"{MOUNT_POINT}/pip.conf"}
        options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        options += [f"--volume={source}:{target}:ro" for source, target in mounts]
        options += [f"--file={source / image.dockerfile}", f"--tag={reference}"]
        buildah.run("build", "--quiet", "--layers", "--force-rm", *options, str(source))


def make_page(source: Path = CHECKOUT) -> None:
    """Builds the gateway's page in a tree, for its image; quick when it is there.

    Raises:
        ClusterError: it cannot be built; what was said has the reason.
    """
    if subprocess.run([source / "hack" / "page"], check=False).returncode:
        raise ClusterError("the gateway's page could not be built")


def _copied(dockerfile: Path) -> Iterator[Path]:
    """The files that a Dockerfile copies from the checkout."""
    for line in dockerfile.read_text().splitlines():
        if copy := re.match(r"(?:COPY|ADD) (?!--from)(.+) \S+$", line):
            for source in copy[1].split():
                path = CHECKOUT / source
                files = [path] if path.is_file() else sorted(path.rglob("*"))
                yield from (file for file in files if file.is_file() and not _ignored(file))


def _ignored(path: Path) -> bool:
    return any(part == "__pycache__" or part.endswith(".egg-info") for part in path.parts)


@contextmanager
def _pip_settings() -> Iterator[list[tuple[Path, str]]]:
    """Folders of this machine, and where to mount them: pip's settings, and what they name."""
    settings = _read_pip_settings()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mounts = [(folder, MOUNT_POINT)]
        if certificates := settings.get("cert"):
            shutil.copy(certificates, folder / "certificates.pem")
            settings["cert"] = f"{MOUNT_POINT}/certificates.pem"
        links = settings.get("find-links", "").split()
        for number, link in enumerate(links):
            if Path(link).is_dir():
                (folder / str(number)).mkdir()
                mounts.append((Path(link), f"{MOUNT_POINT}/{number}"))
                links[number] = f"{MOUNT_POINT}/{number}"
        if links:
            settings["find-links"] = "\n".join(links)
        parser = configparser.RawConfigParser()
        parser["global"] = settings
        with (folder / "pip.conf").open("w") as file:
            parser.write(file)
        yield mounts


def _read_pip_settings() -> dict[str, str]:
    """As pip itself reads them: files of the machine, of the user, and the environment; the last one wins."""
    home = Path.home()
    files = [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        home / ".config/pip/pip.conf",
    ]
    if own := os.environ.get("PIP_CONFIG_FILE"):
        files.append(Path(own))
    parser = configparser.RawConfigParser()
    parser.read(files)
    found = {}
    for name in PIP_SETTINGS:
        values = [os.environ.get(f"PIP_{name.upper().replace('-', '_')}")]
        values += [parser.get(section, name, fallback=None) for section in ("install", "global")]
        if name == "cert":
            values.append(os.environ.get("REQUESTS_CA_BUNDLE"))
        if value := next(filter(None, values), None):
            found[name] = value
    return found
