"""The worker's side of the queue: claim one attempt, keep it, and hand in how it ended."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from videojob_contract.queue.connection import ScriptRunner
from videojob_contract.queue.types import LEASE_S, Claim, RenewOutcome, Retired

if TYPE_CHECKING:  # a worker registers before it takes the time to import the models
    from redis.asyncio import Redis

    from videojob_contract.assignment import Assignment, Progress, Result
    from videojob_contract.queue.types import PoolKey


class WorkerQueue:
    """One worker's view of its pool, on Redis; see `api.WorkerApi`. It stays within `acl.worker_rules`."""

    def __init__(
        self,
        pool: PoolKey,
        redis: Redis,
        worker: str,
        job: str,
        *,
        cluster: str = "",
        lease_s: float = LEASE_S,
    ) -> None:
        self._runner = ScriptRunner(pool, redis, cluster=cluster, may_load=False)
        self._worker = worker
        self._job = job
        self._lease_s = lease_s

    @property
    def _lease_ms(self) -> int:
        return round(self._lease_s * 1000)

    async def register(self) -> None:
        """Make this worker known as idle, or say that it still lives."""
        await self._runner.run("register", self._worker, self._job)

    async def claim(self, timeout_s: float) -> Claim | Retired | None:
        """Wait for an attempt at most `timeout_s` seconds, and hold it; None when there was none.

        One that cannot be read is handed in as failed, and the worker is not needed any more.
        """
        token = uuid.uuid4().hex
        keys = self._runner.keys
        wakers = [keys.mail(self._worker), keys.fixed("wake")]
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        while True:
            answer, *rest = await self._runner.run("claim", self._worker, self._job, token, self._lease_ms)
            if answer == "retired":
                return Retired()
            if answer == "claimed":
                uid, attempt, held_token, queue, claimed_at_ms, payload = rest
                assignment = _read_assignment(payload)
                if assignment is None:
                    # Whoever is of an earlier version would get it again and again: another worker takes its place.
                    await self._give_up(uid, attempt, held_token)
                    return Retired()
                return Claim(
                    assignment=assignment,
                    token=held_token,
                    queue=queue,
                    claimed_at=datetime.fromtimestamp(claimed_at_ms / 1000, UTC),
                    lease_s=self._lease_s,
                )
            remaining_s = deadline - now()
            if remaining_s <= 0:
                return None
            # What is enqueued between the script and this leaves its token, which is found at once.
            await self._runner.pop(wakers, remaining_s)

    async def renew(self, claim: Claim) -> RenewOutcome:
        """Extend the lease. After Redis was emptied, the claim is restored."""
        return RenewOutcome(await self._fenced("renew", claim, self._lease_ms))

    async def report(self, claim: Claim, progress: Progress) -> RenewOutcome:
        """Say how far the attempt is; answers like `renew`, but leaves the lease as it is."""
        return RenewOutcome(await self._fenced("report", claim, progress.stage, _to_json(progress)))

    async def finish(self, claim: Claim, result: Result) -> bool:
        """Hand in how the attempt ended; False when it is held no more, and the result is refused."""
        return await self._fenced("finish", claim, _to_json(result)) == "accepted"

    async def wait_signal(self, claim: Claim, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds for word that the attempt should stop; True when it came."""
        signal = [self._runner.keys.signal(claim.assignment.uid)]
        now = asyncio.get_running_loop().time
        deadline = now() + timeout_s
        while True:
            attempt = await self._runner.pop(signal, deadline - now())
            if attempt == str(claim.assignment.attempt):
                return True
            if now() >= deadline:
                return False

    async def _give_up(self, uid: str, attempt: int, token: str) -> None:
        """Hand in that this worker cannot read what it was given: another may, or what is enqueued again."""
        from videojob_contract.assignment import Result  # noqa: PLC0415 - not before it is needed
        from videojob_contract.errors import Reason  # noqa: PLC0415

        message = f"worker {self._worker} cannot read its assignment: is it of another version?"
        result = Result(uid=uid, attempt=attempt, result="failed", reason=Reason.WORKER_LOST, message=message)
        await self._runner.run("finish", uid, attempt, token, _to_json(result))

    async def _fenced(self, script: str, claim: Claim, *args: str | float) -> str:
        """Run a script that the token fences; restore the claim first if Redis has forgotten it."""
        assignment = claim.assignment
        fence = (assignment.uid, assignment.attempt, claim.token)
        answer = await self._runner.run(script, *fence, *args)
        while answer == "unknown":
            from videojob_contract.queue.payload import pack  # noqa: PLC0415 - not before it is needed

            restored = await self._runner.run(
                "restore",
                *fence,
                self._lease_ms,
                self._worker,
                self._job,
                claim.queue,
                round(claim.claimed_at.timestamp() * 1000),
                pack(assignment),
                assignment.spec.user or "",
                assignment.spec.project or "",
            )
            if restored == "lost":
                return str(RenewOutcome.LOST)
            answer = await self._runner.run(script, *fence, *args)
        return str(answer)


def _read_assignment(payload: str | None) -> Assignment | None:
    from videojob_contract.queue.payload import unpack  # noqa: PLC0415 - not before it is needed

    try:
        return unpack(payload or "")
    except ValueError:
        return None


def _to_json(model: Progress | Result) -> str:
    return model.model_dump_json(by_alias=True, exclude_none=True)
