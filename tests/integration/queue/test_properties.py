"""Any interleaving of what operator, workers, time and misfortune do to the queue.

Every step is done on a real Redis and on the fake, which must look the same after it. What is checked besides:

- two tokens are never worth the same attempt, unless Redis was emptied in between, and then only one from then on;
- what was enqueued waits, is held, has finished, or was taken out by the operator: nothing is lost;
- what is refused changes nothing, to the last byte in Redis;
- a call that is repeated at once changes nothing more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from redis.asyncio import Redis

from tests.integration.queue.conftest import QUEUES, Backend, assignment, result
from videojob_contract.assignment import Progress
from videojob_contract.queue.api import OperatorApi, WorkerApi
from videojob_contract.queue.connection import connect
from videojob_contract.queue.types import (
    DEFAULT_DEMAND,
    CancelOutcome,
    Claim,
    Demand,
    EntryState,
    RenewOutcome,
    Sharing,
)
from videojob_contract.resources.status import Stage

WORKERS = [f"pod-{number}" for number in range(6)]
SOON_S = 0.01
HELD = {RenewOutcome.HELD, RenewOutcome.CANCELLED, True}

steps = st.integers(-1, 1)
queues = st.sampled_from(list(QUEUES))
workers = st.sampled_from(WORKERS)
times = st.integers(1, 2)
demands = st.builds(
    Demand,
    user=st.sampled_from(["", "ann", "bob"]),
    project=st.sampled_from(["", "film"]),
    priority=st.sampled_from([0, 0, 0, 5, -100]),
    fifo=st.booleans(),
    predicted_s=st.sampled_from([1.0, 60.0, 3600.0]),
)
sharings = st.builds(
    Sharing,
    fifo=st.booleans(),
    weights=st.sampled_from([{}, {"ann": 3}]),
    running=st.dictionaries(st.sampled_from(["user", "project", "pool"]), st.integers(1, 4), max_size=2),
)
since = st.none() | st.integers(0, 5).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


async def everything_in(redis: Redis, *, but_times: bool) -> dict[str, Any]:
    """Return every key's content; `but_times` leaves out what a repeated call may refresh."""
    # Tokens that wake workers are hints: each call adds the one that is missing.
    keys = [key for key in map(str, await redis.keys()) if not (but_times and key.endswith(":wake"))]
    async with redis.pipeline(transaction=False) as types, redis.pipeline(transaction=False) as contents:
        for key in keys:
            types.type(key)
        read: dict[str, Callable[[str], Any]] = {
            "string": contents.get,
            "hash": contents.hgetall,
            "list": lambda key: contents.lrange(key, 0, -1),
            "stream": contents.xrange,
            "zset": lambda key: contents.zrange(key, 0, -1, withscores=not but_times),
        }
        for key, kind in zip(keys, await types.execute(), strict=True):
            read[kind](key)
        found = dict(zip(keys, await contents.execute(), strict=True))
    by_time = (":seen", ":leases")  # their order is of times
    return {key: sorted(value) if key.endswith(by_time) else value for key, value in found.items()}


async def seen_by_the_operator(operator: OperatorApi, uids: list[str]) -> Any:
    """Return all that the operator can see, without times and tokens, which the two sides do not share."""
    entries = await operator.entries(uids)
    snapshot = await operator.snapshot()
    return (
        {
            uid: (
                *(entry.state, entry.attempt, entry.queue, entry.position, entry.worker, entry.job),
                *(entry.waits_for, entry.expired, entry.cancelling, entry.progress, entry.result),
            )
            for uid, entry in entries.items()
        },
        snapshot.queued,
        snapshot.claimed,
        snapshot.resting,
        [(worker.id, worker.job, worker.state, worker.uid) for worker in snapshot.workers],
        await operator.known_uids(),
    )


