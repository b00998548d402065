"""The two sides of the queue as their users see them: the real ones and the fakes both fit.

Every method raises `QueueUnavailableError` while Redis cannot be reached; one that would change what a newer version
wrote raises `NewerRecordError`. Every call may be repeated without harm.

An operator has a token, which is greater than that of every operator before it. Once one with a greater token has
changed something, whatever this one would change raises `SupersededError`. One without a token is not refused.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from videojob_contract.assignment import Assignment, Progress, Result
from videojob_contract.queue.events import Event
from videojob_contract.queue.types import (
    DEFAULT_DEMAND,
    DEFAULT_SHARING,
    CancelOutcome,
    Claim,
    Demand,
    Enqueued,
    PoolKey,
    PoolSnapshot,
    QueueEntry,
    RenewOutcome,
    Retired,
    Sharing,
)


class OperatorApi(Protocol):
    """What the operator does with one pool's queues."""

    @property
    def pool(self) -> PoolKey:
        """The pool whose queues these are."""

    async def load_scripts(self) -> None:
        """Put the scripts into Redis, so that workers can run them by their hashes."""

    async def configure(
        self, queues: Mapping[str, int], terms: str = "", sharing: Sharing = DEFAULT_SHARING, *, held: bool = False
    ) -> None:
        """Set the queues and their weights, and by which terms (`Assignment.terms`) attempts are claimed, or all.

        A new order holds for what is enqueued from then on, so it is one of the terms.

        The weight of a queue that is stopped is negative: entries are taken in and none is claimed, as in all of them
        while `held`.

        A queue that is left out takes no more entries, and what it holds drains with weight 1. What was enqueued by
        other terms waits until it is enqueued again.
        """

    async def ensure_epoch(self) -> bool:
        """Mark Redis as known; True when it was empty: then wait `GRACE_S` before enqueueing again.

        When it was empty, the scripts are loaded and the last configuration is set again too. After a failover it is
        True as well, for a replica may lack what its master had been told last; then claims are held from here on.
        """

    async def admit_workers(self, passwords: Sequence[str]) -> bool:
        """Let the pool's workers log in as its own user with any of these passwords, and with no other.

        Who is logged in stays so. False when the operator may make no users: then all workers share one.
        """

    async def enqueue(
        self,
        queue: str,
        assignment: Assignment,
        since: datetime | None = None,
        demand: Demand = DEFAULT_DEMAND,
        *,
        again: bool = False,
    ) -> Enqueued:
        """Let an attempt wait in a queue, by what it asks, and behind its likes that have waited longer.

        It waits since now by default. Again, for an attempt that waits: its payload is replaced, and it comes to where
        its queue and its demand have it now, with the time that it waited; in another queue, if `since` says it. A
        newer attempt replaces an older one, whatever its state. One that waits since the same time as the one before
        follows an interruption, and is its user's next. A VideoJob that was cancelled or forgotten is refused, unless
        it is to run `again`; then an attempt that is not newer than any before is stale.

        Raises:
            UnknownQueueError: The pool has no such queue.
            QueueFullError: Redis is out of memory; all other calls go on.
        """

    async def has_room(self) -> bool:
        """Say whether Redis takes new entries: not while it is out of memory."""

    async def cancel(self, uid: str) -> CancelOutcome:
        """Keep a VideoJob from running, or tell its worker to stop."""

    async def withdraw(self, uid: str, attempt: int) -> bool:
        """Take an attempt out of its queue, as if it had never been enqueued; it may be enqueued again.

        False, and nothing happens, when that attempt does not wait.
        """

    async def release(self, uid: str, attempt: int) -> None:
        """End an attempt whose lease or pod is lost, or whose result was handled; the next can be enqueued.

        The attempt is refused from then on. Nothing happens when a newer attempt is known.
        """

    async def forget(self, uid: str) -> None:
        """Remove a VideoJob that is deleted or final; its worker, if any, is told, and the uid is refused."""

    async def retire(self, worker: str) -> bool:
        """Let an idle worker exit instead of claiming; False when it is busy or not known."""

    async def entry(self, uid: str) -> QueueEntry | None:
        """Return what is known of a VideoJob; None when nothing is, or only a tombstone.

        Raises:
            NewerRecordError: A newer version wrote it.
        """

    async def entries(self, uids: Iterable[str]) -> dict[str, QueueEntry]:
        """Return what is known of many; those of which nothing is known are left out."""

    async def known_uids(self) -> set[str]:
        """Return the uids of every entry that is queued, claimed or finished; for the slow resync."""

    async def snapshot(self) -> PoolSnapshot:
        """Return counts, waits and workers; its cost does not grow with the backlog."""

    async def expired(self, limit: int = 100) -> list[QueueEntry]:
        """Return claimed entries whose lease has ended, oldest first.

        Sweeps old tombstones and dead workers too, so call it every few seconds.
        """

    def events(self, consumer: str) -> AsyncIterator[Event]:
        """Yield events for ever, those first that this or a dead consumer left unacknowledged.

        They come at least once. `consumer` names this process: unlike any other's, and better the same after
        a restart.
        """

    async def ack(self, ids: Iterable[str]) -> None:
        """Say that events are dealt with."""

    async def delete_pool(self) -> None:
        """Remove every key of the pool, and the user of its workers."""


class WorkerApi(Protocol):
    """What one worker does with its pool's queues."""

    async def register(self) -> None:
        """Make this worker known as idle, or say that it still lives."""

    async def claim(self, timeout_s: float) -> Claim | Retired | None:
        """Wait for an attempt at most `timeout_s` seconds, and hold it; None when there was none.

        Weighted over the queues, and in each over its users; see `Sharing`. Keeps the worker registered while it waits.
        A worker that holds a claim gets the same again.
        """

    async def renew(self, claim: Claim) -> RenewOutcome:
        """Extend the lease. After Redis was emptied, the claim is restored."""

    async def report(self, claim: Claim, progress: Progress) -> RenewOutcome:
        """Say how far the attempt is; answers like `renew`, but leaves the lease as it is."""

    async def finish(self, claim: Claim, result: Result) -> bool:
        """Hand in how the attempt ended; False when it is held no more, and the result is refused."""

    async def wait_signal(self, claim: Claim, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds for word that the attempt should stop; True when it came.

        A hint that makes stopping fast: `renew` and `report` answer with what holds.
        """
