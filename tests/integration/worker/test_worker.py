from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from redis.asyncio import Redis

from tests.assignments import assignment
from videojob_contract.errors import Reason
from videojob_contract.queue.payload import pack
from videojob_contract.queue.types import EntryState, QueueEntry, WorkerState
from videojob_contract.resources.status import Stage
from videojob_worker.supervisor import FAILED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.integration.worker.conftest import Worker, Workers
    from videojob_contract.queue.operator import OperatorQueue

UID = "uid-1"
LONG_S = 3600
T = TypeVar("T")


async def until(what: Callable[[], Awaitable[T | None]], timeout_s: float = 30) -> T:
    """Ask again and again for something that will come."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := await what():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"it did not come within {timeout_s} s")


async def idle(operator: OperatorQueue) -> bool:
    return any(worker.state is WorkerState.IDLE for worker in (await operator.snapshot()).workers)


async def finished(operator: OperatorQueue) -> QueueEntry | None:
    entry = await operator.entry(UID)
    return entry if entry and entry.state is EntryState.FINISHED else None


async def rendering(operator: OperatorQueue) -> QueueEntry | None:
    """Return the entry once frames are made."""
    entry = await operator.entry(UID)
    if entry and entry.progress and entry.progress.stage is Stage.RENDERING and entry.progress.percent > 2:
        return entry
    return None


def has_ended(pid: int) -> bool:
    """Tell whether a process has ended; its parent may have yet to take note of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def gone(pid: int) -> bool:
    return await asyncio.to_thread(has_ended, pid)


async def start_rendering(
    operator: OperatorQueue, workers: Workers, seconds: int = LONG_S, **environment: str
) -> Worker:
    worker = workers.start(**environment)
    await operator.enqueue("default", assignment(UID, seconds=seconds))
    await until(lambda: rendering(operator))
    return worker


async def test_renders_publishes_and_tells(operator: OperatorQueue, workers: Workers) -> None:
    worker = workers.start()
    await operator.enqueue("default", assignment(UID, seconds=3))
    entry = await until(lambda: finished(operator))
    assert entry.result is not None
    assert entry.result.result == "succeeded"
    assert worker.wait() == 0
    assert worker.result() == entry.result
    main, poster = entry.result.outputs
    assert (main.width, main.height, main.frames, main.duration) == (320, 180, 75, 3.0)
    assert poster.frames is None
    for output in (main, poster):
        content = (worker.media / output.uri.removeprefix("volume://media/")).read_bytes()
        assert len(content) == output.bytes
        assert hashlib.sha256(content).hexdigest() == output.sha256
    assert worker.published() == ["out/main.mp4", "out/poster.jpg"]
    assert list(worker.scratch.iterdir()) == []
    assert entry.progress is not None
    assert entry.progress.percent == 100


async def test_progress_never_goes_back_and_comes_at_least_twice_a_second(
    operator: OperatorQueue, workers: Workers, redis_url: str
) -> None:
    redis = Redis.from_url(redis_url, decode_responses=True)
    seen: list[tuple[float, float]] = []

    async def watch() -> None:
        last = None
        while True:
            entry = await operator.entry(UID)
            if entry and entry.progress and entry.progress != last:
                last = entry.progress
                seen.append((time.monotonic(), entry.progress.percent))
            await asyncio.sleep(0.01)

    worker = workers.start()
    watching = asyncio.create_task(watch())
    await operator.enqueue("default", assignment(UID, seconds=300))
    await until(lambda: finished(operator), 60)
    watching.cancel()
    await redis.aclose()
    assert worker.wait() == 0
    assert [percent for _, percent in seen] == sorted(percent for _, percent in seen)
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(seen)]
    assert len(seen) > 5
    # Half a second is what is promised; this machine runs other tests meanwhile.
    assert sorted(gaps)[len(gaps) // 2] < 0.5


async def test_retired_worker_exits(operator: OperatorQueue, workers: Workers) -> None:
    worker = workers.start()
    await until(lambda: idle(operator))
    assert await operator.retire("worker-1")
    assert await asyncio.to_thread(worker.wait, 5) == 0
    assert not (worker.folder / "termination-log").exists()


async def test_idle_worker_exits_at_sigterm(operator: OperatorQueue, workers: Workers) -> None:
    worker = workers.start()
    await until(lambda: idle(operator))
    worker.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 5) == 0


async def test_cancel_stops_within_half_a_second(operator: OperatorQueue, workers: Workers) -> None:
    worker = await start_rendering(operator, workers)
    renderer = worker.renderer()
    asked = time.monotonic()
    await operator.cancel(UID)
    await until(lambda: gone(renderer))
    assert time.monotonic() - asked < 0.5
    assert await asyncio.to_thread(worker.wait, 5) == 0
    assert worker.result().result == "cancelled"
    assert worker.published() == []
    assert list(worker.scratch.iterdir()) == []
    entry = await operator.entry(UID)
    assert entry is not None
    assert entry.result is not None
    assert entry.result.reason is Reason.CANCELLED