class QueueMachine(RuleBasedStateMachine):
    """Redis and the fake, side by side."""

    redis_url: str
    uids = Bundle("uids")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.uids_made: list[str] = []
        self.made: list[tuple[str, list[Claim]]] = []
        """Every claim that was made, and by whom."""
        self.newest: dict[str, int] = {}
        """The newest attempt of each uid that the queue must remember."""
        self.accounted: dict[str, int] = {}
        """The attempt of each uid that must be somewhere."""
        self.owner: dict[tuple[str, int], str] = {}
        """Whose token in Redis is worth an attempt."""

    @initialize()
    def start(self) -> None:
        self.runner.run(self._start())

    async def _start(self) -> None:
        self.redis = connect(self.redis_url)
        await self.redis.flushall()
        self.backends = (Backend(self.redis), Backend(None))
        self.backends[1].pool = self.backends[0].pool
        self.operators = tuple(backend.operator() for backend in self.backends)
        for operator in self.operators:
            await operator.load_scripts()
            await operator.configure(QUEUES)
            await operator.ensure_epoch()

    def teardown(self) -> None:
        self.runner.run(self._drain())
        self.runner.close()

    async def _drain(self) -> None:
        """What waits at the end is claimed once each."""
        if not hasattr(self, "operators"):
            return
        await self.operators[0].configure(QUEUES)
        entries = await self.operators[0].entries(self.uids_made)
        waiting = [uid for uid, entry in entries.items() if entry.state is EntryState.QUEUED]
        drained = [(await self.backends[0].claim(f"drain-{number}"))[1] for number in range(len(waiting))]
        assert sorted(claim.assignment.uid for claim in drained) == sorted(waiting)
        assert await self.backends[0].worker("drain-last").claim(0) is None
        await self.redis.aclose()

    # --- doing a step on both sides

    def _both(self, step: Callable[[int], Awaitable[Any]], repeat: int = 1) -> Any:
        """Do a step on both sides, again as often as asked, and return Redis' answer."""
        return self.runner.run(self._do_both(step, repeat))

    async def _do_both(self, step: Callable[[int], Awaitable[Any]], repeat: int) -> Any:
        await self._pass_the_second()
        before = await everything_in(self.redis, but_times=False)
        answers = [await step(side) for side in (0, 1)]
        after = await everything_in(self.redis, but_times=True)
        if answers[0] in (False, RenewOutcome.LOST):
            assert await everything_in(self.redis, but_times=False) == before
        for _ in range(repeat - 1):
            again = [await step(side) for side in (0, 1)]
            assert self._alike(*again)
            assert await everything_in(self.redis, but_times=True) == after
        assert self._alike(*answers), answers
        views = [await seen_by_the_operator(operator, self.uids_made) for operator in self.operators]
        assert views[0] == views[1]
        return answers if isinstance(answers[0], Claim) else answers[0]

    async def _pass_the_second(self) -> None:
        """Wait while a claim is about to be a whole second old, which both sides count."""
        for _ in range(3):
            now = datetime.now(UTC)
            ages_s = [(now - claim.claimed_at).total_seconds() for _, sides in self.made[-12:] for claim in sides]
            if not any(age_s > SOON_S and (age_s + SOON_S) % 1 < 2 * SOON_S for age_s in ages_s):
                return
            await asyncio.sleep(2 * SOON_S)

    @staticmethod
    def _alike(real: Any, fake: Any) -> bool:
        if isinstance(real, Claim) and isinstance(fake, Claim):
            return (real.assignment, real.queue) == (fake.assignment, fake.queue)
        return bool(real == fake)

    def _worker(self, side: int, name: str, lease_s: float = 600) -> WorkerApi:
        return self.backends[side].worker(name, lease_s=lease_s)

    def _worth(self, claim: Claim, answer: Any) -> None:
        """Check an answer to a token against all answers before it."""
        uid, attempt = claim.assignment.uid, claim.assignment.attempt
        if answer in HELD:
            assert self.owner.setdefault((uid, attempt), claim.token) == claim.token
            assert attempt >= self.newest.get(uid, 0)
            self.newest[uid] = self.accounted[uid] = attempt

    # --- the operator

    def _attempt(self, uid: str, step: int) -> int:
        return max(1, self.newest.get(uid, 1) + step)

    @rule(sharing=sharings, repeat=times)
    def share(self, sharing: Sharing, repeat: int) -> None:
        self._both(lambda side: self.operators[side].configure(QUEUES, "", sharing), repeat)

    @rule(target=uids, queue=queues, demand=demands)
    def create(self, queue: str, demand: Demand = DEFAULT_DEMAND) -> str:
        uid = f"uid-{len(self.uids_made)}"
        self.uids_made.append(uid)
        self.enqueue(uid, 0, queue, 1, demand=demand)
        return uid

    @rule(uid=uids, step=steps, queue=queues, repeat=times, since=since, demand=demands)
    def enqueue(  # noqa: PLR0917 - a call of the queue, and what it is given
        self,
        uid: str,
        step: int,
        queue: str,
        repeat: int,
        since: datetime | None = None,
        demand: Demand = DEFAULT_DEMAND,
    ) -> None:
        attempt = self._attempt(uid, step)
        given = assignment(uid, attempt)
        answer = self._both(lambda side: self.operators[side].enqueue(queue, given, since, demand), repeat)
        assert answer.accepted or uid not in self.accounted or attempt < self.newest[uid]
        if answer.accepted:
            self.newest[uid] = self.accounted[uid] = attempt

    @rule(uid=uids, repeat=times, how=st.sampled_from(["cancel", "forget"]))
    def end(self, uid: str, repeat: int, how: str) -> None:
        answer = self._both(lambda side: getattr(self.operators[side], how)(uid), repeat)
        if answer in {None, CancelOutcome.CANCELLED}:
            self.accounted.pop(uid, None)

    @rule(uid=uids, step=steps, repeat=times)
    def release(self, uid: str, step: int, repeat: int) -> None:
        attempt = self._attempt(uid, step)
        self._both(lambda side: self.operators[side].release(uid, attempt), repeat)
        if attempt >= self.newest.get(uid, 0):
            self.newest[uid] = attempt
            self.accounted.pop(uid, None)

    @rule(uid=uids, step=steps)
    def withdraw(self, uid: str, step: int) -> None:
        attempt = self._attempt(uid, step)
        if self._both(lambda side: self.operators[side].withdraw(uid, attempt)):
            self.accounted.pop(uid, None)
            self.newest.pop(uid, None)

    @rule(worker=workers, repeat=times)
    def retire(self, worker: str, repeat: int) -> None:
        self._both(lambda side: self.operators[side].retire(worker), repeat)

    @rule()
    def release_what_expired(self) -> None:
        async def step(side: int) -> set[tuple[str, int]]:
            expired = await self.operators[side].expired()
            for entry in expired:
                await self.operators[side].release(entry.uid, entry.attempt)
            return {(entry.uid, entry.attempt) for entry in expired}

        for uid, attempt in self._both(step):
            assert self.accounted[uid] == attempt
            del self.accounted[uid]

    # --- workers

    @rule(target=claims, worker=workers, repeat=times)
    def claim(self, worker: str, repeat: int) -> Any:
        answers = self._both(lambda side: self._worker(side, worker).claim(0), repeat)
        if not isinstance(answers, list):
            return multiple()
        return self._keep(worker, answers)

    @rule(target=claims, queue=queues)
    def create_and_claim(self, queue: str) -> Any:
        """Let a new worker have what is next, so that most walks have claims."""
        self.create(queue)
        return self.claim(f"pod-new-{len(self.made)}", 1)

    def _keep(self, worker: str, sides: list[Claim]) -> tuple[str, list[Claim]]:
        self._worth(sides[0], True)
        self.made.append((worker, sides))
        return worker, sides

    @rule()
    def everyone_renews(self) -> None:
        for claim in self.made[-8:]:
            self.renew(claim, 1)

    @rule(worker=workers, repeat=times)
    def register(self, worker: str, repeat: int) -> None:
        self._both(lambda side: self._worker(side, worker).register(), repeat)

    @rule(claim=claims, repeat=times)
    def renew(self, claim: tuple[str, list[Claim]], repeat: int) -> None:
        worker, sides = claim
        self._worth(sides[0], self._both(lambda side: self._worker(side, worker).renew(sides[side]), repeat))

    @rule(claim=claims)
    def fall_silent_until_the_lease_ends(self, claim: tuple[str, list[Claim]]) -> None:
        worker, sides = claim

        async def step(side: int) -> RenewOutcome:
            outcome = await self._worker(side, worker, lease_s=0.001).renew(sides[side])
            await asyncio.sleep(0.003)
            return outcome

        self._worth(sides[0], self._both(step))

    @rule(claim=claims, stage=st.sampled_from([Stage.FETCHING, Stage.RENDERING]), repeat=times)
    def report(self, claim: tuple[str, list[Claim]], stage: Stage, repeat: int) -> None:
        worker, sides = claim
        progress = Progress(stage=stage, percent=50)
        answer = self._both(lambda side: self._worker(side, worker).report(sides[side], progress), repeat)
        self._worth(sides[0], answer)

    @rule(claim=claims, repeat=times)
    def finish(self, claim: tuple[str, list[Claim]], repeat: int) -> None:
        worker, sides = claim
        answer = self._both(lambda side: self._worker(side, worker).finish(sides[side], result(sides[side])), repeat)
        self._worth(sides[0], answer)

    # --- misfortune

    @rule(target=claims, put_back=st.booleans(), rivals=st.booleans())
    def empty_redis(self, put_back: bool, rivals: bool) -> Any:  # noqa: FBT001 - hypothesis passes by name
        """Forget everything.

        The operator puts it back at once, and other workers claim it, before those that hold it restore their claims.
        """
        lost = dict(self.accounted)
        self._both(lambda side: self.backends[side].flushall())
        self.newest.clear()
        self.accounted.clear()
        self.owner.clear()
        self._both(lambda side: self.operators[side].ensure_epoch())
        if not put_back:
            return multiple()
        for uid, attempt in lost.items():
            self.newest[uid] = attempt
            self.enqueue(uid, 0, "default", 1)
        if not rivals:
            return multiple()
        taken = []
        for number in range(len(lost)):
            rival = f"rival-{number}"
            rival_queues = [self._worker(side, rival) for side in (0, 1)]
            sides = self._both(lambda side, of=rival_queues: of[side].claim(0))  # type: ignore[misc]
            if isinstance(sides, list):  # and not kept from it by a limit
                taken.append(self._keep(rival, sides))
        return multiple(*taken)

    # --- what always holds

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "operators"):
            return
        entries = self.runner.run(self.operators[0].entries(self.uids_made))
        live = {uid: entry for uid, entry in entries.items() if entry.state is not EntryState.CANCELLED}
        assert {uid: entry.attempt for uid, entry in live.items()} == self.accounted
        snapshot = self.runner.run(self.operators[0].snapshot())
        states = [entry.state for entry in live.values()]
        assert snapshot.total_queued == states.count(EntryState.QUEUED)
        assert snapshot.claimed == states.count(EntryState.CLAIMED)


@pytest.mark.timeout(600)  # shrinking a failure takes longer than finding none
def test_any_interleaving(redis_url: str) -> None:
    machine = type("Machine", (QueueMachine,), {"redis_url": redis_url})
    run_state_machine_as_test(machine, settings=settings(max_examples=50, stateful_step_count=40, deadline=None))
