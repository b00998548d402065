"""A release from end to end: into a registry, from there into a cluster that has another, and onto a laptop."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import registry as registries
from tests.e2e.cluster import FINAL, WAIT_S, Cluster, binaries
from tests.e2e.conftest import ROOT, wait_until_gone
from tests.e2e.releases import helm, rolled_out
from tests.e2e.specs import long
from tests.registry import Registry

sys.path.append(str(ROOT / "hack" / "cluster"))

VERSION = "0.2.0-rc.1"
NAMESPACE = "videojob-second"
IMAGES = ("videojob-operator", "videojob-worker")


@dataclass(frozen=True)
class Released:
    """What `make release` made, and where."""

    registry: Registry
    folder: Path
    said: str

    @property
    def chart(self) -> tuple[str, ...]:
        """What helm is told of the chart."""
        return (f"oci://{self.registry.name}/video/charts/videojob-operator", "--version", VERSION, "--plain-http")


def built_on() -> dict[str, str]:
    """What stands in for the public images that images are built on."""
    from imaging import bases  # noqa: PLC0415 (found by the line above)

    found = {}
    for name, base in (("BASE_IMAGE", bases.PYTHON_MEDIA), ("BUILD_IMAGE", bases.PYTHON_BUILD)):
        bases.make(base)  # `make images` has, unless images came from an earlier one
        found[name] = base.reference()
    return found


def release(registry: Registry, folder: Path) -> subprocess.CompletedProcess[str]:
    settings = {"REGISTRY": f"{registry.name}/video", "VERSION": VERSION, "OUT": str(folder)}
    return subprocess.run(
        [ROOT / "hack" / "release"],
        env=os.environ | built_on() | settings,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    folder = tmp_path_factory.mktemp("release")
    with registries.running(folder) as registry:
        done = release(registry, folder / "out")
        assert done.returncode == 0, done.stdout + done.stderr
        yield Released(registry, folder / "out", done.stdout)


def test_the_chart_names_the_images_by_their_digests(released: Released) -> None:
    command = [binaries() / "helm", "template", "a", *released.chart]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(rf"{released.registry.name}/video/(\S+):{VERSION}@(sha256:[0-9a-f]+)", text))
    assert set(found) == set(IMAGES)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for image, digest in found.items():
        labels = released.registry.configuration(f"video/{image}", digest)["config"]["Labels"]
        assert labels["org.opencontainers.image.version"] == VERSION
        assert labels["org.opencontainers.image.revision"] == head.strip()
        assert labels["org.opencontainers.image.base.name"].startswith("localhost/python-media:")
        assert labels["dev.videojob.sbom"].endswith(f"{image}.cdx.json")
        tag = released.registry.manifest(f"video/{image}", VERSION)
        assert tag == released.registry.manifest(f"video/{image}", digest)


def test_an_image_of_the_same_files_has_the_labels_of_its_own_commit() -> None:
    from imaging import buildah  # noqa: PLC0415 (found by the line above)
    from imaging.build import IMAGES as RELEASED  # noqa: PLC0415
    from imaging.build import build  # noqa: PLC0415

    [operator] = (image for image in RELEASED if image.name == "videojob-operator")
    references = {revision: f"localhost/{operator.name}:{revision}" for revision in ("before", "after")}
    try:
        for revision, reference in references.items():
            build(operator, reference, built_on() | {"REVISION": revision})
            template = '{{index .OCIv1.Config.Labels "org.opencontainers.image.revision"}}'
            assert buildah.run("inspect", "--type", "image", "--format", template, reference) == revision
    finally:
        buildah.run("rmi", *references.values())


@pytest.mark.parametrize(("image", "most_mb"), [("videojob-operator", 250), ("videojob-worker", 400)])
def test_an_image_stays_small(image: str, most_mb: int) -> None:
    from imaging.folders import ImageFolder  # noqa: PLC0415 (found by the line above)

    assert ImageFolder(f"docker.io/library/{image}:dev").size_bytes < most_mb * 1e6


def test_what_the_images_are_made_of_is_told(released: Released) -> None:
    bill = json.loads((released.folder / f"videojob-worker-{VERSION}.cdx.json").read_text())
    components = {each["name"]: each for each in bill["components"]}
    assert components["videojob-worker"]["version"] == VERSION
    assert {"videojob-contract", "av", "libass9", "libc6"} <= set(components)
    assert "kopf" not in components
    assert any("libavcodec" in each["name"] for each in components["av"]["components"])


def test_a_version_is_released_once(released: Released) -> None:
    done = release(released.registry, released.folder)
    assert done.returncode == 1
    assert f"charts/videojob-operator {VERSION} is released already" in done.stderr


def test_the_command_line_comes_from_the_wheels_with_what_it_was_locked_with(
    released: Released, tmp_path: Path
) -> None:
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=released.folder, check=True)
    uv = Path(os.environ.get("VIDEOJOB_CACHE") or Path.home() / ".cache" / "videojob")
    [program] = uv.glob("uv-*/bin/uv")
    subprocess.run([program, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True)
    install = [program, "pip", "install", "--quiet", "--python", tmp_path / "venv", "--no-deps", "--require-hashes"]
    locked = released.folder / f"videojob-cli-{VERSION}.txt"
    subprocess.run([*install, "--find-links", released.folder, "--requirement", locked], check=True)
    videojob = tmp_path / "venv" / "bin" / "videojob"
    said = subprocess.run([videojob, "version"], capture_output=True, text=True, check=True).stdout
    assert said == f"videojob {VERSION}\n"
    sample = ROOT / "manifests" / "samples" / "minimal.yaml"
    subprocess.run([videojob, "render", sample, "--out", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "minimal" / "main.mp4").stat().st_size


@pytest.fixture
def second(cluster: Cluster, media_folder: Path, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """A volume for a second release's media, and the values that name it; what is left of the release is removed."""
    cluster.core.create_persistent_volume(
        {
            "metadata": {"name": NAMESPACE},
            "spec": {
                "capacity": {"storage": "20Gi"},
                "accessModes": ["ReadWriteMany"],
                "storageClassName": NAMESPACE,
                "hostPath": {"path": str(media_folder)},
            },
        }
    )
    values = tmp_path / "values.yaml"
    small = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "2Gi"}}
    pool = {"spec": {"worker": {"resources": small}}}
    media = {"storageClassName": NAMESPACE, "accessModes": ["ReadWriteMany"]}
    values.write_text(yaml.safe_dump({"media": media, "pools": {"default": pool}}))
    yield ("--values", str(values))
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
    wait_until_gone(lambda: cluster.core.read_namespace(NAMESPACE))
    cluster.core.delete_persistent_volume(NAMESPACE)
    wait_until_gone(lambda: cluster.core.read_persistent_volume(NAMESPACE))


