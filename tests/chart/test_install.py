"""The chart on a real API server: accepted, and the same passwords after an upgrade."""

import subprocess
from collections.abc import Iterable, Iterator

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


def test_the_pod_for_media_is_restricted_and_sees_the_volume_as_workers_do(
    apiserver: ApiServer, namespace: str
) -> None:
    apiserver.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    apiserver.kubectl("create", "serviceaccount", "default", "-n", namespace)
    path = ROOT / "manifests" / "media-pod.yaml"
    apiserver.kubectl("apply", "-n", namespace, "-f", str(path))
    pod = yaml.safe_load(path.read_text())["spec"]
    worker = yaml.safe_load((ROOT / "tests" / "unit" / "operator" / "worker_job.yaml").read_text())["spec"]["template"][
        "spec"
    ]
    assert pod["securityContext"] == worker["securityContext"]
    chart = render()
    claim = pod["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert chart.one("PersistentVolumeClaim", claim)
    assert pod["containers"][0]["image"] == chart.container("videojob-redis")["image"]


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


def test_the_line_that_names_a_registry_reaches_both_images() -> None:
    text = (ROOT / "manifests" / "install.yaml").read_text()
    [command] = [line[1:].strip() for line in text.splitlines() if line.startswith("#   sed ")]
    sed, _, apply = command.partition(" | ")
    assert apply == "kubectl apply --server-side -f -"
    done = subprocess.run(["sh", "-c", sed], cwd=ROOT / "manifests", capture_output=True, text=True, check=True)
    images = {each["name"]: each for each in find_env_and_images(yaml.safe_load_all(done.stdout))}
    assert images["operator"]["image"] == "registry.example.org/video/videojob-operator:0.1.0"
    assert images["VIDEOJOB_WORKER_IMAGE"]["value"] == "registry.example.org/video/videojob-worker:0.1.0"
    assert images["redis"]["image"] == "docker.io/library/redis:7"


def find_env_and_images(value: object) -> Iterator[dict[str, str]]:
    """Everything with a name and an image or a value."""
    if isinstance(value, dict):
        if "name" in value and value.keys() & {"image", "value"}:
            yield value
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for each in value:
            yield from find_env_and_images(each)


@pytest.mark.parametrize(
    ("arguments", "said", "unsaid"),
    [
        ((), "is then volume://media/out/default/blue/main.mp4; volume://media is the claim noted-media.",
         "has no volume"),
        (("--set", "media.enabled=false"), "The pool has no place to put outputs", "Render a second"),
        (("--set", "media.enabled=false", "--set", "pool.outputPrefix=s3://films/out"),
         "is then s3://films/out/default/blue/main.mp4.", "claim"),
        (("--set", "media.enabled=false", "--set", "pool.outputPrefix=volume://a/"),
         "is then volume://a/default/blue/main.mp4.", "claim"),
        (("--set", "media.enabled=false", "--set", "pool.extraSpec.storage.outputPrefix=volume://a/x"),
         "is then volume://a/x/default/blue/main.mp4.", "claim"),
        (("--set", "pool.enabled=false"), "There is no RenderPool yet", "Render a second"),
    ],
)  # fmt: skip
def test_what_is_said_after_an_installation_works(
    apiserver: ApiServer, arguments: tuple[str, ...], said: str, unsaid: str
) -> None:
    notes = upgrade(apiserver, "default", "--dry-run=client", *arguments, release="noted").partition("NOTES:")[2]
    assert said in " ".join(notes.split())
    assert unsaid not in notes


def upgrade(apiserver: ApiServer, namespace: str, *arguments: str, release: str = "videojob") -> str:
    done = subprocess.run(
        [apiserver.programs / "helm", "upgrade", "--install", release, CHART, "--skip-crds", *arguments],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(apiserver.cache),
            "KUBECONFIG": str(apiserver.kubeconfig),
            "HELM_NAMESPACE": namespace,
        },
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout
