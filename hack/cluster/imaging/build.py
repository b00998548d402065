"""The operator's and the worker's image, built from the Dockerfiles with this machine's pip settings."""

import configparser
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imaging import buildah
from node.config import CHECKOUT

# Where packages come from, and how to get there. It is for the build alone: it is mounted, and so lies in no layer.
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
PIP_CONFIG_IN_BUILD = "/etc/xdg/pip"
CERTIFICATES_IN_BUILD = "/run/build-certificates.pem"


@dataclass(frozen=True)
class Image:
    """An image of this repository."""

    name: str
    dockerfile: str

    def key(self, base: str) -> str:
        """The hash of all that goes into it."""
        dockerfile = CHECKOUT / self.dockerfile
        content = hashlib.sha256(base.encode())
        for path in [dockerfile, CHECKOUT / ".dockerignore", *_copied(dockerfile)]:
            content.update(f"{path.relative_to(CHECKOUT)}\0".encode())
            content.update(path.read_bytes())
        return content.hexdigest()


IMAGES = (Image("videojob-operator", "Dockerfile.operator"), Image("videojob-worker", "Dockerfile.worker"))


def build(image: Image, reference: str, arguments: dict[str, str]) -> None:
    """Builds `image` as `reference`. Each step of the Dockerfile whose input is as before is taken from the cache."""
    with _pip_settings() as volumes:
        values = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        mounts = [word for volume in volumes for word in ("--volume", volume)]
        where = ("--file", str(CHECKOUT / image.dockerfile), "--tag", reference, str(CHECKOUT))
        buildah.run("build", "--quiet", "--layers", "--force-rm", *values, *mounts, *where)


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
def _pip_settings() -> Iterator[list[str]]:
    """Volumes that give a build pip's settings of this machine, and the files that they name."""
    settings = _read_pip_settings()
    volumes = [f"{folder}:{folder}:ro" for folder in settings.get("find-links", "").split() if Path(folder).is_dir()]
    if certificates := settings.get("cert"):
        volumes.append(f"{certificates}:{CERTIFICATES_IN_BUILD}:ro")
        settings["cert"] = CERTIFICATES_IN_BUILD
    with tempfile.TemporaryDirectory() as folder:
        parser = configparser.RawConfigParser()
        parser["global"] = settings
        with (Path(folder) / "pip.conf").open("w") as file:
            parser.write(file)
        yield [*volumes, f"{folder}:{PIP_CONFIG_IN_BUILD}:ro"]


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
