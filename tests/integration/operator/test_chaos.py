"""A little of `make chaos`: one round of few VideoJobs, always the same faults."""

from functools import partial

import pytest

from tests.chaos import faults
from tests.chaos.rounds import play
from tests.chaos.scene import Scene, scene
from tests.integration.apiserver import ApiServer

KINDS = (
    *(faults.kill_operator, faults.freeze_worker, faults.flush_redis, faults.double_events),
    *(faults.lose_answers, faults.lose_worker, faults.expire_watches, faults.delete_leases),
)


@pytest.mark.timeout(400)
async def test_a_round_of_chaos_loses_nothing_doubles_nothing_and_leaves_nothing(apiserver: ApiServer) -> None:
    async with scene(apiserver) as made:
        done = await play(made, "1 0", jobs=15, faults=5, kinds=KINDS)
    assert done.ends.total() > 0


async def _apply_and_kill(point: str, made: Scene, _: object) -> None:
    for replica in made.replicas:
        await faults.kill_at(replica, point)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_operator_killed_around_each_step_of_a_life_loses_nothing(apiserver: ApiServer, when: str) -> None:
    """The others are for `make chaos`, which kills around any call."""
    calls = ["PATCH videojobs/status", "enqueue"]
    kinds = [partial(_apply_and_kill, f"{when}:{call}:1") for call in calls]
    async with scene(apiserver) as made:
        for number, kind in enumerate(kinds):
            await play(made, f"2 {number}", jobs=4, faults=1, kinds=[kind])
        assert sum(replica.kills for replica in made.replicas) > 0


@pytest.mark.timeout(400)
async def test_workers_that_render_are_killed_and_frozen_and_every_output_is_whole(apiserver: ApiServer) -> None:
    """API server and etcd are restarted by `make chaos` alone: here, they are other tests' too."""
    kinds = (faults.kill_supervisor, faults.kill_renderer, faults.fail_sources, faults.fill_volume, faults.drain_node)
    async with scene(apiserver, real=True) as made:
        done = await play(made, "3 0", jobs=5, faults=4, kinds=kinds)
    assert done.ends.total() > 0
