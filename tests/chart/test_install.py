"""The chart on a real API server: accepted, and the same passwords after an upgrade."""

import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ROOT, render
from tests.chart.test_manifests import EVERYTHING, EXTERNAL
from tests.chart.test_values import BESIDE, CHANGES, SENTINELS, TOGETHER, merged, nested
from tests.integration.apiserver import ApiServer
from videojob_contract.version import __version__

# Sets of values as people have them: those that change one thing come from the list of all changes, some at a time.
VALUES: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": EVERYTHING,
    "external Redis": {"redis": EXTERNAL},
    "Sentinels": SENTINELS,
    "several pools": {
        "pools": {"gpu": {"spec": {"encoding": {"hardware": "nvenc"}}}, "studio": {"namespace": "studio"}}
    },
    "no pool, no media": {"pools": {"default": None}, "media": {"enabled": False}},
    "claim that exists": {"media": {"existingClaim": "films"}},
    "without network policies": {"networkPolicy": {"enabled": False}},
    "OpenShift": {
        part: {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}} for part in ("operator",)
    },
    "other names": {"fullnameOverride": "renders", "nameOverride": "films", "commonLabels": {"team": "video"}},
}


def together(paths: Iterable[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path in paths:
        for change in (BESIDE.get(path, {}), TOGETHER.get(path, {}), nested(path, CHANGES[path])):
            values = merged(values, change)
    return values


# Each tenth of the values in turn, so that all are in one set or another. These two take away what others need.
_APART = {
    "monitoring.dashboards.namespace",
    "redis.embedded.enabled",
    "redis.external.url",
    "operator.securityContext",
    "gateway.securityContext",
    "pools.default.namespace",
    "watchNamespaces",
}
_PATHS = [path for path in CHANGES if path not in _APART]
VALUES |= {f"changed values {number}": together(_PATHS[number::12]) for number in range(12)}


@pytest.fixture(scope="module")
def restricted(apiserver: ApiServer) -> ApiServer:
    """An API server with the namespaces of the release and of another pool, which enforce the restricted standard."""
    for name in ("videojob", "studio"):
        apiserver.kubectl("create", "namespace", name, check=False)
        apiserver.kubectl("label", "--overwrite", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    return apiserver


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_manifest_is_accepted_by_a_strict_cluster(restricted: ApiServer, values: dict[str, Any]) -> None:
    chart = render(values)
    # Other projects' kinds are unknown here; a Pod needs its ServiceAccount, which a dry run does not make.
    others = {"ServiceMonitor", "PrometheusRule", "HTTPRoute", "Pod"}
    manifests = [each for each in (*chart.all, *chart.hooks) if each["kind"] not in others]
    text = yaml.safe_dump_all(manifests)
    done = restricted.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
    assert "warning" not in done.stderr.lower()
    for pod in (each for each in chart.hooks if each["kind"] == "Pod"):
        template = {"metadata": {"labels": {"a": "b"}}, "spec": pod["spec"]}
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "a", "namespace": "videojob"}}
        text = yaml.safe_dump(body | {"spec": spec})
        done = restricted.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text, check=False)
        assert "warning" not in done.stderr.lower(), "it says what the standard forbids"


def test_the_manifest_for_people_without_helm_is_accepted(apiserver: ApiServer) -> None:
    apiserver.kubectl("create", "namespace", "videojob", check=False)
    manifest = ROOT / "manifests" / "base" / "install.yaml"
    apiserver.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(manifest))
    assert "kind: Secret" not in manifest.read_text()


@pytest.mark.parametrize("overlay", ["base", "overlays/registry", "overlays/two-replicas"])
def test_each_overlay_is_accepted_and_names_both_images(apiserver: ApiServer, overlay: str) -> None:
    apiserver.kubectl("create", "namespace", "videojob", check=False)
    folder = str(ROOT / "manifests" / overlay)
    apiserver.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-k", folder
    )
    manifests = list(yaml.safe_load_all(apiserver.kubectl("kustomize", folder).stdout))
    found = {each["name"]: each for each in find_env_and_images(manifests)}
    registry = "" if overlay == "base" else "registry.example.org/video/"
    assert found["operator"]["image"] == f"{registry}videojob-operator:{__version__}"
    assert found["VIDEOJOB_WORKER_IMAGE"]["value"] == f"{registry}videojob-worker:{__version__}"
    [replicas] = [
        each["spec"]["replicas"]
        for each in manifests
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", "videojob-operator")
    ]
    budgets = [each for each in manifests if each["kind"] == "PodDisruptionBudget"]
    assert (replicas, len(budgets)) == ((2, 1) if overlay == "overlays/two-replicas" else (1, 0))


def test_the_second_replicas_budget_is_that_of_the_chart() -> None:
    own = yaml.safe_load((ROOT / "manifests" / "overlays" / "two-replicas" / "disruptionbudget.yaml").read_text())
    chart = render({"operator": {"replicas": 2}}).one("PodDisruptionBudget", "videojob-operator")
    assert own["spec"] == chart["spec"]


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
    text = (ROOT / "manifests" / "base" / "install.yaml").read_text()
    [command] = [line[1:].strip() for line in text.splitlines() if line.startswith("#   sed ")]
    sed, _, apply = command.partition(" | ")
    assert apply == "kubectl apply --server-side -f -"
    done = subprocess.run(
        ["sh", "-c", sed], cwd=ROOT / "manifests" / "base", capture_output=True, text=True, check=True
    )
    images = {each["name"]: each for each in find_env_and_images(yaml.safe_load_all(done.stdout))}
    assert images["operator"]["image"] == "registry.example.org/video/videojob-operator:0.1.0"
    assert images["VIDEOJOB_WORKER_IMAGE"]["value"] == "registry.example.org/video/videojob-worker:0.1.0"
    assert images["redis"]["image"] == "docker.io/library/redis:7"


def find_env_and_images(value: object) -> Iterator[dict[str, str]]:
    """Everything with a name and an image or a value."""
    if isinstance(value, dict):
        if isinstance(value.get("name"), str) and value.keys() & {"image", "value"}:
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
        (("--set", "media.enabled=false", "--set", "pools.default.spec.storage.outputPrefix=s3://films/out"),
         "is then s3://films/out/default/blue/main.mp4.", "claim"),
        (("--set", "media.enabled=false", "--set", "pools.default.spec.storage.outputPrefix=volume://a/"),
         "is then volume://a/default/blue/main.mp4.", "claim"),
        (("--set", "media.enabled=false", "--set", "pools.default.spec.storage.outputPrefix=volume://a/x"),
         "is then volume://a/x/default/blue/main.mp4.", "claim"),
        (("--set", "pools.default=null"), "There is no RenderPool `default` here", "Render a second"),
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
        [apiserver.programs / "helm", "upgrade", "--install", release, CHART, "--skip-crds", "--no-hooks", *arguments],
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
