"""The operator's side of the fake."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from videojob_contract.assignment import Assignment
from videojob_contract.queue.errors import QueueFullError, SupersededError, UnknownQueueError
from videojob_contract.queue.events import Event
from videojob_contract.queue.fake.state import GONE, FakeServer, Pool, Record, Side
from videojob_contract.queue.stream import STALLED_S
from videojob_contract.queue.types import (
    DEFAULT_DEMAND,
    DEFAULT_SHARING,
    LEASE_S,
    TOMBSTONE_S,
    CancelOutcome,
    Demand,
    Enqueued,
    EnqueueState,
    EntryState,
    PoolKey,
    PoolSnapshot,
    QueueEntry,
    Sharing,
    WorkerState,
)

_SILENT_S = 4 * LEASE_S


class FakeOperatorQueue(Side):
    """The operator's view of one pool, in memory; see `api.OperatorApi`."""

    def __init__(
        self,
        pool: PoolKey,
        server: FakeServer,
        *,
        tombstone_s: float = TOMBSTONE_S,
        token: Callable[[], int | None] = lambda: None,
    ) -> None:
        super().__init__(pool, server)
        self._token = token
        self._epoch = 0
        self._tombstone = timedelta(seconds=tombstone_s)
        self._queues: Mapping[str, int] = {}
        self._sharing = Sharing()
        self._terms = ""
        self._held = False

    @property
    def _changed_state(self) -> Pool:
        """The state, which is about to be changed by this operator.

        Raises:
            SupersededError: another operator serves the pool.
        """
        state, token = self._state, self._token()
        if token is not None:
            if token < state.token:
                raise SupersededError(state.token)
            state.token = token
        return state

    async def load_scripts(self) -> None:
        """Do nothing: there are no scripts here."""
        _ = self._state

    async def configure(
        self, queues: Mapping[str, int], terms: str = "", sharing: Sharing = DEFAULT_SHARING, *, held: bool = False
    ) -> None:
        """Set the queues with their weights, and the terms; see `api.OperatorApi.configure`."""
        self._queues, self._terms, self._sharing, self._held = dict(queues), terms, sharing, held
        state = self._changed_state
        state.terms, state.held, state.turns.sharing = terms, held, sharing
        if not held:
            state.turns.rouse_all()
        self._server.touch()
        closed = {queue: 0 for queue in state.weights if queue not in queues and state.waiting(queue)}
        state.weights = {**queues, **closed}
        state.passes = {queue: ahead for queue, ahead in state.passes.items() if queue in state.weights}

    async def ensure_epoch(self) -> bool:
        """Mark the server as known; True when it was empty."""
        known, self._epoch = self._epoch, self._state.epoch
        if self._epoch:
            return bool(known) and known != self._epoch
        await self._configure_again()
        self._epoch = self._changed_state.epoch = int(self._server.next_id().partition("-")[0])
        return True

    async def _configure_again(self) -> None:
        await self.configure(self._queues, self._terms, self._sharing, held=self._held)

    async def admit_workers(self, passwords: Sequence[str]) -> bool:
        """Note the passwords of the pool's workers; see `api.OperatorApi.admit_workers`."""
        if self._server.has_users:
            self._state.passwords = tuple(passwords)
        return self._server.has_users

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
        if not await self.has_room():
            raise QueueFullError("the fake queue was made full")
        state, uid, attempt = self._changed_state, assignment.uid, assignment.attempt
        record = state.records.get(uid)
        if record:
            known = record.entry.attempt
            if record.state in GONE and not again:
                return Enqueued(EnqueueState.CANCELLED)
            if known > attempt or (known == attempt and record.state in GONE | {"released"}):
                return Enqueued(EnqueueState.STALE)
            if known == attempt and record.state != "queued":
                return Enqueued(EnqueueState(record.state))
        if not state.weights.get(queue) and queue in self._queues:
            await self._configure_again()
        if not state.weights.get(queue):
            known_queues = ", ".join(sorted(self._queues)) or "none"
            raise UnknownQueueError(f'pool {self._pool.name} has no queue "{queue}"; its queues: {known_queues}')
        waits = record is not None and record.entry.attempt == attempt
        if not (record and waits and self._is_same(record, queue, demand)):
            record = self._wait_anew(record, QueueEntry(uid, EntryState.QUEUED, attempt, queue), since, demand)
        record.entry = replace(record.entry, terms=assignment.terms)
        record.payload = assignment
        self._server.touch()
        return Enqueued(EnqueueState.QUEUED, state.position(uid))

    def _is_same(self, record: Record, queue: str, demand: Demand) -> bool:
        lane = self._state.turns.lane(queue, demand)
        return (record.entry.queue, record.demand, record.lane) == (queue, demand, lane)

    def _wait_anew(self, old: Record | None, entry: QueueEntry, since: datetime | None, demand: Demand) -> Record:
        """Let an attempt wait with what it has of its time waited."""
        state, now = self._state, self._server.now()
        came, queued_at, lacks, place = _milliseconds(since or now), now, demand.cost_ms, None
        if old:
            if old.lane and old.waiting:
                known = state.turns.lacks(old.lane, old.waiting)
                if (old.entry.attempt, old.entry.queue) == (entry.attempt, entry.queue):
                    came, queued_at, place = old.since or came, old.entry.queued_at or now, old.waiting.place
                if known is not None:
                    lacks = max(0, min(demand.cost_ms, known + demand.cost_ms - old.demand.cost_ms))
            elif old.since == came:
                lacks = 0
            self._tell(entry.uid)
            self._detach(entry.uid)
        if place is None:
            state.sequence += 1
            place = came, state.sequence
        entry = replace(entry, queued_at=queued_at, user=demand.user, priority=demand.priority)
        record = state.records[entry.uid] = Record(entry, "queued", demand=demand, since=came)
        state.wait(entry.uid, place, lacks)
        return record

    async def has_room(self) -> bool:
        """Say whether it takes new entries: not while it is made full."""
        _ = self._state
        return not self._server.full

    async def cancel(self, uid: str) -> CancelOutcome:
        """Keep a VideoJob from running, or tell its worker to stop."""
        record = self._changed_state.records.get(uid)
        if record and record.state == "finished":
            return CancelOutcome.FINISHED
        if record and record.state == "claimed":
            if not record.entry.cancelling:
                record.entry = replace(record.entry, cancelling=True)
                self._tell(uid)
            return CancelOutcome.SIGNALLED
        if not record or record.state not in GONE:
            self._bury(uid, "cancelled", record.entry.attempt if record else 0)
        return CancelOutcome.CANCELLED

    async def withdraw(self, uid: str, attempt: int) -> bool:
        """Take an attempt out of its queue without a trace; False when it does not wait there."""
        record = self._changed_state.records.get(uid)
        if not record or record.state != "queued" or record.entry.attempt != attempt:
            return False
        self._detach(uid)
        del self._state.records[uid]
        return True

    async def release(self, uid: str, attempt: int) -> None:
        """End an attempt that is lost, or whose result was handled; the next can be enqueued."""
        record = self._changed_state.records.get(uid)
        if record and (record.state in GONE or record.entry.attempt > attempt):
            return
        if record and record.state == "released" and record.entry.attempt == attempt:
            return
        self._bury(uid, "cancelled" if record and record.entry.cancelling else "released", attempt)

    async def forget(self, uid: str) -> None:
        """Remove a VideoJob that is deleted or final; its worker, if any, is told, and the uid is refused."""
        record = self._changed_state.records.get(uid)
        if not record or record.state != "forgotten":
            self._bury(uid, "forgotten", record.entry.attempt if record else 0)

    def _bury(self, uid: str, state: str, attempt: int) -> None:
        self._tell(uid)
        self._detach(uid)
        old = self._state.records.get(uid)
        entry = QueueEntry(uid, EntryState.CANCELLED, attempt, old.entry.queue if old else "")
        until = self._server.now() + self._tombstone
        self._state.records[uid] = Record(entry, state, until=until)
        if old:
            self._state.records[uid] = replace(old, entry=entry, state=state, until=until, payload=None)

    async def retire(self, worker: str) -> bool:
        """Let an idle worker exit instead of claiming; False when it is busy or not known."""
        known = self._changed_state.workers.get(worker)
        if not known or known.state is WorkerState.BUSY:
            return False
        if known.state is WorkerState.IDLE:
            retiring = replace(known, state=WorkerState.RETIRING, since=self._server.now())
            self._state.workers[worker] = retiring
            self._server.touch()
        return True

    async def entry(self, uid: str) -> QueueEntry | None:
        """Return what is known of a VideoJob; None when nothing is, or only a tombstone."""
        record = self._state.records.get(uid)
        if not record or record.state in {"released", "forgotten"}:
            return None
        if record.state == "queued":
            limit = self._state.turns.limit(record.demand, self._state.claimed)
            position = self._state.position(uid)
            return replace(record.entry, read_at=self._server.now(), position=position, waits_for=limit)
        ends = record.entry.lease_expires_at
        now = self._server.now()
        return replace(record.entry, read_at=now, expired=ends is not None and ends <= now)

    async def entries(self, uids: Iterable[str]) -> dict[str, QueueEntry]:
        """Return what is known of many; those of which nothing is known are left out."""
        return {uid: entry for uid in uids if (entry := await self.entry(uid))}

    async def known_uids(self) -> set[str]:
        """Return the uids of every entry that is queued, claimed or finished."""
        live = {"queued", "claimed", "finished"}
        return {uid for uid, record in self._state.records.items() if record.state in live}

    async def snapshot(self) -> PoolSnapshot:
        """Return counts, waits and workers."""
        state, now = self._state, self._server.now()
        waiting = {queue: state.waiting(queue) for queue, weight in state.weights.items()}
        firsts = {queue: state.records[uids[0]].entry.queued_at for queue, uids in waiting.items() if uids}
        workers = sorted(state.workers.values(), key=lambda worker: worker.id)
        return PoolSnapshot(
            at=now,
            queued={queue: len(uids) for queue, uids in waiting.items() if uids or state.weights[queue]},
            oldest_wait_s={queue: (now - (at or now)).total_seconds() for queue, at in firsts.items()},
            claimed=state.claimed,
            resting=state.turns.count_resting({queue for queue, weight in state.weights.items() if weight >= 0}),
            workers=tuple(
                worker
                for worker in workers
                if worker.id not in state.retired and now - worker.last_seen <= timedelta(seconds=LEASE_S)
            ),
        )

    async def expired(self, limit: int = 100) -> list[QueueEntry]:
        """Return claimed entries whose lease has ended, oldest first; sweeps what is too old."""
        state, now = self._state, self._server.now()
        for uid in [uid for uid, record in state.records.items() if record.until and record.until <= now]:
            del state.records[uid]
        silent = timedelta(seconds=_SILENT_S)
        for worker in [worker.id for worker in state.workers.values() if now - worker.last_seen >= silent]:
            del state.workers[worker]
            state.retired.discard(worker)
        ended = [
            (record.entry.lease_expires_at, uid, replace(record.entry, read_at=now, expired=True))
            for uid, record in state.records.items()
            if record.entry.lease_expires_at and record.entry.lease_expires_at <= now
        ]
        return [entry for _, _, entry in sorted(ended, key=lambda item: item[:2])[:limit]]

    async def events(self, consumer: str) -> AsyncIterator[Event]:
        """Yield events for ever, those first that this or a dead consumer left unacknowledged."""
        mine_again = True
        while True:
            now = self._server.now()
            for message in list(self._state.messages.values()):
                stalled = message.taken_at and now - message.taken_at > timedelta(seconds=STALLED_S)
                if message.consumer is None or stalled or (mine_again and message.consumer == consumer):
                    message.consumer, message.taken_at = consumer, now
                    yield message.event
            mine_again = False
            if all(message.consumer for message in self._state.messages.values()):
                await self._server.change(STALLED_S)

    async def ack(self, ids: Iterable[str]) -> None:
        """Say that events are dealt with."""
        for event_id in ids:
            self._changed_state.messages.pop(event_id, None)

    async def delete_pool(self) -> None:
        """Remove everything of the pool."""
        self._server.drop(self._pool)


def _milliseconds(moment: datetime) -> datetime:
    """Cut a time to what Redis has of it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