def test_a_second_release_comes_from_the_registry_by_two_commands_and_goes_under_a_render(
    cluster: Cluster, released: Released, second: tuple[str, ...]
) -> None:
    install, test = [line.split()[1:] for line in released.said.splitlines() if line.startswith("  helm ")]
    assert (install[:2], install[3:5]) == (["install", "videojob"], list(released.chart[1:3]))
    assert test[:2] == ["test", "videojob"]
    helm(cluster, "install", "second", *released.chart, "--create-namespace", *second, namespace=NAMESPACE)
    rolled_out(cluster, "second-operator", namespace=NAMESPACE)
    assert "Phase:          Succeeded" in helm(cluster, "test", "second", "--logs", namespace=NAMESPACE)

    cluster.create("beside", long(10))
    cluster.rendering("beside")
    body = {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoJob",
        "metadata": {"name": "inside", "namespace": NAMESPACE},
        "spec": long(6),
    }
    cluster.custom.create_namespaced_custom_object("videojob.dev", "v1alpha1", NAMESPACE, "videojobs", body)
    cluster.kubectl(
        "wait", "-n", NAMESPACE, "videojob/inside", "--for=jsonpath={.status.stage}=Rendering", "--timeout=25s"
    )

    helm(cluster, "uninstall", "second", "--wait", namespace=NAMESPACE)
    left = cluster.kubectl("get", "clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/instance=second")
    assert left == ""
    assert cluster.kubectl("get", "crd", "videojobs.videojob.dev", "-o", "name")
    for status in (cluster.finish("beside"), finished(cluster, "inside")):
        assert (status["phase"], status["attempts"], status.get("interruptions", 0)) == ("Succeeded", 1, 0)


def finished(cluster: Cluster, name: str) -> dict[str, Any]:
    """Wait until a VideoJob of the second release's namespace has finished; return its status."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        read = cluster.custom.get_namespaced_custom_object
        status: dict[str, Any] = read("videojob.dev", "v1alpha1", NAMESPACE, "videojobs", name)["status"]
        if status["phase"] in FINAL:
            return status
        time.sleep(0.5)
    raise AssertionError(f"{name} has not finished: {status}")
