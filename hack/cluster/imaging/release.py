"""`hack/release`: images, chart and wheels of one version, from what is committed.

The chart is pushed last, and a version whose chart is there is refused: a release that broke off can be repeated, and
one that is done is not changed.
"""

import hashlib
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from imaging import buildah
from imaging.build import IMAGES, Image, build, make_page
from imaging.cli import check_root, own_bases
from node import binaries, config
from node.config import ClusterError
from node.locks import exclusive
from node.steps import complain, say, step

VERSION = re.compile(r"\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?")
"""What Helm and pip both take."""
CHART = Path("charts") / "videojob-operator"
WHEELS = ("contract", "common", "client", "worker", "cli")
"""The folders of the packages that people install: the command line and the client, with what they need."""


@dataclass(frozen=True)
class Release:
    """What is released, and where to."""

    registry: str
    version: str
    source: Path
    """A copy of what is committed, with the version in it."""
    out: Path
    revision: str
    created: str

    @property
    def charts(self) -> str:
        """Where charts are: apart from the images, one of which has the chart's name."""
        return f"oci://{self.registry}/charts"

    @property
    def on_this_machine(self) -> bool:
        """Whether the registry is spoken to without TLS, as Docker does."""
        return re.match(r"(localhost|127\.[0-9.]+)(:\d+)?/", f"{self.registry}/") is not None

    def helm(self, *arguments: str | Path, check: bool = True) -> int:
        """Runs helm on the registry; returns its exit status."""
        command = [binaries.path() / "helm", *arguments, *(["--plain-http"] if self.on_this_machine else [])]
        return run(*command, check=check)


def main() -> int:
    """Releases; returns the exit status."""
    try:
        check_root()
        registry, version = os.environ.get("REGISTRY", "").rstrip("/"), os.environ.get("VERSION", "")
        _check(registry, version)
        binaries.bootstrap("cluster")
        binaries.build()
        out = Path(os.environ.get("OUT") or config.CHECKOUT / "dist" / version).resolve()
        revision, created = git("rev-parse", "HEAD"), git("show", "--no-patch", "--format=%cI")
        with tempfile.TemporaryDirectory() as folder, exclusive("images"):
            _release(Release(registry, version, Path(folder), out, revision, created))
    except ClusterError as error:
        complain(f"\nrelease: {error}")
        return 1
    return 0


def _check(registry: str, version: str) -> None:
    if not registry or not VERSION.fullmatch(version):
        raise ClusterError("say where and what: make release REGISTRY=registry.example.org/video VERSION=1.2.3")


def _release(release: Release) -> None:
    name = f"{release.charts}/{CHART.name}"
    if release.helm("show", "chart", name, "--version", release.version, check=False) == 0:
        raise ClusterError(f"{name} {release.version} is released already: take another VERSION")
    say(f"release of {release.revision[:12]} as {release.version}; what is not committed is not in it")
    release.out.mkdir(parents=True, exist_ok=True)
    export(release.source, release.version)
    make_page(release.source)
    digests = {}
    for image in IMAGES:
        with step(f"image {image.name}"):
            digests[image.name] = _push_image(release, image)
    with step("wheels"):
        _write_wheels(release)
    with step("chart"):
        pin(release.source / CHART / "values.yaml", release.registry, digests)
        run(binaries.path() / "helm", "package", release.source / CHART, "--destination", release.out)
        archive = release.out / f"{CHART.name}-{release.version}.tgz"
        _write_sums(release.out)
        release.helm("push", archive, release.charts)
    say(f"""released into {release.out} and {release.registry}; to install:

  helm install videojob {name} --version {release.version} --namespace videojob --create-namespace
  helm test videojob --namespace videojob""")


