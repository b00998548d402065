"""Users, their jobs and a pool of workers, in virtual time on the queue's real scripts.

The clock of the scripts is a key of Redis that the simulation sets, and all else of them is as it ships: so the order
is theirs. Beside it, `even_sharing` says when each job would have ended if it needed no queue: by processor sharing.
"""

import heapq
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha1
from types import MappingProxyType
from unittest.mock import patch

from redis.asyncio import Redis

from videojob_contract.assignment import Assignment, Result
from videojob_contract.queue import connection
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.scripts import Script, scripts
from videojob_contract.queue.types import Claim, Demand, PoolKey, Sharing
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.videojob import VideoJobSpec

CLOCK = "simulated-clock"
POOL = PoolKey("team", "simulated")
QUEUE = "default"
_BODY = re.compile(r"(local function now_ms\(\)\n).*?(\nend)", re.DOTALL)
_SPEC = VideoJobSpec.model_validate({"clips": [{"color": "#203040", "duration": "1s"}]})
_DEADLINE = Fraction(1800)


@dataclass(frozen=True, slots=True)
class SimulatedJob:
    """A job, and what is thought of it; times in seconds."""

    user: str
    arrives: float
    takes: float
    predicted: float


def workload(
    seed: int,
    *,
    jobs: int = 20_000,
    users: int = 50,
    workers: int = 16,
    load: float = 0.9,
    burst: float = 100.0,
    sigma: float = 0.0,
) -> list[SimulatedJob]:
    """Return jobs in the order in which they come.

    Users are active as Zipf has it, and send bursts of a mean length, all at once; sizes are bounded Pareto, 2 to
    2,000 s with a tail of 1.1; predictions are off by a lognormal factor of `sigma`.
    """
    chance = random.Random(seed)  # noqa: S311 - the same jobs each time, and no secret
    names = [f"user-{number:02d}" for number in range(users)]
    activity = [1 / (number + 1) for number in range(users)]
    bursts: list[list[SimulatedJob]] = []
    left = jobs
    while left:
        (user,) = chance.choices(names, activity)
        size = min(1 + int(chance.expovariate(1 / burst)), left)
        took = [_pareto(chance.random()) for _ in range(size)]
        bursts.append([SimulatedJob(user, 0.0, takes, takes * chance.lognormvariate(0, sigma)) for takes in took])
        left -= size
    lasts = sum(job.takes for each in bursts for job in each) / (load * workers)
    starts = sorted(chance.uniform(0, lasts) for _ in bursts)
    return [replace(job, arrives=at) for each, at in zip(bursts, starts, strict=True) for job in each]


def _pareto(uniform: float, low: float = 2.0, high: float = 2000.0, tail: float = 1.1) -> float:
    """Return a bounded Pareto variate."""
    return low / (1 - uniform * (1 - (low / high) ** tail)) ** (1 / tail)


def even_sharing(jobs: Sequence[SimulatedJob], workers: int) -> list[float]:
    """Return when each job would end if users shared the workers evenly, and each user's jobs that user's part."""
    ends = [0.0] * len(jobs)
    waiting: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    had: defaultdict[str, float] = defaultdict(float)
    now, coming = 0.0, 0
    while coming < len(jobs) or any(waiting.values()):
        rate = _rates({user: len(active) for user, active in waiting.items() if active}, workers)
        next_end = min(((waiting[user][0][0] - had[user]) / each for user, each in rate.items()), default=float("inf"))
        next_come = jobs[coming].arrives - now if coming < len(jobs) else float("inf")
        step = max(0.0, min(next_end, next_come))
        now += step
        for user, each in rate.items():
            had[user] += step * each
            while waiting[user] and waiting[user][0][0] <= had[user] + 1e-9:
                ends[heapq.heappop(waiting[user])[1]] = now
        while coming < len(jobs) and jobs[coming].arrives <= now + 1e-9:
            user = jobs[coming].user
            heapq.heappush(waiting[user], (had[user] + jobs[coming].takes, coming))
            coming += 1
    return ends


def _rates(active: Mapping[str, int], workers: int) -> dict[str, float]:
    """Return how fast each user's jobs go: no job faster than a worker, and what one cannot use is the others'."""
    rate, left, users = {}, float(workers), len(active)
    for user, count in sorted(active.items(), key=lambda item: item[1]):
        part = min(left / users, count)
        rate[user] = part / count
        left, users = left - part, users - 1
    return rate


async def run(
    redis: Redis, jobs: Sequence[SimulatedJob], workers: int, sharing: Sharing, *, until: float = float("inf")
) -> list[tuple[float, float]]:
    """Return when each job began and ended; what did not begin in time ends at 0."""
    with patch.object(connection, "scripts", _with_a_clock):
        operator = OperatorQueue(POOL, redis)
        await operator.load_scripts()
        await operator.configure({QUEUE: 1}, "", sharing)
        times: list[tuple[float, float]] = [(0.0, 0.0)] * len(jobs)
        busy: list[tuple[float, int, WorkerQueue, Claim]] = []
        now, coming, made = 0.0, 0, 0
        while now < until and (coming < len(jobs) or busy):
            if busy and (coming == len(jobs) or busy[0][0] <= jobs[coming].arrives):
                now, _, worker, claim = heapq.heappop(busy)
                await _set_clock(redis, now)
                given = claim.assignment
                await worker.finish(claim, Result(uid=given.uid, attempt=1, result="succeeded"))
            else:
                now = jobs[coming].arrives
                await _set_clock(redis, now)
                while coming < len(jobs) and jobs[coming].arrives <= now:
                    demand = Demand(jobs[coming].user, predicted_s=jobs[coming].predicted)
                    await operator.enqueue(QUEUE, _assignment(coming), None, demand)
                    coming += 1
            while len(busy) < workers:
                made += 1
                worker = WorkerQueue(POOL, redis, f"pod-{made}", f"job-{made}")
                claim_or_none = await worker.claim(0)
                if not isinstance(claim_or_none, Claim):
                    break
                number = int(claim_or_none.assignment.uid)
                times[number] = (now, now + jobs[number].takes)
                heapq.heappush(busy, (now + jobs[number].takes, made, worker, claim_or_none))
        await operator.delete_pool()
    return times


def _assignment(number: int) -> Assignment:
    return Assignment(
        uid=str(number),
        namespace="team",
        name="job",
        attempt=1,
        spec=_SPEC,
        deadline=_DEADLINE,
        soft_deadline=_DEADLINE,
    )


async def _set_clock(redis: Redis, now_s: float) -> None:
    await redis.set(CLOCK, round(now_s * 1000))


def _with_a_clock() -> Mapping[str, Script]:
    return _CLOCKED


def _clocked(script: Script) -> Script:
    source = _BODY.sub(rf"\1  return tonumber(redis.call('GET', '{CLOCK}'))\2", script.source)
    return replace(script, source=source, sha=sha1(source.encode(), usedforsecurity=False).hexdigest())


_CLOCKED = MappingProxyType({name: _clocked(script) for name, script in scripts().items()})
