"""From what the queues tell to keys in the work queues of those whom it concerns."""

import logging
from collections.abc import Callable

from videojob_contract.queue.events import Claimed, Event, Finished, Registered, StageChanged, WorkerRetired
from videojob_contract.queue.reading import Unreadable
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import Phase
from videojob_operator import metrics
from videojob_operator.act.queues import QueueSession
from videojob_operator.cache import Cache
from videojob_operator.decide.without_queue import SILENT_S
from videojob_operator.records import VideoJobKey, VideoJobRecord
from videojob_operator.workqueue import WorkQueue

log = logging.getLogger(__name__)

Hold = Callable[[VideoJobKey, QueueSession, str], None]
"""Has the event of that id acknowledged once the VideoJob's status has been written."""


class UnreadableListener:
    """Is told of what cannot be read in a pool's queues: counts it, and logs it once for as long as it stays."""

    def __init__(self, pool: PoolKey) -> None:
        self._pool = pool
        self._last: dict[str, Unreadable] = {}

    def __call__(self, unreadable: Unreadable) -> None:
        """Take note."""
        kind, name, why = unreadable.kind, unreadable.name, unreadable.why
        metrics.queue_unreadable(self._pool.namespace, self._pool.name, kind)
        if self._last.get(kind) != unreadable:
            self._last[kind] = unreadable
            log.warning("in the queues of pool %s, %s %s cannot be read: %s", self._pool, kind, name, why)


class QueueListener:
    """Is told by every session, as `act.queues.Listener`."""

    def __init__(
        self,
        cache: Cache,
        videojobs: WorkQueue[VideoJobKey],
        pools: WorkQueue[PoolKey],
        *,
        hold: Hold,
        on_refused: Callable[[PoolKey, int], None] = lambda *_: None,
    ) -> None:
        """Pass on to `on_refused` that a pool's queues know a greater token than ours, and which."""
        self._cache = cache
        self._videojobs = videojobs
        self._pools = pools
        self._hold = hold
        self._on_refused = on_refused

    async def queue_event(self, session: QueueSession, event: Event) -> None:
        """Have those reconciled whom an event concerns."""
        match event:
            case Claimed(uid=uid) | Finished(uid=uid):
                self._pools.add(session.pool)
                key = self._cache.videojob_of(uid)
                if key is not None:
                    self._hold(key, session, event.id)
                    self._videojobs.add(key)
                    return
            case Registered() | WorkerRetired():
                self._pools.add(session.pool)
            case StageChanged():
                pass  # progress is looked at in its turn
        await session.ack([event.id])

    def refused(self, pool: PoolKey, highest: int) -> None:
        """Have it found out whether a pool is still ours."""
        self._on_refused(pool, highest)

    def lease_expired(self, session: QueueSession, uid: str) -> None:
        """Have the VideoJob of an ended lease reconciled."""
        key = self._cache.videojob_of(uid)
        if key is not None and self._cache.videojobs[key].pool == session.pool:
            self._videojobs.add(key)

    def queue_known(self, pool: PoolKey) -> None:
        """Have everything that belongs into a queue put there, in the order in which it came to wait."""
        self._pools.add(pool)
        self.wake_stale_entries(pool)
        active = [
            record
            for key in self._cache.videojobs_of(pool)
            if not (record := self._cache.videojobs[key]).phase.is_final
        ]
        for record in sorted(active, key=_place):
            self._videojobs.add(record.key)

    def room_changed(self, pool: PoolKey, *, full: bool) -> None:
        """Have the pool say that its queues take nothing new; or have everything queued that could not be."""
        if full:
            self._pools.add(pool)
        else:
            self.queue_known(pool)

    def wake_stale_entries(self, pool: PoolKey) -> None:
        """Have the queues of a pool forget what they are to forget."""
        for key in self._cache.stale_entries_of(pool):
            self._videojobs.add(key)

    def waiting(self, pool: PoolKey) -> int:
        """How many VideoJobs say that they wait in this pool's queues."""
        return self._cache.phases(pool)[Phase.QUEUED.value]

    def has_active(self, pool: PoolKey) -> bool:
        """Whether a worker could hold a VideoJob of this pool."""
        phases = self._cache.phases(pool)
        return bool(phases[Phase.QUEUED.value] or phases[Phase.RUNNING.value])

    def began_without(self, pool: PoolKey, silent_s: float) -> bool:
        """Whether a VideoJob may have begun without this pool's queues: also while another process served it."""
        return silent_s >= SILENT_S or self._cache.has_carried(pool)

    def is_past(self, pool: PoolKey, uid: str, attempt: int) -> bool:
        """Whether an attempt has begun or ended without this pool's queues, or its VideoJob has."""
        key = self._cache.videojob_of(uid)
        record = self._cache.videojobs.get(key) if key else None
        if record is None or record.phase.is_final:
            return True
        if record.pool != pool:
            return False  # it is to leave, and takes what it waited along
        return attempt < record.number or self._cache.carrying_job(record) is not None


def _place(record: VideoJobRecord) -> tuple[str, str, str]:
    """Sort by when it came to wait, then by age; what never waited comes last. Times of one form sort as text."""
    raw = record.object
    return raw["status"].get("queuedAt", "~"), raw["metadata"].get("creationTimestamp", ""), record.key.name
