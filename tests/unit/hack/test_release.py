"""What a release changes in the tree that it is made of."""

import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT / "hack" / "cluster"))

from imaging import release  # noqa: E402 (found by the line above)
from node.config import ClusterError  # noqa: E402

CHART = ROOT / "charts" / "videojob-operator"
DIGESTS = {"videojob-operator": "sha256:" + "1" * 64, "videojob-worker": "sha256:" + "2" * 64}


@pytest.mark.parametrize("version", ["1.2.3", "0.10.0", "1.0.0-rc.1", "1.0.0-alpha.12"])
def test_a_version_is_one_of_helm_and_of_pip(version: str) -> None:
    assert release.VERSION.fullmatch(version)


@pytest.mark.parametrize("version", ["", "v1.2.3", "1.2", "1.2.3-rc1", "1.2.3+build", "1.2.3\n", "latest", "../1.2.3"])
def test_what_one_of_them_does_not_take_is_none(version: str) -> None:
    assert not release.VERSION.fullmatch(version)


def test_the_charts_defaults_are_the_registry_and_the_digests_and_nothing_else_changes(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text((CHART / "values.yaml").read_text())
    release.pin(values, "registry.example.org/video", DIGESTS)
    pinned, own = (yaml.safe_load(path.read_text()) for path in (values, CHART / "values.yaml"))
    own["image"]["registry"] = "registry.example.org/video"
    for part in ("operator", "worker"):
        own[part]["image"]["digest"] = DIGESTS[f"videojob-{part}"]
    assert pinned == own
    assert pinned["redis"]["embedded"]["image"]["digest"] == ""


def test_values_without_a_place_for_a_digest_are_refused(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text('\nimage:\n  registry: ""\n')
    with pytest.raises(ClusterError, match="0 places"):
        release.pin(values, "a", DIGESTS)


def test_everything_in_a_release_is_of_its_version(tmp_path: Path) -> None:
    release.export(tmp_path, "7.8.9")
    assert '__version__ = "7.8.9"' in (tmp_path / "contract/videojob_contract/version.py").read_text()
    chart = yaml.safe_load((tmp_path / "charts/videojob-operator/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == ("7.8.9", "7.8.9")
    needs = (tmp_path / "cli/pyproject.toml").read_text()
    assert '  "videojob-contract==7.8.9",\n  "videojob-worker==7.8.9",' in needs
    assert "videojob-contract = { workspace = true }" in needs
    assert not (tmp_path / "source.tar").exists()


@pytest.mark.parametrize(
    ("registry", "plain"),
    [
        ("localhost:5000", True),
        ("127.0.0.1:5000/video", True),
        ("localhost/video", True),
        ("localhost.example.org/video", False),
        ("127.0.0.1.example.org/video", False),
        ("registry.example.org/localhost:5000", False),
    ],
)
def test_only_a_registry_of_this_machine_is_spoken_to_without_tls(registry: str, *, plain: bool) -> None:
    made = release.Release(registry, "1.0.0", Path(), Path(), "", "")
    assert made.on_this_machine is plain
