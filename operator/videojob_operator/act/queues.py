"""The operator's end of the queues: one session a pool, which knows whether what it reads can be believed.

A session outlasts the connections to Redis that it is held over, as one of ZooKeeper or Chubby does.

Redis may be away, or come back empty, at any moment. A session tells the two apart from *known*: while it is not
known, nobody concludes from a missing entry that an attempt is lost. A Redis that was found empty becomes
known again after a grace in which running workers restore their claims; then everything of the pool is looked
at once, which fills it again. Until it is filled nothing new is claimed, so that what waited longest is first. A
replica that took its master's place is treated alike: it may lack what that had been told last.

Nobody waits for Redis more than once: the first call that it does not answer makes the session unknown, and what is
decided from then on is decided without it. A Redis that is *full* is believed in everything, and given nothing new.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Protocol

from videojob_contract.queue.api import OperatorApi
from videojob_contract.queue.errors import NewerRecordError, QueueFullError, QueueUnavailableError, SupersededError
from videojob_contract.queue.events import Event
from videojob_contract.queue.types import GRACE_S, EntryState, PoolKey, PoolSnapshot, QueueEntry, Sharing
from videojob_operator import metrics
from videojob_operator.errors import AttemptSpentError

log = logging.getLogger(__name__)

TICK_S = 2.0
"""How often a session looks whether Redis was emptied and whether leases have ended, in seconds."""
ADMIT_S = 10.0
"""How often a session makes sure that workers can log in, in seconds: a Redis may keep its data and lose its
users."""
FILL_S = 10.0
"""How long claims are held at most while a Redis that was emptied is filled, so that who came first is first, in
seconds."""
FILL_POLL_S = 0.1
ROOM_S = 10.0
"""How often a session looks whether a full Redis has room again, in seconds."""
RECONNECT_S = 1.0
"""Pause before a session tries again to reach Redis, in seconds."""


class Listener(Protocol):
    """Who is told of what a session sees."""

    async def queue_event(self, session: "QueueSession", event: Event) -> None:
        """A worker sent an event; it is to be acknowledged by `QueueSession.ack`."""

    def refused(self, pool: PoolKey, highest: int) -> None:
        """The queues know a greater token than ours: another operator may have followed."""

    def lease_expired(self, session: "QueueSession", uid: str) -> None:
        """A worker has not renewed its lease in time."""

    def queue_known(self, pool: PoolKey) -> None:
        """The queue can be believed again: whatever it lacks is to be put into it."""

    def room_changed(self, pool: PoolKey, *, full: bool) -> None:
        """Redis takes nothing new, or takes it again: then whatever could not be put into the queue is to be."""

    def waiting(self, pool: PoolKey) -> int:
        """How many VideoJobs should wait in this pool's queues."""

    def has_active(self, pool: PoolKey) -> bool:
        """Whether a worker could hold a VideoJob of this pool."""

    def began_without(self, pool: PoolKey, silent_s: float) -> bool:
        """Whether a VideoJob may have begun without this pool's queues, which were away for so long."""

    def is_past(self, pool: PoolKey, uid: str, attempt: int) -> bool:
        """Whether an attempt that waits in this pool's queues is not to be claimed any more."""


