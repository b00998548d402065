"""VideoJobs out of a backup are not rendered again, by the commands of docs/install.md."""

import asyncio
import subprocess
from pathlib import Path

from tests.integration.apiserver import ApiServer
from tests.integration.operator.conftest import World, eventually

ROOT = Path(__file__).parents[3]


def commands(heading: str, page: str = "install.md") -> str:
    """The first block of commands beneath a heading of the page."""
    section = (ROOT / "docs" / page).read_text().partition(f"# {heading}\n")[2]
    return section.partition("```console\n")[2].partition("```")[0]


async def test_what_was_done_stays_done_and_what_was_not_is_rendered_when_asked(
    world: World, apiserver: ApiServer, tmp_path: Path
) -> None:
    def run(text: str) -> None:
        kubectl = f"{apiserver.programs}/kubectl --kubeconfig {apiserver.kubeconfig} --cache-dir {apiserver.cache}"
        script = text.replace("kubectl ", f"{kubectl} ").replace("-n team", f"-n {world.namespace}")
        subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, check=True, timeout=60)

    backup, restore = commands("Backups").split("\n\n")
    world.operator.start()
    await world.create_pool()
    await world.create("done")
    await world.create("waiting", suspend=True)
    before = await world.reaches("done", "Succeeded")
    await world.reaches("waiting", "Pending", also=lambda status: "suspend" in status.get("message", ""))
    await asyncio.to_thread(run, backup)
    await asyncio.to_thread(run, "kubectl delete -n team vj --all")
    rendered = len(await world.jobs())

    await asyncio.to_thread(run, restore)
    after = await world.reaches("done", "Succeeded")
    assert (after["outputs"], after["finishedAt"]) == (before["outputs"], before["finishedAt"])

    def is_restored(status: dict[str, object]) -> bool:
        return "restored from a backup" in str(status.get("message"))

    await asyncio.to_thread(run, 'kubectl patch -n team vj waiting --type merge -p \'{"spec": {"suspend": false}}\'')
    await world.reaches("waiting", "Pending", also=is_restored)
    await asyncio.to_thread(run, "kubectl annotate -n team vj --all videojob.dev/restored-")
    await world.reaches("waiting", "Succeeded")

    async def nothing_more_started() -> bool:
        return ((await world.videojob("done")) or {})["status"] == after

    assert await eventually(nothing_more_started, "the job that was done is as it was")
    assert len(await world.jobs()) <= rendered + 3  # the pool's idle worker, and that of the one job
