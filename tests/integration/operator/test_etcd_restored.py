"""etcd is put back to a backup, under VideoJobs that wait, run and are done: by the steps of docs/operations.md."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.apiserver import ApiServer, running
from tests.integration.operator.conftest import World
from tests.integration.operator.node import Worker, succeeded
from tests.integration.operator.test_restored import commands
from videojob_contract.api_paths import RENDERPOOLS
from videojob_contract.assignment import Result

OPEN = {"spec": {"maxWorkers": 1}}


@pytest.fixture
def apiserver(tmp_path: Path) -> Iterator[ApiServer]:
    """An API server of the test's own, whose past comes back."""
    folder = tmp_path / "apiserver"
    folder.mkdir()
    with running(folder) as server:
        yield server


class Gates:
    """Holds each render of these names until it is told to go on."""

    def __init__(self, *names: str) -> None:
        self.opened = {name: asyncio.Event() for name in names}

    async def __call__(self, worker: Worker) -> Result:
        name = worker.claim.assignment.name
        if name in self.opened:
            await self.opened[name].wait()
        return succeeded(worker.claim.assignment)


def copy_of(server: ApiServer, backup: Path) -> None:
    """Back etcd up, as one that stands still for a moment: a snapshot of it has the same in it."""
    server.etcd.stop()
    shutil.copytree(server.etcd_data, backup)
    server.etcd.start()
    server.wait_until_ready()


def restore(server: ApiServer, backup: Path) -> None:
    """Put etcd back to a backup."""
    server.stop()
    shutil.rmtree(server.etcd_data)
    shutil.copytree(backup, server.etcd_data)
    server.start()


def steps(world: World) -> list[list[str]]:
    """The steps of the page that are of kubectl's on VideoJobs, for one namespace: what is done before, and after."""
    lines = commands("etcd is put back to a backup", "operations.md").splitlines()
    of_videojobs = [line.partition(" #")[0].split() for line in lines if " vj " in line]
    words = {"-A": f"--namespace={world.namespace}", "team": world.namespace}
    return [[words.get(word, word) for word in line[1:]] for line in of_videojobs]


@pytest.mark.timeout(400)
async def test_what_was_known_is_not_rendered_twice_and_what_was_not_when_asked(
    patient: World, apiserver: ApiServer, tmp_path: Path
) -> None:
    world = patient
    world.node.render = gates = Gates("long", "ended", "vanished")
    world.operator.start()
    await world.create_pool(minIdle=1, maxWorkers=4)
    await world.create_pool("closed", minIdle=0, maxWorkers=0)
    await world.create("done")
    before = await world.reaches("done", "Succeeded")
    for name in gates.opened:
        await world.create(name)
        await world.reaches(name, "Running")
    await world.create("waiting", pool="closed")
    await world.reaches("waiting", "Queued")
    await asyncio.to_thread(copy_of, apiserver, tmp_path / "backup")

    # Three come to their ends, which are published and known, and one is made that the backup has not.
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "closed", OPEN)
    for name in ("ended", "vanished", "waiting"):
        gates.opened.get(name, asyncio.Event()).set()
        await world.reaches(name, "Succeeded")
    await world.create("since")
    await world.reaches("since", "Succeeded")
    rendered = sorted(world.node.starts)

    # Put back, and told to be so before an operator looks at it.
    world.operator.stop()
    await asyncio.to_thread(restore, apiserver, tmp_path / "backup")
    hold, show, go_on = steps(world)
    await asyncio.to_thread(apiserver.kubectl, *hold)
    assert await world.videojob("since") is None
    await world.node.catch_up(lost={"vanished"})
    world.operator.start()

    # What was done is as it was; what has ended meanwhile is done by the word of its pod; what runs goes on.
    await world.reaches("ended", "Succeeded")
    await world.reaches("vanished", "Pending", also=lambda status: status.get("reason") == "Restored")
    await world.reaches("waiting", "Pending", also=lambda status: status.get("reason") == "Restored")
    assert (await world.reaches("long", "Running"))["attempts"] == 1
    gates.opened["long"].set()
    assert (await world.reaches("long", "Succeeded"))["attempts"] == 1
    assert (await world.reaches("done", "Succeeded")) == before
    assert sorted(world.node.starts) == rendered
    listed = (await asyncio.to_thread(apiserver.kubectl, *show)).stdout
    assert "vanished" in listed
    assert "waiting" in listed
    assert "ended" not in listed

    # The rest is rendered when it is asked for.
    for name in ("vanished", "waiting"):
        await asyncio.to_thread(apiserver.kubectl, *[name if word == "NAME" else word for word in go_on])
    await world.reaches("vanished", "Succeeded")
    await world.reaches("waiting", "Queued")
    await world.kubernetes.patch(RENDERPOOLS, world.namespace, "closed", OPEN)
    await world.reaches("waiting", "Succeeded")
    assert sorted(world.node.starts) == sorted([*rendered, ("vanished", 2), ("waiting", 2)])
