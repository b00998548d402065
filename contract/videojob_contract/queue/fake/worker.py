"""The worker's side of the fake."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta

from videojob_contract.assignment import Progress, Result
from videojob_contract.queue.events import Claimed, Finished, Registered, StageChanged, WorkerRetired
from videojob_contract.queue.fake.state import GONE, FakeServer, Record, Side
from videojob_contract.queue.types import (
    LEASE_S,
    Claim,
    Demand,
    EntryState,
    PoolKey,
    QueueEntry,
    RenewOutcome,
    Retired,
    WorkerInfo,
    WorkerState,
)

_STRIDE = 232792560


class FakeWorkerQueue(Side):
    """One worker's view of its pool, in memory; see `api.WorkerApi`."""

    def __init__(self, pool: PoolKey, server: FakeServer, worker: str, job: str, *, lease_s: float = LEASE_S) -> None:
        super().__init__(pool, server)
        self._worker = worker
        self._job = job
        self._lease_s = lease_s

    async def register(self) -> None:
        """Make this worker known as idle, or say that it still lives."""
        now, known = self._server.now(), self._state.workers.get(self._worker)
        if known:
            self._state.workers[self._worker] = replace(known, last_seen=now)
        else:
            self._state.workers[self._worker] = WorkerInfo(self._worker, self._job, WorkerState.IDLE, now, now)
            self._emit(lambda event_id: Registered(event_id, self._worker, self._job))

    async def claim(self, timeout_s: float) -> Claim | Retired | None:
        """Wait for an attempt at most `timeout_s` seconds, and hold it; None when there was none."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            answer = await self._try_claim()
            remaining_s = deadline - asyncio.get_running_loop().time()
            if answer or remaining_s <= 0:
                return answer
            await self._server.change(remaining_s)

    async def _try_claim(self) -> Claim | Retired | None:
        await self.register()
        state, now = self._state, self._server.now()
        me = state.workers[self._worker]
        if me.state is WorkerState.RETIRING:
            if self._worker not in state.retired:
                state.retired.add(self._worker)
                self._emit(lambda event_id: WorkerRetired(event_id, self._worker, self._job))
            return Retired()
        held = state.records.get(me.uid or "")
        if held and held.state == "claimed" and held.entry.worker == self._worker:
            return self._claim_of(held)
        uid = self._next()
        if uid is None:
            if me.state is WorkerState.BUSY:
                state.workers[self._worker] = replace(me, state=WorkerState.IDLE, since=now, uid=None)
            return None
        record = state.records[uid]
        if record.lane and record.waiting:
            state.backlog.remove((record.waiting.place, uid))
            state.turns.serve(record.lane, record.waiting, record.demand)
            record.charged = record.lane.user == record.demand.user
            record.lane = record.waiting = None
        self._hold(record, replace(record.entry, claimed_at=now, token=uuid.uuid4().hex))
        return self._claim_of(record)

    def _next(self) -> str | None:
        """Return the head of the queue that is least ahead of its share, and move its pass on."""
        state = self._state
        most = state.turns.sharing.running.get("pool")
        if state.held or (most is not None and state.claimed >= most):
            return None
        open_queues = [
            (state.passes.get(queue, 0), -weight, queue) for queue, weight in state.weights.items() if weight >= 0
        ]
        # Those after the first that has one are not looked at: to look is to put aside what may not run.
        for behind, _, queue in sorted(open_queues):
            if uid := self._head(queue):
                state.passes = {name: max(0, state.passes.get(name, 0) - behind) for name in state.weights}
                state.passes[queue] += _STRIDE // max(1, state.weights[queue])
                return uid
        return None

    def _head(self, queue: str) -> str | None:
        """Return the next of a queue."""
        state = self._state

        def demand_of(uid: str) -> Demand | None:
            record = state.records[uid]
            return record.demand if state.terms in {"", record.entry.terms} else None

        return state.turns.head(queue, demand_of)

    def _hold(self, record: Record, entry: QueueEntry) -> None:
        now, uid, attempt = self._server.now(), entry.uid, entry.attempt
        record.state = "claimed"
        record.entry = replace(
            entry,
            state=EntryState.CLAIMED,
            worker=self._worker,
            job=self._job,
            lease_expires_at=now + timedelta(seconds=self._lease_s),
        )
        self._state.records[uid] = record
        self._state.turns.begin_run(uid, record.demand)
        self._state.workers[self._worker] = WorkerInfo(self._worker, self._job, WorkerState.BUSY, now, now, uid)
        self._emit(lambda event_id: Claimed(event_id, uid, attempt, self._worker, self._job))

    def _claim_of(self, record: Record) -> Claim:
        entry = record.entry
        if record.payload is None or entry.token is None or entry.claimed_at is None:
            raise AssertionError("a claimed entry has a payload, a token and a time")
        return Claim(record.payload, entry.token, entry.queue, entry.claimed_at, self._lease_s)

    def _standing(self, claim: Claim) -> tuple[RenewOutcome, Record | None]:
        """Say what a claim is worth; one that the server forgot is restored."""
        uid, attempt = claim.assignment.uid, claim.assignment.attempt
        record = self._state.records.get(uid)
        if record and (record.state in GONE or record.entry.attempt > attempt):
            return RenewOutcome.LOST, None
        if record is None or record.entry.attempt < attempt or record.state == "queued":
            self._detach(uid)
            entry = QueueEntry(
                uid,
                EntryState.CLAIMED,
                attempt,
                claim.queue,
                claimed_at=claim.claimed_at,
                token=claim.token,
            )
            spec = claim.assignment.spec
            demand = Demand(spec.user or "", spec.project or "")
            record = Record(entry, "claimed", claim.assignment, demand=demand)
            self._hold(record, entry)
        if record.state == "claimed" and record.entry.token == claim.token:
            return RenewOutcome.CANCELLED if record.entry.cancelling else RenewOutcome.HELD, record
        return RenewOutcome.LOST, None

    async def renew(self, claim: Claim) -> RenewOutcome:
        """Extend the lease. After the server was emptied, the claim is restored."""
        outcome, record = self._standing(claim)
        if record:
            now = self._server.now()
            ends = now + timedelta(seconds=self._lease_s)
            record.entry = replace(record.entry, lease_expires_at=ends)
            worker, job, uid = record.entry.worker or "", record.entry.job or "", record.entry.uid
            known = self._state.workers.get(worker)
            self._state.workers[worker] = (
                replace(known, last_seen=now) if known else WorkerInfo(worker, job, WorkerState.BUSY, now, now, uid)
            )
        return outcome

    async def report(self, claim: Claim, progress: Progress) -> RenewOutcome:
        """Say how far the attempt is; answers like `renew`, but leaves the lease as it is."""
        outcome, record = self._standing(claim)
        if record:
            before, entry = record.entry.progress, record.entry
            record.entry = replace(entry, progress=progress)
            if before is None or before.stage != progress.stage:
                self._emit(lambda event_id: StageChanged(event_id, entry.uid, entry.attempt))
        return outcome

    async def finish(self, claim: Claim, result: Result) -> bool:
        """Hand in how the attempt ended; False when it is held no more, and the result is refused."""
        _, record = self._standing(claim)
        if record:
            uid, attempt = claim.assignment.uid, claim.assignment.attempt
            self._state.settle(uid, self._server.now())
            record.state, record.payload = "finished", None
            record.entry = replace(record.entry, state=EntryState.FINISHED, result=result, lease_expires_at=None)
            self._dismiss(record.entry.worker, uid)
            self._emit(lambda event_id: Finished(event_id, uid, attempt))
            return True
        known = self._state.records.get(claim.assignment.uid)
        return bool(known and known.state == "finished" and known.entry.token == claim.token)

    async def wait_signal(self, claim: Claim, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds for word that the attempt should stop; True when it came."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            attempts = self._state.signals.pop(claim.assignment.uid, [])
            if claim.assignment.attempt in attempts:
                return True
            remaining_s = deadline - asyncio.get_running_loop().time()
            if remaining_s <= 0:
                return False
            await self._server.change(remaining_s)
