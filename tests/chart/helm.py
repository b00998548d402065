"""Helm as the chart's tests use it: render with values, refuse values."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.integration.apiserver import programs

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "videojob-operator"

HOOK = "helm.sh/hook"
Manifest = dict[str, Any]


class Rendered:
    """The manifests that the chart makes of some values."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.hooks = [each for each in manifests if HOOK in each["metadata"].get("annotations", {})]
        self.all = [each for each in manifests if each not in self.hooks]

    def kinds(self, kind: str) -> list[Manifest]:
        """All of one kind; no hooks."""
        return [manifest for manifest in self.all if manifest["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest:
        """The one of that kind and name."""
        (found,) = [m for m in self.kinds(kind) if m["metadata"]["name"] == name]
        return found

    def container(self, deployment: str) -> Manifest:
        """The one container of a Deployment."""
        (container,) = self.one("Deployment", deployment)["spec"]["template"]["spec"]["containers"]
        return dict(container)

    def environment(self, deployment: str) -> dict[str, Any]:
        """Its environment: a name's value, or where it comes from."""
        return {e["name"]: e.get("value", e.get("valueFrom")) for e in self.container(deployment).get("env", [])}


def helm(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm with no cluster in its reach."""
    command = [programs() / "helm", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "KUBECONFIG": "/nonexistent"}
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def template(values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `helm template` with values."""
    return helm(
        *("template", "videojob", CHART, "--namespace", "videojob", "--skip-crds", "--values", "-"),
        stdin=json.dumps(values or {}),
    )


def render(values: Mapping[str, Any] | None = None) -> Rendered:
    """Render the chart; it must accept the values."""
    done = template(values)
    assert done.returncode == 0, done.stderr
    return Rendered([manifest for manifest in yaml.load_all(done.stdout, yaml.CSafeLoader) if manifest])


def refusal(values: Mapping[str, Any]) -> str:
    """Render the chart with values that it must refuse; returns what it says."""
    done = template(values)
    assert done.returncode != 0, f"accepted {values}"
    return done.stderr