async def test_lost_lease_publishes_nothing(operator: OperatorQueue, workers: Workers) -> None:
    worker = await start_rendering(operator, workers)
    await operator.release(UID, 1)
    assert await asyncio.to_thread(worker.wait, 10) == FAILED
    assert worker.result().reason is Reason.LEASE_LOST
    assert worker.published() == []
    assert await operator.entry(UID) is None


async def test_flushall_while_rendering_is_restored(operator: OperatorQueue, workers: Workers, redis_url: str) -> None:
    worker = await start_rendering(operator, workers, seconds=300)
    redis = Redis.from_url(redis_url)
    await redis.flushall()
    await redis.script_flush()
    await redis.aclose()
    assert await operator.ensure_epoch()
    restored = await until(lambda: operator.entry(UID))
    assert restored.worker == "worker-1"
    entry = await until(lambda: finished(operator), 90)
    assert entry.result is not None
    assert entry.result.result == "succeeded", worker.log()
    assert worker.wait() == 0


async def test_redis_gone_for_good_still_publishes(operator: OperatorQueue, workers: Workers, redis_url: str) -> None:
    worker = await start_rendering(operator, workers, seconds=200)
    redis = Redis.from_url(redis_url)
    await redis.shutdown(nosave=True)
    await redis.aclose()
    assert await asyncio.to_thread(worker.wait, 100) == 0
    assert worker.result().result == "succeeded"
    assert worker.published() == ["out/main.mp4", "out/poster.jpg"]


async def test_sigterm_while_rendering_is_an_eviction(operator: OperatorQueue, workers: Workers) -> None:
    worker = await start_rendering(operator, workers)
    worker.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 5) == FAILED
    entry = await operator.entry(UID)
    assert entry is not None
    assert entry.result is not None
    assert entry.result.reason is Reason.EVICTED
    assert worker.published() == []


async def test_deadline(operator: OperatorQueue, workers: Workers) -> None:
    worker = workers.start()
    await operator.enqueue("default", assignment(UID, seconds=LONG_S, deadline="3s"))
    entry = await until(lambda: finished(operator))
    assert entry.result is not None
    assert entry.result.reason is Reason.DEADLINE_EXCEEDED
    assert entry.result.render_s == pytest.approx(3, abs=1)
    assert worker.published() == []


@pytest.mark.parametrize(
    ("number", "reason", "says"),
    [
        (signal.SIGSEGV, Reason.RENDER_FAILED, "SIGSEGV"),
        (signal.SIGABRT, Reason.RENDER_FAILED, "SIGABRT"),
        (signal.SIGXCPU, Reason.DEADLINE_EXCEEDED, "processor time"),
        (signal.SIGTERM, Reason.WORKER_LOST, "SIGTERM"),
    ],
)
async def test_renderer_that_dies_is_a_reported_failure(
    operator: OperatorQueue, workers: Workers, number: signal.Signals, reason: Reason, says: str
) -> None:
    worker = await start_rendering(operator, workers)
    os.kill(worker.renderer(), number)
    entry = await until(lambda: finished(operator))
    assert entry.result is not None
    assert entry.result.reason is reason
    assert says in entry.result.message
    assert worker.wait() == FAILED
    assert worker.published() == []


async def test_renderer_killed_for_good_is_not_the_jobs_fault(operator: OperatorQueue, workers: Workers) -> None:
    """Without the kernel's word that memory ran out, SIGKILL came from somebody."""
    worker = await start_rendering(operator, workers)
    os.kill(worker.renderer(), signal.SIGKILL)
    entry = await until(lambda: finished(operator))
    assert entry.result is not None
    assert entry.result.reason in {Reason.WORKER_LOST, Reason.OUT_OF_MEMORY}


async def test_worker_killed_takes_its_renderer_with_it(operator: OperatorQueue, workers: Workers) -> None:
    worker = await start_rendering(operator, workers)
    renderer = worker.renderer()
    worker.process.send_signal(signal.SIGKILL)
    await until(lambda: gone(renderer), 2)
    entry = await operator.entry(UID)
    assert entry is not None
    assert entry.state is EntryState.CLAIMED


