"""From the version before to this one: definitions and operator, while workers of the version before render and wait.

All of it is real but the kubelet: both operators, both workers, their definitions, Redis and the API server.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.apiserver import ROOT, ApiServer, running
from tests.integration.operator.conftest import World, eventually
from tests.integration.operator.node import Program
from videojob_contract.api_paths import VIDEOJOBS

PREVIOUS = "a5a45e68edff6bbd2bf44ac01c3dad58c3a7be21"
"""The commit that upgrades come from; each release moves it on."""
PREVIOUS_CRDS = Path("manifests") / "crds.yaml"
PACKAGES = ("contract", "common", "operator", "worker")
LONG = {
    "canvas": {"width": 640, "height": 360, "fps": "25"},
    "clips": [
        {"color": "#203040", "duration": "30s"},
        {"color": "#c05040", "duration": "30s", "transition": {"type": "crossfade", "duration": "30s"}},
    ],
}
"""Some seconds of work for a worker: most frames are like no other."""


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the version before."""
    if subprocess.run(["git", "-C", ROOT, "cat-file", "-e", PREVIOUS], check=False, capture_output=True).returncode:
        pytest.skip(f"this checkout has no history: fetch {PREVIOUS[:12]} for it")
    folder = tmp_path_factory.mktemp("previous")
    archive = ["git", "-C", str(ROOT), "archive", PREVIOUS, *PACKAGES, str(PREVIOUS_CRDS)]
    files = subprocess.run(archive, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--extract", "--directory", folder], input=files, check=True)
    return folder


@pytest.fixture(scope="module")
def apiserver(previous: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One of its own: definitions are the whole server's."""
    with running(tmp_path_factory.mktemp("apiserver"), crds=previous / PREVIOUS_CRDS) as server:
        yield server


class Version:
    """The programs of one version."""

    def __init__(self, folder: Path) -> None:
        self.env = {
            "PYTHONPATH": os.pathsep.join(str(folder / package) for package in PACKAGES),
            "VIDEOJOB_WORKER_IMAGE": f"videojob-worker:{folder.name}",
        }
        self.worker = Program(self._command("worker"), self.env)

    def _command(self, package: str) -> tuple[str, ...]:
        return (sys.executable, "-c", f"from videojob_{package}.main import main; main()")

    def start(self, world: World) -> None:
        """Start its operator; workers that are made from now on are its, too."""
        world.operator.program = [*self._command("operator")]
        world.operator.env = dict(world.operator.env) | self.env
        world.node.program = self.worker
        world.operator.start()


async def test_an_upgrade_ends_no_render_and_loses_nothing(world: World, apiserver: ApiServer, previous: Path) -> None:
    before, now = Version(previous), Version(ROOT)
    before.start(world)
    await world.create_pool(minIdle=1, maxWorkers=2)
    await world.create("done")
    ended = await world.reaches("done", "Succeeded")
    await world.create("rendering", **LONG)
    rendering = await world.reaches("rendering", "Running")
    await eventually(lambda: world.operator.metric("videojob_workers", state="idle") == 1, "a worker of it waits")
    await world.create("held", suspend=True)
    await world.reaches("held", "Pending")

    apiserver.define()  # first, as docs/install.md says
    assert world.operator.stop() == 0
    await world.create("meanwhile")
    now.start(world)

    status = await world.reaches("rendering", "Succeeded", timeout_s=200)
    assert (status["attempts"], status["interruptions"], status["worker"]) == (1, 0, rendering["worker"])
    # The worker that waits may have it, finds that it is of a later version, and gives it back.
    assert (await world.reaches("meanwhile", "Succeeded", timeout_s=200))["failures"] == 0
    await world.kubernetes.patch(VIDEOJOBS, world.namespace, "held", {"spec": {"suspend": False}})
    assert (await world.reaches("held", "Succeeded", timeout_s=200))["failures"] == 0
    there = (await world.videojob("done") or {})["status"]
    assert {key: there.get(key) for key in ended} == ended
