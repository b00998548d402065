"""Measures the queue on a real Redis of its own: how fast claims are, and whether a long backlog slows anything.

`python bench/redis_queue.py`: prints a table. Everything runs in one Python process beside redis-server, so the
figures are of both.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path

from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.redis_server import redis_server
from videojob_contract.assignment import Assignment, Result
from videojob_contract.queue.connection import connect
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import Claim, Demand, PoolKey
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.videojob import VideoJobSpec

IDLE_WORKERS = 1000
BACKLOG = 10_000
SAMPLES = 300
QUEUES = {"high": 10, "default": 5, "low": 1}
CLIPS = [{"image": {"uri": f"volume://media/photos/{number}.jpg"}, "duration": "3s"} for number in range(10)]
SPEC = VideoJobSpec.model_validate({"clips": CLIPS})


def assignment(uid: str) -> Assignment:
    """Return an assignment of the size of a slideshow of ten photographs."""
    return Assignment(
        uid=uid,
        namespace="team",
        name="holiday",
        attempt=1,
        spec=SPEC,
        deadline=Fraction(1800),
        soft_deadline=Fraction(1500),
    )


async def finish(worker: WorkerQueue, claim: Claim) -> None:
    """Hand in a result."""
    await worker.finish(claim, Result(uid=claim.assignment.uid, attempt=1, result="succeeded"))


async def timed(redis: Redis, what: str, action: Callable[[int], Awaitable[object]], times: int = SAMPLES) -> None:
    """Measure so many calls, and what of them Redis itself took; print one line of the table."""
    took_ms = []
    await redis.config_resetstat()
    for number in range(times):
        started = time.perf_counter()
        await action(number)
        took_ms.append((time.perf_counter() - started) * 1000)
    script = (await redis.info("commandstats"))["cmdstat_evalsha"]
    show(what, took_ms, script["usec_per_call"] / 1000)


async def wake_ups(operator: OperatorQueue, redis: Redis, idle: int) -> list[float]:
    """Enqueue while so many workers wait; return the milliseconds until one of them had the claim."""
    enqueued: dict[str, float] = {}
    took_ms: list[float] = []

    async def work(number: int) -> None:
        for life in range(SAMPLES):
            worker = WorkerQueue(operator.pool, redis, f"pod-{number}-{life}", "job")
            claim = await worker.claim(3600)
            if isinstance(claim, Claim):
                took_ms.append((time.perf_counter() - enqueued[claim.assignment.uid]) * 1000)
                await finish(worker, claim)

    workers = [asyncio.create_task(work(number)) for number in range(idle)]
    await asyncio.sleep(2 + idle / 200)
    for number in range(SAMPLES):
        uid = f"wake-{idle}-{number}"
        enqueued[uid] = time.perf_counter()
        await operator.enqueue("default", assignment(uid))
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await operator.delete_pool()
    return took_ms


async def claims_per_s(operator: OperatorQueue, redis: Redis, claimers: int, count: int) -> float:
    """Return how many claims and results a second so many workers manage together."""

    async def work(number: int) -> None:
        for life in range(count // claimers):
            worker = WorkerQueue(operator.pool, redis, f"claimer-{number}-{life}", "job")
            claim = await worker.claim(0)
            if isinstance(claim, Claim):
                await finish(worker, claim)

    started = time.perf_counter()
    await asyncio.gather(*(work(number) for number in range(claimers)))
    return count / (time.perf_counter() - started)


def show(what: str, took_ms: list[float], script_ms: float | None = None) -> None:
    """Print one line of the table."""
    p99 = statistics.quantiles(took_ms, n=100)[98]
    inside = "" if script_ms is None else f"   in Redis, one script {script_ms:6.3f} ms"
    print(f"{what:<50} p50 {statistics.median(took_ms):7.2f} ms   p99 {p99:7.2f} ms{inside}")


async def measure(url: str) -> None:
    """Measure everything and print it."""
    redis = connect(url)
    operator = OperatorQueue(PoolKey("bench", "default"), redis)
    await operator.load_scripts()
    await operator.configure(QUEUES)

    for number in range(SAMPLES):
        await operator.enqueue("default", assignment(f"direct-{number}"))

    async def claim(number: int) -> None:
        await WorkerQueue(operator.pool, redis, f"pod-{number}", "job").claim(0)

    await timed(redis, "one claim", claim)
    await operator.delete_pool()
    for idle in (1, IDLE_WORKERS):
        await operator.configure(QUEUES)
        show(f"enqueue to claim, {idle} waiting and heartbeating", await wake_ups(operator, redis, idle))

    await operator.configure(QUEUES)

    async def enqueue(number: int) -> None:
        await operator.enqueue(("high", "default", "low")[number % 3], assignment(f"backlog-{number}"))

    await timed(redis, "enqueue, few queued", enqueue)
    for start in range(SAMPLES, BACKLOG, 50):
        await asyncio.gather(*(enqueue(number) for number in range(start, start + 50)))
    print(f"with {BACKLOG:,} queued:")
    await timed(redis, "enqueue again", enqueue)
    await timed(redis, "entry with its position", lambda number: operator.entry(f"backlog-{number}"))
    await timed(redis, "snapshot", lambda _: operator.snapshot())
    await timed(redis, "all uids, by pages (slow resync)", lambda _: operator.known_uids(), 20)
    await timed(redis, "one claim", claim)
    rate = await claims_per_s(operator, redis, 8, 4000)
    print(f"{'claims with their results, 8 workers at once':<50} {rate:,.0f}/s")
    for users in (1, 50, BACKLOG):
        await share(operator, redis, users)
    await redis.aclose()


async def share(operator: OperatorQueue, redis: Redis, users: int) -> None:
    """Measure a queue that so many users share."""
    await operator.delete_pool()
    await operator.configure(QUEUES)

    async def enqueue(number: int) -> None:
        demand = Demand(f"user-{number % users}", predicted_s=1 + number % 97)
        await operator.enqueue("default", assignment(f"shared-{number}"), None, demand)

    async def claim_and_finish(number: int) -> None:
        worker = WorkerQueue(operator.pool, redis, f"sharer-{users}-{number}", "job")
        claim = await worker.claim(0)
        if isinstance(claim, Claim):
            await finish(worker, claim)

    for start in range(0, BACKLOG, 50):
        await asyncio.gather(*(enqueue(number) for number in range(start, start + 50)))
    print(f"with {BACKLOG:,} queued in one queue of {users:,} users:")
    await timed(redis, "enqueue again", enqueue)
    await timed(redis, "entry with its position", lambda number: operator.entry(f"shared-{number}"))
    await timed(redis, "one claim and its result", claim_and_finish)
    rate = await claims_per_s(operator, redis, 8, 4000)
    print(f"{'claims with their results, 8 workers at once':<50} {rate:,.0f}/s")


if __name__ == "__main__":
    with redis_server() as server:
        asyncio.run(measure(server))
