"""The operator's side of the queue: enqueue, cancel, release, and see what the workers do."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from videojob_contract.assignment import Assignment
from videojob_contract.queue.acl import worker_rules
from videojob_contract.queue.connection import ScriptRunner, awaited, configuration_of
from videojob_contract.queue.errors import (
    NewerRecordError,
    QueueFullError,
    QueueUnavailableError,
    UnknownQueueError,
    answered,
)
from videojob_contract.queue.events import Event
from videojob_contract.queue.payload import pack
from videojob_contract.queue.reading import OnUnreadable, QueueReader, log_unreadable
from videojob_contract.queue.stream import EventStream
from videojob_contract.queue.types import (
    DEFAULT_DEMAND,
    DEFAULT_SHARING,
    LEASE_S,
    LOWEST_RANK,
    TOMBSTONE_S,
    CancelOutcome,
    Demand,
    Enqueued,
    EnqueueState,
    PoolKey,
    PoolSnapshot,
    QueueEntry,
    Sharing,
)

_EPOCH = datetime.fromtimestamp(0, UTC)
_CHUNK = 200
"""Entries read by one script: few enough that no other client waits noticeably."""

_SILENT_S = 4 * LEASE_S
"""A worker not heard of for so long is swept from the register."""


class OperatorQueue:
    """The operator's view of one pool, on Redis; see `api.OperatorApi`.

    `cluster` is that of `keys.Keys`, and `token` gives what `api.OperatorApi` has. `on_unreadable` is told of what
    cannot be read, which then is as if it were not there.
    """

    def __init__(
        self,
        pool: PoolKey,
        redis: Redis,
        *,
        cluster: str = "",
        tombstone_s: float = TOMBSTONE_S,
        token: Callable[[], int | None] = lambda: None,
        on_unreadable: OnUnreadable = log_unreadable,
    ) -> None:
        self._pool = pool
        self._redis = redis
        self._runner = ScriptRunner(pool, redis, cluster=cluster, may_load=True, token=token)
        self._reader = QueueReader(on_unreadable)
        self._stream = EventStream(self._runner, self._reader)
        self._tombstone_ms = round(tombstone_s * 1000)
        self._queues: Mapping[str, int] = {}
        self._sharing = Sharing()
        self._terms = ""
        self._held = False
        self._epoch = ""
        self._configuration = ""
        """What the Sentinels had agreed on when this last looked."""

    @property
    def pool(self) -> PoolKey:
        """The pool whose queues these are."""
        return self._pool

    async def load_scripts(self) -> None:
        """Put the scripts into Redis, so that workers can run them by their hashes."""
        await self._runner.load()

    async def configure(
        self, queues: Mapping[str, int], terms: str = "", sharing: Sharing = DEFAULT_SHARING, *, held: bool = False
    ) -> None:
        """Set the queues with their weights, and the terms; see `api.OperatorApi.configure`."""
        self._queues, self._terms, self._sharing, self._held = dict(queues), terms, sharing, held
        await self._configure_again()

    async def _configure_again(self) -> None:
        weights = (part for queue in self._queues.items() for part in queue)
        rules = (part for rule in _rules(self._sharing) for part in rule)
        state = "held" if self._held else "open"
        await self._runner.run("configure", state, self._terms, len(self._queues), *weights, *rules)

    async def ensure_epoch(self) -> bool:
        """Mark Redis as known; True when it was empty: then wait `GRACE_S` before enqueueing again."""
        key = self._runner.keys.fixed("epoch")
        configuration, found = None, ""
        while configuration != configuration_of(self._redis):  # until the answer is of one master
            configuration = configuration_of(self._redis)
            async with answered():
                found = str(await self._redis.get(key) or "")
        failed_over = await self._hold_after_failover(configuration)
        known, self._epoch = self._epoch, found
        if found:
            return failed_over or (bool(known) and known != found)  # another marked it, after it was emptied
        # The mark comes last: if this ends halfway, it is all done again.
        await self.load_scripts()
        await self._configure_again()
        epoch = uuid.uuid4().hex
        is_first = bool(await self._runner.run("mark", epoch))
        self._epoch = epoch if is_first else ""
        return is_first or bool(known)

    async def _hold_after_failover(self, configuration: str) -> bool:
        """Say whether another master is followed than before: it may lack what that was told, so nothing is claimed."""
        failed_over = self._configuration not in ("", configuration)
        if failed_over:
            self._held = True
            await self._configure_again()
        self._configuration = configuration
        return failed_over

    async def admit_workers(self, passwords: Sequence[str]) -> bool:
        """Let the pool's workers log in with these passwords; see `api.OperatorApi.admit_workers`."""
        hashes = (f"#{hashlib.sha256(password.encode()).hexdigest()}" for password in passwords)
        keys = self._runner.keys
        return await self._manage_users("ACL SETUSER", keys.user, "reset", "on", *hashes, *worker_rules(keys).split())

    async def _manage_users(self, *words: str) -> bool:
        """Run a command on users; False when this operator, or this Redis, has none to manage."""
        try:
            async with answered():
                await awaited(self._redis.execute_command(*words))  # type: ignore[no-untyped-call]
        except QueueUnavailableError as error:
            if isinstance(error.__cause__, ResponseError):
                return False
            raise
        return True

    async def enqueue(
        self,
        queue: str,
        assignment: Assignment,
        since: datetime | None = None,
        demand: Demand = DEFAULT_DEMAND,
        *,
        again: bool = False,
    ) -> Enqueued:
        """Let an attempt wait in a queue; see `api.OperatorApi.enqueue`."""
        since_ms = "" if since is None else (since - _EPOCH) // timedelta(milliseconds=1)
        args = (
            *(assignment.uid, assignment.attempt, queue, pack(assignment), since_ms, assignment.terms),
            *(demand.user, demand.project, LOWEST_RANK - demand.priority, demand.cost_ms, int(demand.fifo)),
            int(again),
        )
        answer, position = await self._runner.run("enqueue", *args, uid=assignment.uid)
        if answer == "unknown_queue" and queue in self._queues:  # Redis was emptied just now
            await self._configure_again()
            answer, position = await self._runner.run("enqueue", *args, uid=assignment.uid)
        if answer == "unknown_queue":
            known = ", ".join(sorted(self._queues)) or "none"
            raise UnknownQueueError(f'pool {self._pool.name} has no queue "{queue}"; its queues: {known}')
        return Enqueued(EnqueueState(answer), None if position < 0 else position)

    async def has_room(self) -> bool:
        """Say whether Redis takes new entries: not while it is out of memory."""
        try:
            await self._runner.run("room")
        except QueueFullError:
            return False
        return True

    async def cancel(self, uid: str) -> CancelOutcome:
        """Keep a VideoJob from running, or tell its worker to stop."""
        return CancelOutcome(await self._runner.run("cancel", uid, self._tombstone_ms, uid=uid))

    async def withdraw(self, uid: str, attempt: int) -> bool:
        """Take an attempt out of its queue without a trace; False when it does not wait there."""
        return bool(await self._runner.run("withdraw", uid, attempt))

    async def release(self, uid: str, attempt: int) -> None:
        """End an attempt that is lost, or whose result was handled; the next can be enqueued."""
        await self._runner.run("release", uid, attempt, self._tombstone_ms, uid=uid)

    async def forget(self, uid: str) -> None:
        """Remove a VideoJob that is deleted or final; its worker, if any, is told, and the uid is refused."""
        await self._runner.run("forget", uid, self._tombstone_ms, uid=uid)

    async def retire(self, worker: str) -> bool:
        """Let an idle worker exit instead of claiming; False when it is busy or not known."""
        return bool(await self._runner.run("retire", worker, worker=worker))

    async def entry(self, uid: str) -> QueueEntry | None:
        """Return what is known of a VideoJob; None when nothing is, or only a tombstone."""
        (reply,) = await self._runner.run("entries", uid)
        if reply is not None and self._reader.is_newer(reply):
            raise NewerRecordError(uid)
        return self._reader.entry(reply)

    async def entries(self, uids: Iterable[str]) -> dict[str, QueueEntry]:
        """Return what is known of many; those of which nothing is known are left out."""
        wanted = list(uids)
        found: dict[str, QueueEntry] = {}
        for start in range(0, len(wanted), _CHUNK):
            replies = await self._runner.run("entries", *wanted[start : start + _CHUNK])
            found.update((entry.uid, entry) for entry in map(self._reader.entry, replies) if entry)
        return found

    async def known_uids(self) -> set[str]:
        """Return the uids of every entry that is queued, claimed or finished; for the slow resync."""
        known: set[str] = set()
        cursor = "0"
        while True:
            cursor, uids = await self._runner.run("scan", cursor)
            known.update(filter(None, uids))
            if cursor == "0":
                return known

    async def snapshot(self) -> PoolSnapshot:
        """Return counts, waits and workers; its cost does not grow with the backlog."""
        return self._reader.snapshot(await self._runner.run("snapshot", round(LEASE_S * 1000)))

    async def expired(self, limit: int = 100) -> list[QueueEntry]:
        """Return claimed entries whose lease has ended, oldest first; sweeps what is too old."""
        replies: list[Any] = await self._runner.run("expired", limit, round(_SILENT_S * 1000))
        return [entry for entry in map(self._reader.entry, replies) if entry]

    def events(self, consumer: str) -> AsyncIterator[Event]:
        """Yield events for ever, those first that this or a dead consumer left unacknowledged."""
        return self._stream.events(consumer)

    async def ack(self, ids: Iterable[str]) -> None:
        """Say that events are dealt with."""
        await self._stream.ack(ids)

    async def delete_pool(self) -> None:
        """Remove the pool's user and keys; what is left, signals and mail, goes by itself within a minute."""
        async with answered():
            await self._redis.unlink(*self._runner.keys.all_fixed())
        await self._manage_users("ACL DELUSER", self._runner.keys.user)


def _rules(sharing: Sharing) -> Iterator[tuple[str, str | int]]:
    yield "order", "fifo" if sharing.fifo else "fair"
    for user, weight in sharing.weights.items():
        yield f"weight:{user}", weight
    for kind, most in sharing.running.items():
        yield f"running:{kind}", most
