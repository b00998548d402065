"""Kubernetes' programs, built from pinned Go modules and kept in the cache by the hash of everything they depend on."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from node import config
from node.config import ClusterError
from node.steps import say, step

PACKAGES = ["tool", "./coredns", "./etcd", "./pause"]
REPORT_EVERY_S = 20.0
# A quarter of a compiler's time was the collection of garbage, and it lives for seconds: none up to this size.
COMPILER_MEMORY = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}


def path() -> Path:
    """The folder of the programs; they need not be there yet."""
    sources = [config.BINARIES_SOURCE / "go.mod", config.BINARIES_SOURCE / "go.sum", _toolchain_lock()]
    sources += sorted(config.BINARIES_SOURCE.glob("*/*.go"))
    content = hashlib.sha256("\0".join([*_flags(), *PACKAGES]).encode())
    for source in sources:
        content.update(source.read_bytes())
    return config.cache() / "cluster" / f"binaries-{content.hexdigest()[:12]}"


def build() -> Path:
    """Builds what is not in the cache, and returns the folder of the programs."""
    folder = path()
    if not folder.is_dir():
        say("  building Kubernetes from its Go modules: about seven minutes on two cores, once")
        bootstrap("go")
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob("partial-*"):  # of a build that was killed
            shutil.rmtree(left)
        partial = Path(tempfile.mkdtemp(prefix="partial-", dir=folder.parent))
        try:
            with step("download the modules"):
                _go(["mod", "download"])
            _compile(partial)
            partial.chmod(0o755)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def bootstrap(group: str) -> None:
    """Installs a group of what we need from the machine's packages."""
    if subprocess.run([config.CHECKOUT / "hack" / "bootstrap", group], stdout=sys.stdout, check=False).returncode:
        raise ClusterError(f"hack/bootstrap {group} failed, as said above")


def _compile(folder: Path) -> None:
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        building = subprocess.Popen(
            _command(folder), cwd=config.BINARIES_SOURCE, env=_environment() | COMPILER_MEMORY, stdout=log, stderr=log
        )
        try:
            while True:
                try:
                    status = building.wait(timeout=REPORT_EVERY_S)
                    break
                except subprocess.TimeoutExpired:
                    packages = os.pread(log.fileno(), 1 << 24, 0).count(b"\n")
                    say(f"    {packages} packages compiled after {time.monotonic() - start:.0f} s")
        except BaseException:
            building.kill()
            building.wait()
            raise
        if status:
            log.seek(0)
            raise ClusterError("go build failed:\n" + "".join(log.readlines()[-30:]))
    say(f"    built in {time.monotonic() - start:.0f} s")


def _command(folder: Path) -> list[str]:
    return [str(_program()), "build", "-v", *_flags(), "-o", f"{folder}/", *PACKAGES]


def _flags() -> list[str]:
    linker = ["-s", "-w", *(word for version in _versions() for word in ("-X", version))]
    # Nobody debugs these: a tenth of the time was for what debuggers read. Another sixth was for functions that are put
    # into those that call them, which these programs are no quicker for, but for those of Go's own library.
    compiler = ["-gcflags=all=-l -dwarf=false", "-gcflags=std=-dwarf=false"]
    return ["-trimpath", "-buildvcs=false", *compiler, f"-ldflags={' '.join(linker)}"]


def _versions() -> list[str]:
    """The variables by which the programs know their version."""
    major, minor, _ = config.KUBERNETES_VERSION.split(".")
    values = []
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        values += [f"{package}.gitVersion=v{config.KUBERNETES_VERSION}", f"{package}.gitTreeState=clean"]
        values += [f"{package}.gitMajor={major}", f"{package}.gitMinor={minor}"]
    values.append(f"helm.sh/helm/v3/internal/version.version=v{config.HELM_VERSION}")
    for package in ("helm.sh/helm/v3/pkg/chartutil", "helm.sh/helm/v3/pkg/lint/rules"):
        values += [f"{package}.k8sVersionMajor={major}", f"{package}.k8sVersionMinor={minor}"]
    return values


def _go(arguments: list[str]) -> None:
    command = [str(_program()), *arguments]
    result = subprocess.run(
        command, cwd=config.BINARIES_SOURCE, env=_environment(), text=True, capture_output=True, check=False
    )
    if result.returncode:
        raise ClusterError(f"{' '.join(command)}: {result.stderr.strip()}")


def _environment() -> dict[str, str]:
    go = config.cache() / "go"
    own = {"GOMODCACHE": str(go / "mod"), "GOCACHE": str(go / "build"), "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    return dict(os.environ) | own | {"CGO_ENABLED": "0", "GOWORK": "off"}


def _program() -> Path:
    return config.cache() / "go" / "toolchain" / "bin" / "go"


def _toolchain_lock() -> Path:
    return config.CHECKOUT / "requirements" / "go.txt"