def export(folder: Path, version: str) -> None:
    """Puts what is committed into `folder`, as of `version`; each package then needs that version of the others."""
    archive = folder / "source.tar"
    run("git", "-C", config.CHECKOUT, "archive", "--output", archive, "HEAD")
    run("tar", "--extract", "--file", archive, "--directory", folder)
    archive.unlink()
    substitute(folder / "contract" / "videojob_contract" / "version.py", r'(?<=^__version__ = ")[^"]+', version)
    for key in ("version", "appVersion"):
        substitute(folder / CHART / "Chart.yaml", rf"(?<=^{key}: ).+", version)
    for project in (each / "pyproject.toml" for each in map(folder.joinpath, WHEELS)):
        text = project.read_text()
        project.write_text(re.sub(r'(?<=^  ")(videojob-\w+)(?=",$)', rf"\1=={version}", text, flags=re.MULTILINE))


def substitute(path: Path, pattern: str, text: str) -> None:
    """Puts `text` in place of the one match of `pattern` in a file; `^` is the start of a line.

    Raises:
        ClusterError: there is another number of matches.
    """
    changed, count = re.subn(pattern, lambda _: text, path.read_text(), flags=re.MULTILINE)
    if count != 1:
        raise ClusterError(f"{path.name} has {count} places that match {pattern}")
    path.write_text(changed)


def pin(values: Path, registry: str, digests: dict[str, str]) -> None:
    """Makes a registry and the digests of images by their names the defaults of a chart's values."""
    comments = r"(?:\n *#.*)*\n *"
    text = values.read_text()
    for before, new in [
        (rf"\nimage:{comments}registry: ", registry),
        *((rf"\n *name: {name}{comments}digest: ", digest) for name, digest in digests.items()),
    ]:
        text, count = re.subn(rf'({before})""', rf"\g<1>{new}", text)
        if count != 1:
            raise ClusterError(f"{values.name} has {count} places for {new}")
    values.write_text(text)


def _push_image(release: Release, image: Image) -> str:
    """Builds and pushes an image, writes what it is made of; returns its digest."""
    reference = f"{release.registry}/{image.name}:{release.version}"
    provenance = {"VERSION": release.version, "REVISION": release.revision, "CREATED": release.created}
    if source := os.environ.get("SOURCE"):
        provenance["SOURCE"] = source
    build(image, reference, provenance | own_bases(), release.source)
    container = buildah.run("from", "--pull-never", reference)
    try:
        inside = Path(buildah.run("mount", container)) / "usr" / "share" / "sbom" / f"{image.name}.cdx.json"
        (release.out / f"{image.name}-{release.version}.cdx.json").write_bytes(inside.read_bytes())
    finally:
        buildah.run("rm", container)
    with tempfile.NamedTemporaryFile("r") as digest:
        tls = ["--tls-verify=false"] if release.on_this_machine else []
        buildah.run("push", "--quiet", *tls, "--digestfile", digest.name, reference, f"docker://{reference}")
        return digest.read().strip()


def _write_wheels(release: Release) -> None:
    """Writes the wheels, and what pip installs the command line from: it and all that it needs, locked."""
    python = config.CHECKOUT / ".venv" / "bin" / "python"
    for folder in WHEELS:
        run(
            python,
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            release.out,
            folder=release.source / folder,
        )
    own = []
    for wheel in sorted(release.out.glob("videojob_*.whl")):
        name, version = wheel.name.split("-")[:2]
        if name != "videojob_client":
            own.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{_sha256(wheel)}\n")
    locked = (release.source / "requirements" / "cli.txt").read_text()
    (release.out / f"videojob-cli-{release.version}.txt").write_text("".join([*own, locked]))


def _write_sums(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text("".join(f"{_sha256(folder / name)}  {name}\n" for name in names))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def git(*arguments: str) -> str:
    """What git says about this checkout.

    Raises:
        ClusterError: this is none.
    """
    done = subprocess.run(["git", "-C", config.CHECKOUT, *arguments], text=True, capture_output=True, check=False)
    if done.returncode:
        raise ClusterError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def run(*command: str | Path, folder: Path | None = None, check: bool = True) -> int:
    """Runs a program; returns its exit status.

    Raises:
        ClusterError: it failed, and that was to be checked; with what it said.
    """
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    if check and done.returncode:
        raise ClusterError(f"{' '.join(map(str, command))}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode
