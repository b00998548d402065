"""When /healthz fails, and what it says."""

import asyncio

from tests.unit.virtual_time import virtual_time
from videojob_operator.health import Health


class Queue:
    """A work queue that has stood still for as long as a test says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.oldest_age_s = 1000.0
        self.stalled_s = 0.0


def health_of(*queues: Queue) -> Health:
    return Health(queues, watch_limit_s=100, queue_limit_s=10, on_measure=lambda: None)


@virtual_time
async def test_all_is_well():
    health = health_of(Queue("videojobs"))
    health.watch_alive("videojobs")
    await asyncio.sleep(99)
    assert health.problems() == []


@virtual_time
async def test_a_watch_that_stands_still_is_told_until_it_delivers_again():
    health = health_of()
    health.watch_alive("videojobs")
    health.watch_alive("pods")
    await asyncio.sleep(60)
    health.watch_alive("pods")
    await asyncio.sleep(60)
    assert health.problems() == ["the watch of videojobs stands still since 120 s"]
    health.watch_alive("videojobs")
    assert health.problems() == []


@virtual_time
async def test_a_queue_that_stands_still_is_told():
    stuck = Queue("renderpools")
    health = health_of(Queue("videojobs"), stuck)
    stuck.stalled_s = 11
    assert health.problems() == ["the work queue renderpools stands still since 11 s"]
