"""The chart on a real API server: accepted, and the same passwords after an upgrade."""

import subprocess

import pytest
import yaml

from tests.chart.helm import CHART, ROOT, render
from tests.chart.test_manifests import EVERYTHING
from tests.integration.apiserver import ApiServer


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["default", "everything"])
def test_every_manifest_is_accepted(apiserver: ApiServer, values: dict[str, object]) -> None:
    for name in ("videojob", "studio"):
        apiserver.kubectl("create", "namespace", name, check=False)
    text = yaml.safe_dump_all(render(values).all)
    done = apiserver.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
    assert "warning" not in done.stderr.lower()


def test_the_manifest_for_people_without_helm_is_accepted(apiserver: ApiServer) -> None:
    apiserver.kubectl("create", "namespace", "videojob", check=False)
    manifest = ROOT / "manifests" / "install.yaml"
    apiserver.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(manifest))
    assert "kind: Secret" not in manifest.read_text()


def test_the_samples_are_accepted(apiserver: ApiServer, namespace: str) -> None:
    samples = sorted((ROOT / "manifests" / "samples").glob("*.yaml"))
    assert samples
    for sample in samples:
        apiserver.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", str(sample))


def test_an_upgrade_keeps_the_passwords(apiserver: ApiServer, namespace: str) -> None:
    def passwords() -> dict[str, str]:
        done = apiserver.kubectl("get", "secrets", "-n", namespace, "-o", "yaml")
        items = yaml.safe_load(done.stdout)["items"]
        return {s["metadata"]["name"]: s["data"]["password"] for s in items if s["type"] == "Opaque"}

    upgrade(apiserver, namespace)
    before = passwords()
    upgrade(apiserver, namespace, "--set", "operator.logs.format=text")
    assert sorted(before) == ["videojob-redis-admin", "videojob-redis-operator", "videojob-redis-worker"]
    assert passwords() == before


def upgrade(apiserver: ApiServer, namespace: str, *arguments: str) -> None:
    subprocess.run(
        [apiserver.programs / "helm", "upgrade", "--install", "videojob", CHART, "--skip-crds", *arguments],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(apiserver.cache),
            "KUBECONFIG": str(apiserver.kubeconfig),
            "HELM_NAMESPACE": namespace,
        },
        check=True,
        capture_output=True,
        timeout=60,
    )
