"""The work queue's promises, each on its own."""

import asyncio
from collections import Counter

import pytest

from tests.unit.virtual_time import virtual_time
from videojob_operator.errors import OperatorError
from videojob_operator.workqueue import NEWS_AT_A_TIME, WorkQueue


class Recorder:
    """A reconciler that records, can be made to wait or fail, and can ask to be called again."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.times: list[float] = []
        self.at_work: Counter[str] = Counter()
        self.overlaps = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures = 0
        self.again_s: list[float] = []

    async def __call__(self, key: str) -> float | None:
        self.runs.append(key)
        self.times.append(asyncio.get_running_loop().time())
        self.at_work[key] += 1
        self.overlaps += self.at_work[key] > 1
        await self.gate.wait()
        self.at_work[key] -= 1
        if self.failures:
            self.failures -= 1
            raise OperatorError("not now")
        return self.again_s.pop() if self.again_s else None


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def queue_of(recorder: Recorder, *, workers: int = 4, interval_s: float = 0.0) -> WorkQueue[str]:
    return WorkQueue(
        "test", recorder, workers=workers, retry_initial_s=0.01, retry_max_s=0.05, interval_of=lambda _: interval_s
    )


async def run(queue: WorkQueue[str], seconds: float) -> None:
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_a_key_added_often_runs_once(recorder):
    queue = queue_of(recorder)
    for _ in range(100):
        queue.add("a")
    assert queue.waiting == 1
    await run(queue, 0.02)
    assert recorder.runs == ["a"]


@virtual_time
async def test_a_key_added_while_it_runs_runs_once_more_and_never_beside_itself(recorder):
    queue = queue_of(recorder)
    recorder.gate.clear()
    queue.add("a")
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0.01)
    for _ in range(10):
        queue.add("a")
    await asyncio.sleep(0.01)
    assert recorder.runs == ["a"]
    recorder.gate.set()
    await asyncio.sleep(0.01)
    assert recorder.runs == ["a", "a"]
    assert recorder.overlaps == 0
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_keys_run_side_by_side_up_to_the_number_of_workers(recorder):
    queue = queue_of(recorder, workers=3)
    recorder.gate.clear()
    for key in "abcde":
        queue.add(key)
    await run(queue, 0.01)
    assert recorder.runs == ["a", "b", "c"]


@virtual_time
async def test_a_failure_is_tried_again_with_growing_waits_that_are_capped(recorder, caplog):
    queue = queue_of(recorder)
    recorder.failures = 5
    queue.add("a")
    await run(queue, 0.4)
    assert recorder.runs == ["a"] * 6
    waits = [after - before for before, after in zip(recorder.times, recorder.times[1:], strict=False)]
    assert waits == pytest.approx([0.01, 0.02, 0.04, 0.05, 0.05])
    assert "not now" in caplog.text
    assert "Traceback" not in caplog.text  # an expected failure is one line


@virtual_time
async def test_success_resets_the_backoff(recorder):
    queue = queue_of(recorder)
    recorder.failures = 3
    queue.add("a")
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0.15)
    recorder.failures = 1
    queue.add("a")
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    assert recorder.times[-1] - recorder.times[-2] == pytest.approx(0.01)


@virtual_time
async def test_news_are_worth_a_try_before_the_backoff_is_over(recorder):
    queue = WorkQueue("test", recorder, workers=1, retry_initial_s=60, retry_max_s=60)
    recorder.failures = 1
    queue.add("a")
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0.01)
    queue.add("a")
    await asyncio.sleep(0.01)
    assert recorder.runs == ["a", "a"]
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_delayed_key_runs_when_due_and_the_earliest_time_wins(recorder):
    queue = queue_of(recorder)
    queue.add_after("a", 5)
    queue.add_after("a", 0.03)
    queue.add_after("a", 1)
    await run(queue, 0.1)
    assert recorder.runs == ["a"]
    assert recorder.times == pytest.approx([0.03])


@virtual_time
async def test_adding_a_delayed_key_runs_it_once_and_now(recorder):
    queue = queue_of(recorder)
    queue.add_after("a", 0.03)
    queue.add("a")
    await run(queue, 0.08)
    assert recorder.runs == ["a"]


@virtual_time
async def test_reconcile_can_ask_to_see_its_key_again(recorder):
    queue = queue_of(recorder)
    recorder.again_s = [0.02]
    queue.add("a")
    await run(queue, 0.08)
    assert recorder.runs == ["a", "a"]
    assert recorder.times == pytest.approx([0.0, 0.02])


@virtual_time
async def test_an_interval_turns_a_burst_into_one_run_and_the_first_is_at_once(recorder):
    queue = queue_of(recorder, interval_s=0.05)
    task = asyncio.create_task(queue.run())
    for _ in range(10):
        queue.add("a")
        await asyncio.sleep(0.004)
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    assert recorder.times == pytest.approx([0.0, 0.05])


@virtual_time
async def test_age_is_that_of_the_oldest_key_waiting_or_running(recorder):
    queue = queue_of(recorder, workers=1)
    assert queue.oldest_age_s == 0
    recorder.gate.clear()
    queue.add("stuck")
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0.03)
    queue.add("behind")
    assert queue.oldest_age_s == pytest.approx(0.03)
    recorder.gate.set()
    await asyncio.sleep(0.02)
    assert queue.oldest_age_s == 0
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_a_long_queue_that_moves_does_not_stand_still():
    async def slow(_: str) -> None:
        await asyncio.sleep(0.01)

    queue = WorkQueue("test", slow, workers=1, retry_initial_s=1, retry_max_s=1)
    for number in range(100):
        queue.add(f"key {number}")
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0.905)
    assert queue.oldest_age_s > 0.9
    assert queue.stalled_s <= 0.01
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_a_reconcile_that_hangs_stands_still_though_others_move():
    hangs = asyncio.Event()

    async def reconcile(key: str) -> float:
        if key == "stuck":
            await hangs.wait()
        return 0.01

    queue = WorkQueue("test", reconcile, workers=2, retry_initial_s=1, retry_max_s=1)
    assert queue.stalled_s == 0
    queue.add("stuck")
    queue.add("moves")
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(1)
    assert queue.stalled_s == pytest.approx(1)
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_keys_stand_still_when_nobody_takes_them(recorder):
    queue = queue_of(recorder)
    await asyncio.sleep(5)
    queue.add("a")
    assert queue.stalled_s == 0
    await asyncio.sleep(1)
    queue.add("b")
    assert queue.stalled_s == pytest.approx(1)


@virtual_time
async def test_the_timer_keeps_no_more_than_the_keys_that_it_has(recorder):
    queue = queue_of(recorder)
    task = asyncio.create_task(queue.run())
    for number in range(5000):
        queue.add_after("a", 1000 - number * 0.01)
    queue.add_after("b", 0.5)
    assert len(queue._heap) < 1100
    await asyncio.sleep(1)
    assert recorder.runs == ["b"]
    await asyncio.sleep(999)
    assert recorder.runs == ["b", "a"]
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_news_go_before_what_is_looked_at_for_none_which_has_its_turn_all_the_same(recorder):
    queue = queue_of(recorder, workers=1)
    for number in range(4):
        queue.add(f"old-{number}", routine=True)
    for number in range(2 * NEWS_AT_A_TIME):
        queue.add(f"new-{number}")
    queue.add("old-3")  # of which there are news now
    queue.add("new-0", routine=True)
    assert queue.waiting == 4 + 2 * NEWS_AT_A_TIME
    await run(queue, 1)
    assert recorder.runs[:NEWS_AT_A_TIME] == [f"new-{number}" for number in range(NEWS_AT_A_TIME)]
    assert recorder.runs[NEWS_AT_A_TIME] == "old-0"
    assert recorder.runs[-3:] == ["old-1", "old-3", "old-2"]
    assert len(recorder.runs) == len(set(recorder.runs)) == 4 + 2 * NEWS_AT_A_TIME
    assert queue.waiting == 0


@virtual_time
async def test_what_waits_for_no_news_has_an_age_and_can_stand_still(recorder):
    queue = queue_of(recorder)
    queue.add("one", routine=True)
    await asyncio.sleep(3)
    assert (queue.oldest_age_s, queue.stalled_s) == (3, 3)
    queue.add("one")
    assert queue.oldest_age_s == 3
