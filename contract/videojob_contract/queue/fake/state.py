"""What the fake holds of each pool, and the steps that both of its sides take."""

import asyncio
import time
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from videojob_contract.assignment import Assignment
from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.events import Event
from videojob_contract.queue.fake.turns import InLane, Lane, Place, Turns
from videojob_contract.queue.types import DEFAULT_DEMAND, Demand, PoolKey, QueueEntry, WorkerInfo

GONE = frozenset({"cancelled", "forgotten"})
"""Tombstones that refuse every attempt."""


@dataclass
class Record:
    """An entry, or a tombstone when its state is cancelled, forgotten or released."""

    entry: QueueEntry
    state: str
    payload: Assignment | None = None
    demand: Demand = DEFAULT_DEMAND
    since: datetime | None = None
    """When it came to wait."""
    lane: Lane | None = None
    """In which it waits, and as what."""
    waiting: InLane | None = None
    charged: bool = False
    """Whether its user's account has it."""
    until: datetime | None = None
    """When a tombstone may go."""


@dataclass
class Message:
    """An event in the stream, and who took it when."""

    event: Event
    consumer: str | None = None
    taken_at: datetime | None = None


@dataclass
class Pool:
    """What Redis would hold of one pool."""

    epoch: int = 0
    token: int = 0
    """The greatest that an operator had."""
    held: bool = False
    """Whether nothing is claimed."""
    weights: dict[str, int] = field(default_factory=dict)
    terms: str = ""
    passes: dict[str, int] = field(default_factory=dict)
    backlog: list[tuple[Place, str]] = field(default_factory=list)
    """Uids in the order of their places, over all queues."""
    turns: Turns = field(default_factory=Turns)
    sequence: int = 0
    """Counts what was ever enqueued."""
    records: dict[str, Record] = field(default_factory=dict)
    workers: dict[str, WorkerInfo] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    signals: dict[str, list[int]] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    passwords: tuple[str, ...] = ()
    """With which workers may log in, as told; nobody is asked for one."""

    def wait(self, uid: str, place: Place, lacks: int) -> None:
        """Let a record wait, at a place in its queue, that lacks so much of its tag."""
        record = self.records[uid]
        record.lane = self.turns.lane(record.entry.queue, record.demand)
        record.waiting = self.turns.enter(record.lane, uid, record.demand, place, lacks)
        insort(self.backlog, (place, uid))

    def stop_waiting(self, uid: str) -> None:
        """Take a record out of its queue, if it waits in one."""
        record = self.records.get(uid)
        if record and record.lane and record.waiting:
            self.backlog.remove((record.waiting.place, uid))
            self.turns.leave(record.lane, record.waiting, record.demand)
            record.lane = record.waiting = None

    def position(self, uid: str) -> int:
        """Return how many are before one that waits, about."""
        record = self.records[uid]
        if record.lane is None or record.waiting is None:
            raise AssertionError("what waits has a lane")
        return self.turns.position(record.lane, record.waiting, len(self.waiting(record.entry.queue)))

    @property
    def claimed(self) -> int:
        """How many are under a lease."""
        return sum(record.state == "claimed" for record in self.records.values())

    def settle(self, uid: str, now: datetime) -> None:
        """Count what a claimed attempt took, and that it runs no more."""
        record = self.records.get(uid)
        if record and record.state == "claimed" and record.charged and record.entry.claimed_at:
            took_ms = (now - record.entry.claimed_at) // timedelta(milliseconds=1)
            self.turns.settle(Lane(record.entry.queue, record.demand.user), record.demand, took_ms)
        if record and record.state == "claimed":
            self.turns.end_run(uid, record.demand)

    def waiting(self, queue: str) -> list[str]:
        """Uids that wait in a queue, by how long they have waited."""
        return [uid for _, uid in self.backlog if self.records[uid].entry.queue == queue]


class FakeServer:
    """Stands for Redis.

    Args:
        clock: The time, in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._pools: dict[PoolKey, Pool] = {}
        self._serial = 0
        self._changed = asyncio.Event()
        self.available = True
        """Whether it answers; otherwise every call raises `QueueUnavailableError`."""
        self.full = False
        """Whether it is out of memory; then `enqueue` raises `QueueFullError`."""
        self.has_users = True
        """Whether the operator may make users."""

    def flushall(self) -> None:
        """Forget everything, as Redis' FLUSHALL does."""
        self._pools.clear()
        self.touch()

    def now(self) -> datetime:
        """Return its own time."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def state(self, pool: PoolKey) -> Pool:
        """Return what it holds of a pool.

        Raises:
            QueueUnavailableError: It was made to fail.
        """
        if not self.available:
            raise QueueUnavailableError("the fake queue was made unavailable")
        return self._pools.setdefault(pool, Pool())

    def drop(self, pool: PoolKey) -> None:
        """Forget a pool."""
        self._pools.pop(pool, None)

    def next_id(self) -> str:
        """Return the id of another event."""
        self._serial += 1
        return f"{self._serial}-0"

    def touch(self) -> None:
        """Wake everyone who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, timeout_s: float) -> None:
        """Wait for a change, at most `timeout_s` seconds."""
        try:
            # Not wait_for: that loses a cancellation which comes together with the change.
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return


class Side:
    """What both sides share: reading the state, and the steps that several scripts take."""

    def __init__(self, pool: PoolKey, server: FakeServer) -> None:
        self._pool = pool
        self._server = server

    @property
    def pool(self) -> PoolKey:
        """The pool whose queues these are."""
        return self._pool

    @property
    def _state(self) -> Pool:
        return self._server.state(self._pool)

    def _emit(self, make: Callable[[str], Event]) -> None:
        event_id = self._server.next_id()
        self._state.messages[event_id] = Message(make(event_id))
        self._server.touch()

    def _detach(self, uid: str) -> None:
        """Take an entry out of everything but its record."""
        state, record = self._state, self._state.records.get(uid)
        state.stop_waiting(uid)
        if record and record.state == "claimed":
            state.settle(uid, self._server.now())
            self._dismiss(record.entry.worker, uid)

    def _tell(self, uid: str) -> None:
        """Tell the worker of an entry, if it has one, to stop."""
        record = self._state.records.get(uid)
        if record and record.state == "claimed":
            self._state.signals.setdefault(uid, []).append(record.entry.attempt)
            self._server.touch()

    def _dismiss(self, worker: str | None, uid: str) -> None:
        known = self._state.workers.get(worker or "")
        if known and known.uid == uid:
            del self._state.workers[known.id]
