"""What users may expect of a queue that many share, in simulations on the real scripts."""

import pytest

from tests.integration.queue.conftest import Backend
from tests.integration.queue.simulation import SimulatedJob, even_sharing, run, workload
from videojob_contract.queue.types import Sharing

WORKERS = 16


def mean_slowdown(jobs: list[SimulatedJob], ends: list[float]) -> float:
    return sum((end - job.arrives) / job.takes for job, end in zip(jobs, ends, strict=True)) / len(jobs)


async def ends_of(backend: Backend, jobs: list[SimulatedJob], sharing: Sharing, workers: int = WORKERS) -> list[float]:
    assert backend.redis
    return [end for _, end in await run(backend.redis, jobs, workers, sharing)]


async def test_thousands_of_one_user_delay_anothers_first_by_one_job_a_worker(redis_backend: Backend) -> None:
    many = [SimulatedJob("ann", 0.0, 10.0, 10.0)] * 3_000
    last = SimulatedJob("bob", 1.0, 5.0, 5.0)
    assert redis_backend.redis
    times = await run(redis_backend.redis, [*many, last], WORKERS, Sharing(), until=60.0)
    assert times[-1] == (10.0, 15.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nothing_ends_later_than_by_even_sharing_but_for_a_job_a_worker(
    redis_backend: Backend, seed: int
) -> None:
    jobs = workload(seed, jobs=400, users=1, burst=40)
    ends = await ends_of(redis_backend, jobs, Sharing())
    largest = max(job.takes for job in jobs)
    even = even_sharing(jobs, WORKERS)
    assert max(end - other for end, other in zip(ends, even, strict=True)) <= largest


async def test_small_jobs_do_not_wait_for_large_ones(redis_backend: Backend) -> None:
    jobs = workload(4, jobs=1500, users=10, burst=60)
    fair, fifo = [
        mean_slowdown(jobs, await ends_of(redis_backend, jobs, sharing)) for sharing in (Sharing(), Sharing(fifo=True))
    ]
    assert fair < fifo / 2
