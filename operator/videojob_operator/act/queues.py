"""The operator's end of the queues: one session a pool, which knows whether what it reads can be believed.

A session outlasts the connections to Redis that it is held over, as one of ZooKeeper or Chubby does.

Redis may be away, or come back empty, at any moment. A session tells the two apart from *known*: while it is not
known, nobody concludes from a missing entry that an attempt is lost. A Redis that was found empty becomes
known again after a grace in which running workers restore their claims; then everything of the pool is looked
at once, which fills it again.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.errors import NewerRecordError, QueueUnavailableError
from videojob_contract.queue.events import Event
from videojob_contract.queue.types import GRACE_S, PoolKey, PoolSnapshot, QueueEntry
from videojob_operator import metrics

log = logging.getLogger(__name__)

TICK_S = 2.0
"""How often a session looks whether Redis was emptied and whether leases have ended, in seconds."""
CONNECTING_S = 1.0
"""How soon to look again at what waits for a session that is only just being made, in seconds."""
RECONNECT_S = 1.0
"""Pause before a session tries again to reach Redis, in seconds."""


class Listener(Protocol):
    """Who is told of what a session sees."""

    async def queue_event(self, session: "QueueSession", event: Event) -> None:
        """A worker sent an event; it is to be acknowledged by `QueueSession.ack`."""

    def lease_expired(self, session: "QueueSession", uid: str) -> None:
        """A worker has not renewed its lease in time."""

    def queue_known(self, pool: PoolKey) -> None:
        """The queue can be believed again: whatever it lacks is to be put into it."""

    def has_active(self, pool: PoolKey) -> bool:
        """Whether a worker could hold a VideoJob of this pool."""


class QueueSession:
    """One pool's queues, and whether they can be believed."""

    def __init__(self, queue: OperatorApi, listener: Listener, consumer: str) -> None:
        self.queue = queue
        self.pool = queue.pool
        self._listener = listener
        self._consumer = consumer
        self._known = False
        self._connecting = True
        self._weights: Mapping[str, int] = {}
        self._terms = ""
        self._empty_at = -GRACE_S  # on the event loop's clock

    @property
    def known(self) -> bool:
        """Whether what the queue lacks is really not there."""
        return self._known

    @property
    def connecting(self) -> bool:
        """Whether this is a new session that has neither succeeded nor failed yet."""
        return self._connecting

    async def configure(self, weights: Mapping[str, int], terms: str) -> None:
        """Have these queues with these weights, and these terms, from now on and after Redis was emptied."""
        if (weights, terms) != (self._weights, self._terms):
            self._weights, self._terms = dict(weights), terms
            await self._guard_configure()

    async def entry(self, uid: str, *, expected: bool) -> QueueEntry | None:
        """Return the queue's entry; when it should be there and is not, look whether Redis was emptied.

        Raises:
            NewerRecordError: a newer version wrote it.
        """
        try:
            entry = await self.queue.entry(uid)
            if entry is None and expected and await self.queue.ensure_epoch():
                self._found_empty()
        except NewerRecordError:
            raise
        except QueueUnavailableError:
            self._lost()
            return None
        return entry

    async def snapshot(self) -> PoolSnapshot | None:
        """Return what the queue says of the pool; None while it cannot be believed."""
        if not self._known:
            return None
        try:
            snapshot = await self.queue.snapshot()
            # In a Redis that was just emptied, workers that live have not registered yet.
            if await self.queue.ensure_epoch():
                self._found_empty()
        except QueueUnavailableError:
            self._lost()
            return None
        return snapshot if self.known else None

    async def ack(self, ids: list[str]) -> None:
        """Say that events are dealt with. When Redis is away they come again, which does no harm."""
        try:
            await self.queue.ack(ids)
        except QueueUnavailableError:
            self._lost()

    async def run(self) -> None:
        """Keep the session up until cancelled; what else ends it is a fault, and says nothing of the queue any more."""
        while True:
            try:
                await self._connect()
                await self._serve()
            except QueueUnavailableError as error:
                if self._known:
                    log.warning("the queues of pool %s are away: %s", self.pool, error)
                self._lost()
            except Exception:
                self._lost()
                raise
            await asyncio.sleep(RECONNECT_S)

    async def _serve(self) -> None:
        """Read events and look after leases, until one of the two fails."""
        # In a task group, Python 3.11 loses a cancellation that comes together with the failure of a task.
        tasks = [asyncio.create_task(self._read_events()), asyncio.create_task(self._tick())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _connect(self) -> None:
        await self.queue.load_scripts()
        if await self.queue.ensure_epoch():
            self._found_empty()
        grace_s = self._empty_at + GRACE_S - asyncio.get_running_loop().time()
        if grace_s > 0 and self._listener.has_active(self.pool):
            await asyncio.sleep(grace_s)
        await self._guard_configure()
        self._believe()

    async def _guard_configure(self) -> None:
        if self._weights:
            await self.queue.configure(self._weights, self._terms)

    async def _read_events(self) -> None:
        async for event in self.queue.events(self._consumer):
            metrics.queue_event(event.type)
            await self._listener.queue_event(self, event)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._known and await self.queue.ensure_epoch():
                self._found_empty()
            if not self._known:
                # Someone found Redis empty or away. An error ends the reader too, and the session is made anew.
                raise QueueUnavailableError("Redis was emptied, or was away for a moment")
            await self._guard_configure()  # workers write there, too
            for entry in await self.queue.expired():
                self._listener.lease_expired(self, entry.uid)

    def _believe(self) -> None:
        self._known = True
        self._connecting = False
        metrics.redis_up(self.pool.namespace, self.pool.name, up=True)
        self._listener.queue_known(self.pool)

    def _found_empty(self) -> None:
        self._known = False
        self._empty_at = asyncio.get_running_loop().time()
        metrics.redis_was_empty()
        log.info("the queues of pool %s are empty and new", self.pool)

    def _lost(self) -> None:
        self._known = False
        self._connecting = False
        metrics.redis_up(self.pool.namespace, self.pool.name, up=False)