class QueueSession:
    """One pool's queues, and whether they can be believed."""

    def __init__(self, queue: OperatorApi, listener: Listener, consumer: str) -> None:
        self.queue = queue
        self.pool = queue.pool
        self._listener = listener
        self._consumer = consumer
        self._known = False
        self._connecting = True
        self._full = False
        self._full_at = 0.0  # when it was last found full, on the event loop's clock
        self._trouble = ""
        self._weights: Mapping[str, int] = {}
        self._terms = ""
        self._sharing = Sharing()
        self._passwords: tuple[str, ...] = ()
        self._has_user = True
        self._admitted_at = 0.0  # on the event loop's clock
        self._filling = False  # whether it was found empty, and claims are held until all is back
        self._empty_at = -GRACE_S  # on the event loop's clock
        self._silent_at: float | None = None  # since when it has not been reached, on the event loop's clock

    @property
    def known(self) -> bool:
        """Whether what the queue lacks is really not there."""
        return self._known

    @property
    def connecting(self) -> bool:
        """Whether this is a new session that has neither succeeded nor failed yet."""
        return self._connecting

    @property
    def full(self) -> bool:
        """Whether Redis is out of memory, and takes nothing new."""
        return self._full

    @property
    def trouble(self) -> str:
        """Why the queue cannot be reached, in the words of who tried last; empty when it can."""
        return self._trouble

    @property
    def silent_s(self) -> float:
        """For how long the queue has not been reached, in seconds; 0 while it can be."""
        return 0.0 if self._silent_at is None else asyncio.get_running_loop().time() - self._silent_at

    @contextmanager
    def in_touch(self) -> Iterator[None]:
        """Note what a call within tells of Redis: that it is full, or away.

        Raises:
            QueueUnavailableError: as the call did.
        """
        try:
            yield
        except QueueFullError:
            self._set_full(full=True)
            raise
        except NewerRecordError:
            raise
        except SupersededError as error:
            self._listener.refused(self.pool, error.highest)
            raise
        except QueueUnavailableError as error:
            self._lost(error.message)
            raise

    async def configure(self, weights: Mapping[str, int], terms: str, sharing: Sharing) -> None:
        """Have these queues with these weights, terms and shares, from now on and after Redis was emptied or away."""
        if (weights, terms, sharing) != (self._weights, self._terms, self._sharing):
            self._weights, self._terms, self._sharing = dict(weights), terms, sharing
            with suppress(QueueUnavailableError), self.in_touch():
                await self._guard_configure()

    async def admit_workers(self, passwords: tuple[str, ...]) -> None:
        """Let workers log in with these passwords, now and after Redis forgot its users; none to make no user."""
        if passwords != self._passwords:
            self._passwords = passwords
            with suppress(QueueUnavailableError), self.in_touch():
                await self._guard_users()

    @property
    def has_user(self) -> bool:
        """Whether the pool's workers have a user of their own, as far as is known; if not, they share one."""
        return bool(self._passwords) and self._has_user

    async def entry(self, uid: str, *, expected: bool) -> QueueEntry | None:
        """Return the queue's entry; when it should be there and is not, look whether Redis was emptied.

        Raises:
            NewerRecordError: a newer version wrote it.
        """
        try:
            with self.in_touch():
                entry = await self.queue.entry(uid)
                if entry is None and expected and await self.queue.ensure_epoch():
                    self._found_empty()
        except NewerRecordError:
            raise
        except QueueUnavailableError:
            return None
        return entry

    async def snapshot(self) -> PoolSnapshot | None:
        """Return what the queue says of the pool; None while it cannot be believed."""
        if not self._known:
            return None
        with suppress(QueueUnavailableError), self.in_touch():
            snapshot = await self.queue.snapshot()
            # In a Redis that was just emptied, workers that live have not registered yet.
            if await self.queue.ensure_epoch():
                self._found_empty()
            return snapshot if self.known else None
        return None

    async def retire(self, worker: str) -> None:
        """Let an idle worker exit; when Redis is away it stays, until it is found idle again."""
        with suppress(QueueUnavailableError), self.in_touch():
            await self.queue.retire(worker)

    async def forget(self, uid: str) -> bool:
        """Have the queue forget a VideoJob; False when Redis is away, and it is still to be done."""
        try:
            with self.in_touch():
                await self.queue.forget(uid)
        except NewerRecordError as error:
            log.warning("%s", error)
        except QueueUnavailableError:
            return False
        return True

    async def let_leave(self, uid: str, number: int) -> bool:
        """Take out a VideoJob that is another pool's by now, and may come back; False as above.

        `number` is that of its current attempt.

        Raises:
            AttemptSpentError: a worker has begun it; as an earlier one, that is to be stopped.
        """
        try:
            with self.in_touch():
                entry = await self.queue.entry(uid)
                if entry is not None and not await self.queue.withdraw(uid, entry.attempt):
                    if entry.attempt >= number:
                        raise AttemptSpentError(f"pool {self.pool} had it, and it has left that pool")
                    await self.queue.release(uid, entry.attempt)
        except QueueUnavailableError:
            return False
        return True

    async def ack(self, ids: list[str]) -> None:
        """Say that events are dealt with. When Redis is away they come again, which does no harm."""
        with suppress(QueueUnavailableError), self.in_touch():
            await self.queue.ack(ids)

    async def run(self) -> None:
        """Keep the session up until cancelled; what else ends it is a fault, and says nothing of the queue any more."""
        while True:
            try:
                await self._connect()
                await self._serve()
            except SupersededError as error:
                self._listener.refused(self.pool, error.highest)
            except QueueUnavailableError as error:
                if self._known:
                    log.warning("the queues of pool %s are away: %s", self.pool, error)
                self._lost(error.message)
            except Exception as error:
                self._lost(f"{type(error).__name__}: {error}")
                raise
            await asyncio.sleep(RECONNECT_S)

    async def _serve(self) -> None:
        """Read events and look after leases, until one of the two ends or fails."""
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

    async def _guard_users(self) -> None:
        if not self._passwords:
            return
        self._admitted_at = asyncio.get_running_loop().time()
        had, self._has_user = self._has_user, await self.queue.admit_workers(self._passwords)
        if had and not self._has_user:
            log.warning("pool %s has no Redis user of its own: the operator may not make any", self.pool)

    async def _connect(self) -> None:
        if await self.queue.ensure_epoch():
            self._found_empty()
        # Claims are held by now if they are to be, and without scripts nobody has made one.
        await self._guard_users()
        await self.queue.load_scripts()
        grace_s = self._empty_at + GRACE_S - asyncio.get_running_loop().time()
        if grace_s > 0 and self._listener.has_active(self.pool):
            await asyncio.sleep(grace_s)
        if self._filling or self._listener.began_without(self.pool, self.silent_s):
            await self._take_back()
        await self._guard_configure()
        self._believe()
        if self._filling:
            await self._fill()

    async def _take_back(self) -> None:
        """Take out what has begun or ended without the queue, before there is a worker that could claim it."""
        for uid, entry in (await self.queue.entries(await self.queue.known_uids())).items():
            if entry.state is EntryState.QUEUED and self._listener.is_past(self.pool, uid, entry.attempt):
                log.info("attempt %d of %s waits no more in the queues of pool %s", entry.attempt, uid, self.pool)
                await self.queue.withdraw(uid, entry.attempt)

    async def _fill(self) -> None:
        """Wait until what should wait in the queues is back, and let it be claimed."""
        give_up = asyncio.get_running_loop().time() + FILL_S
        while asyncio.get_running_loop().time() < give_up:
            if (await self.queue.snapshot()).total_queued >= self._listener.waiting(self.pool):
                break
            await asyncio.sleep(FILL_POLL_S)
        self._filling = False
        await self._guard_configure()

    async def _guard_configure(self) -> None:
        if self._weights:
            await self.queue.configure(self._weights, self._terms, self._sharing, held=self._filling)

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
                return  # someone found Redis empty or away: the session is made anew
            if asyncio.get_running_loop().time() - self._admitted_at >= ADMIT_S:
                await self._guard_users()
            if self._full and asyncio.get_running_loop().time() - self._full_at >= ROOM_S:
                self._set_full(full=not await self.queue.has_room())
            await self._guard_configure()  # workers write there, too
            for entry in await self.queue.expired():
                self._listener.lease_expired(self, entry.uid)

    def _believe(self) -> None:
        self._known = True
        self._connecting = False
        self._trouble = ""
        self._silent_at = None
        metrics.redis_up(self.pool.namespace, self.pool.name, up=True)
        self._listener.queue_known(self.pool)

    def _found_empty(self) -> None:
        self._known = False
        self._filling = True
        self._trouble = ""
        self._silent_at = None
        self._empty_at = asyncio.get_running_loop().time()
        metrics.redis_was_empty()
        log.info("the queues of pool %s are new: Redis was emptied, or a replica took its place", self.pool)

    def _set_full(self, *, full: bool) -> None:
        self._full_at = asyncio.get_running_loop().time()
        if self._full is full:
            return
        self._full = full
        log.warning("pool %s: Redis %s", self.pool, "is full, and takes nothing new" if full else "has room again")
        metrics.redis_full(self.pool.namespace, self.pool.name, full=full)
        self._listener.room_changed(self.pool, full=full)

    def _lost(self, trouble: str) -> None:
        if self._silent_at is None:
            self._silent_at = asyncio.get_running_loop().time()
        self._known = False
        self._connecting = False
        self._trouble = trouble
        metrics.redis_up(self.pool.namespace, self.pool.name, up=False)
