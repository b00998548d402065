"""A part that fails is started again, and no other notices."""

import asyncio

from tests.unit.virtual_time import virtual_time
from videojob_operator import metrics
from videojob_operator.parts import LONGEST_WAIT_S, keep_up


class Failing:
    """Work that fails each time, after so many seconds."""

    def __init__(self, *lasts_s: float) -> None:
        self.lasts_s = list(lasts_s)
        self.starts: list[float] = []

    async def __call__(self) -> None:
        self.starts.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.lasts_s.pop(0) if self.lasts_s else 1e9)
        raise ZeroDivisionError


def failures(part: str) -> float:
    return metrics.REGISTRY.get_sample_value("videojob_part_failures_total", {"part": part}) or 0.0


async def starts_of(work: Failing, for_s: float) -> list[float]:
    running = asyncio.create_task(keep_up("test", work))
    await asyncio.sleep(for_s)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    return work.starts


@virtual_time
async def test_each_failure_is_counted_and_doubles_the_wait():
    before = failures("test")
    assert await starts_of(Failing(0, 0, 0), 60) == [0, 1, 3, 7]
    assert failures("test") == before + 3


@virtual_time
async def test_the_wait_has_an_end_and_is_short_again_after_a_good_while():
    starts = await starts_of(Failing(*[0] * 10, 2 * LONGEST_WAIT_S), 1000)
    assert starts[10] - starts[9] == LONGEST_WAIT_S
    assert starts[11] - starts[10] == 2 * LONGEST_WAIT_S + 1