async def test_memory_limit_is_reported_by_the_worker_itself(operator: OperatorQueue, workers: Workers) -> None:
    worker = workers.start(VIDEOJOB_MEMORY_LIMIT_BYTES="1")  # leaves the renderer its least
    big = assignment(UID, seconds=3)
    canvas = big.spec.canvas
    assert canvas is not None
    canvas = canvas.model_copy(update={"width": 8192, "height": 8192})
    await operator.enqueue("default", big.model_copy(update={"spec": big.spec.model_copy(update={"canvas": canvas})}))
    entry = await until(lambda: finished(operator))
    assert entry.result is not None
    assert entry.result.reason is Reason.OUT_OF_MEMORY, entry.result
    assert worker.wait() == FAILED


async def test_renderer_sees_no_secret_and_is_confined(operator: OperatorQueue, workers: Workers) -> None:
    worker = await start_rendering(operator, workers, VIDEOJOB_REDIS_USER="default", ANY_SETTING="x")
    names = environment_names(worker.renderer())
    assert "ANY_SETTING" not in names
    assert not {name for name in names if name.startswith("VIDEOJOB_")}
    status, limits = status_and_limits(worker.renderer())
    assert "NoNewPrivs:\t1" in status
    assert limits.split("Max core file size")[1].split()[:2] == ["0", "0"]


def environment_names(pid: int) -> set[str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return {entry.partition("=")[0] for entry in entries if entry}


def status_and_limits(pid: int) -> tuple[str, str]:
    return Path(f"/proc/{pid}/status").read_text(), Path(f"/proc/{pid}/limits").read_text()


async def test_assignment_from_a_file_needs_no_redis(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "assignment"
    file.write_text(pack(assignment(UID, seconds=2)))
    worker = workers.start(VIDEOJOB_ASSIGNMENT=str(file), VIDEOJOB_REDIS_URL="")
    assert await asyncio.to_thread(worker.wait, 30) == 0
    assert worker.result().result == "succeeded"
    assert worker.published() == ["out/main.mp4", "out/poster.jpg"]


async def test_what_came_with_the_pod_takes_the_place_of_what_redis_has_of_before(
    operator: OperatorQueue, workers: Workers, tmp_path: Path
) -> None:
    await operator.enqueue("default", assignment(UID, seconds=2))
    file = tmp_path / "assignment"
    file.write_text(pack(assignment(UID, seconds=2, attempt=2)))
    worker = workers.start(VIDEOJOB_ASSIGNMENT=str(file))
    entry = await until(lambda: finished(operator))
    assert (entry.attempt, entry.worker, entry.job) == (2, "worker-1", "job-of-worker-1")
    assert await asyncio.to_thread(worker.wait, 30) == 0
    assert entry.result == worker.result()
    assert (await operator.snapshot()).total_queued == 0


async def test_what_came_with_the_pod_is_not_rendered_when_another_has_it(
    operator: OperatorQueue, workers: Workers, tmp_path: Path
) -> None:
    await operator.enqueue("default", assignment(UID, seconds=2000))
    holder = workers.start("worker-1")
    await until(lambda: rendering(operator))
    file = tmp_path / "assignment"
    file.write_text(pack(assignment(UID, seconds=2000)))
    second = workers.start("worker-2", VIDEOJOB_ASSIGNMENT=str(file))
    assert await asyncio.to_thread(second.wait, 90) == 2
    assert second.result().reason is Reason.LEASE_LOST
    assert holder.process.poll() is None
    assert second.published() == []


async def test_missing_source_names_file_and_field(operator: OperatorQueue, workers: Workers) -> None:
    workers.start()
    image = {"uri": "volume://media/photos/gone.jpg"}
    await operator.enqueue("default", assignment(UID, color=None, image=image))
    entry = await until(lambda: finished(operator))
    assert entry.result is not None
    assert entry.result.reason is Reason.SOURCE_NOT_FOUND
    assert "spec.clips[0].image.uri" in entry.result.message
    assert "volume://media/photos/gone.jpg" in entry.result.message


def test_a_worker_leaves_when_no_operator_of_its_version_is_there(workers: Workers) -> None:
    worker = workers.start()  # Redis has no scripts
    assert worker.wait() == 0
    assert "is an operator of this version running?; leaving" in worker.log()


async def test_a_worker_that_cannot_log_in_leaves_and_says_why(workers: Workers, redis_url: str) -> None:
    """The pool then makes another, with the password that is in the Secret by then, and tells of this one's end."""
    async with Redis.from_url(redis_url) as redis:
        await redis.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">secret", "~*", "+@all")
    worker = workers.start(VIDEOJOB_REDIS_USER="worker", VIDEOJOB_REDIS_PASSWORD="wrong")  # noqa: S106 - so it is meant
    assert await asyncio.to_thread(worker.wait, 60) == 1
    assert (worker.folder / "termination-log").read_text().startswith("Redis refuses the login: ")
    assert "Traceback" not in worker.log()
