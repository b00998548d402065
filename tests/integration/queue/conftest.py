"""The queue on a real Redis and in memory, behind one face: what is tested here holds for both."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from fractions import Fraction

import pytest
from redis.asyncio import Redis

from videojob_contract.assignment import Assignment, Result
from videojob_contract.queue.api import OperatorApi, WorkerApi
from videojob_contract.queue.connection import connect
from videojob_contract.queue.events import Event
from videojob_contract.queue.fake import FakeOperatorQueue, FakeServer, FakeWorkerQueue
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import LEASE_S, TOMBSTONE_S, Claim, PoolKey
from videojob_contract.queue.worker import WorkerQueue
from videojob_contract.resources.videojob import VideoJobSpec

QUEUES = {"high": 10, "default": 5, "low": 1}
SPEC = VideoJobSpec.model_validate({"clips": [{"color": "#203040", "duration": "1s"}]})


def assignment(uid: str, attempt: int = 1, name: str = "holiday") -> Assignment:
    return Assignment(
        uid=uid,
        namespace="team",
        name=name,
        attempt=attempt,
        spec=SPEC,
        deadline=Fraction(1800),
        soft_deadline=Fraction(1500),
    )


def result(claim: Claim) -> Result:
    return Result(uid=claim.assignment.uid, attempt=claim.assignment.attempt, result="succeeded")


class Backend:
    """One pool of a test's own; `redis` is None for the fake."""

    def __init__(self, redis: Redis | None) -> None:
        self.pool = PoolKey("team", f"pool-{uuid.uuid4().hex}")
        self.redis = redis
        self._server = FakeServer()
        self._numbers = itertools.count()

    def operator(self, *, tombstone_s: float = TOMBSTONE_S, token: int | None = None) -> OperatorApi:
        if self.redis is None:
            return FakeOperatorQueue(self.pool, self._server, tombstone_s=tombstone_s, token=lambda: token)
        return OperatorQueue(self.pool, self.redis, tombstone_s=tombstone_s, token=lambda: token)

    def worker(self, name: str | None = None, *, lease_s: float = LEASE_S) -> WorkerApi:
        name = name or f"pod-{next(self._numbers)}"
        job = name.replace("pod", "job")
        if self.redis is None:
            return FakeWorkerQueue(self.pool, self._server, name, job, lease_s=lease_s)
        return WorkerQueue(self.pool, self.redis, name, job, lease_s=lease_s)

    async def flushall(self) -> None:
        if self.redis is None:
            self._server.flushall()
        else:
            await self.redis.flushall()

    async def fill(self, *, full: bool = True) -> None:
        """Have no memory left; or have it again."""
        if self.redis is None:
            self._server.full = full
        else:
            await self.redis.config_set("maxmemory", "1mb" if full else "0")

    async def claim(self, name: str | None = None, *, lease_s: float = LEASE_S) -> tuple[WorkerApi, Claim]:
        """Claim with a new worker what must be there."""
        worker = self.worker(name, lease_s=lease_s)
        claim = await worker.claim(0)
        assert isinstance(claim, Claim)
        return worker, claim


@pytest.fixture(params=["redis", "fake"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    if request.param == "fake":
        yield Backend(None)
        return
    redis = connect(request.getfixturevalue("redis_url"))
    yield Backend(redis)
    await redis.aclose()


@pytest.fixture
async def redis_backend(redis_url: str) -> AsyncIterator[Backend]:
    """On Redis only, for what is Redis' own."""
    redis = connect(redis_url)
    yield Backend(redis)
    await redis.aclose()


async def ready(backend: Backend) -> OperatorApi:
    operator = backend.operator()
    await operator.load_scripts()
    await operator.configure(QUEUES)
    await operator.ensure_epoch()
    return operator


@pytest.fixture
async def operator(backend: Backend) -> OperatorApi:
    """An operator's queue, with scripts and queues in place."""
    return await ready(backend)


async def read_events(operator: OperatorApi, count: int, consumer: str = "operator-1") -> list[Event]:
    """Read so many events, and leave them unacknowledged."""
    events: list[Event] = []
    async with asyncio.timeout(5):
        async for event in operator.events(consumer):
            events.append(event)
            if len(events) == count:
                break
    return events
