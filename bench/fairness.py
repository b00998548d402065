"""Simulates 20,000 jobs of 50 users on the queue's real scripts, in each order, and prints what each did for them.

`make bench-fairness`. Slowdown is how many times its own length a job took from its arrival to its end. The delay
against even sharing is how much later it ended than if all users, and of each user all jobs, had been served at a time.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.integration.queue.simulation import SimulatedJob, even_sharing, run, workload
from tests.redis_server import redis_server
from videojob_contract.queue.connection import connect
from videojob_contract.queue.types import Sharing

WORKERS = 16
ORDERS = {
    "first in, first out": (Sharing(fifo=True), 0.0),
    "fair, as predicted": (Sharing(), 0.0),
    "fair, predictions off by sigma 0.7": (Sharing(), 0.7),
}


def show(what: str, jobs: Sequence[SimulatedJob], ends: Sequence[float], even: Sequence[float]) -> float:
    """Print one line of the table; return the mean slowdown."""
    slowdowns = [(end - job.arrives) / job.takes for job, end in zip(jobs, ends, strict=True)]
    delays = sorted(end - other for end, other in zip(ends, even, strict=True))
    waits = sorted(end - job.arrives - job.takes for job, end in zip(jobs, ends, strict=True))
    mean = statistics.mean(slowdowns)
    figures = [
        f"{mean:.1f}",
        f"{statistics.median(slowdowns):.1f}",
        f"{statistics.mean(waits):.0f} s",
        f"{delays[int(len(delays) * 0.99)]:.0f} s",
        f"{delays[-1]:.0f} s",
    ]
    print(f"| {what} | {' | '.join(figures)} |", flush=True)
    return mean


async def measure(url: str, *, jobs: int, seed: int) -> None:
    """Simulate each order, and print a table in Markdown."""
    redis = connect(url)
    print("| | slowdown: mean | median | mean wait | delay: 99 % | worst |\n|---|---|---|---|---|---|")
    means = {}
    for what, (sharing, sigma) in ORDERS.items():
        made = workload(seed, jobs=jobs, workers=WORKERS, sigma=sigma)
        even = even_sharing(made, WORKERS)
        started = time.perf_counter()
        times = await run(redis, made, WORKERS, sharing)
        took_s = time.perf_counter() - started
        means[what] = show(what, made, [end for _, end in times], even)
        print(f"{what}: {took_s:.0f} s", file=sys.stderr)
    show("even sharing", made, even, even)
    first, *others = means.values()
    print("\nbetter than first in, first out by", ", ".join(f"{first / other:.1f}" for other in others))
    await redis.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with redis_server() as server:
        asyncio.run(measure(server, jobs=options.jobs, seed=options.seed))
