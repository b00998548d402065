"""Whose turn it is to begin without Redis: given out by a pool's reconcile, and taken by those of its VideoJobs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from videojob_contract.queue.types import PoolKey
from videojob_operator.act.worker_job import Manifest

TURN = timedelta(seconds=10)
"""How long a VideoJob has to begin, before it is the next one's turn: a limit of its pool may keep it from that."""
ASIDE = timedelta(minutes=5)
"""After which it may be its turn once more."""


@dataclass(frozen=True, slots=True)
class _Turn:
    given_at: datetime
    template: Manifest


class CarryingBook:
    """Turns, by pool and UID. A new process begins with none; what has begun shows by its Job."""

    def __init__(self) -> None:
        self._turns: dict[PoolKey, dict[str, _Turn]] = {}

    def give(self, pool: PoolKey, uids: tuple[str, ...], template: Manifest, now: datetime) -> None:
        """Let these begin, by worker Jobs of this pod template."""
        self._turns.setdefault(pool, {}).update((uid, _Turn(now, template)) for uid in uids)

    def template_for(self, pool: PoolKey, uid: str, now: datetime) -> Manifest | None:
        """Return the pod template that a VideoJob may begin with; None when it is not its turn."""
        turn = self._turns.get(pool, {}).get(uid)
        return turn.template if turn and now - turn.given_at < TURN else None

    def turns_of(self, pool: PoolKey, now: datetime) -> frozenset[str]:
        """Return the UIDs of those whose turn it is."""
        return frozenset(uid for uid, turn in self._turns.get(pool, {}).items() if now - turn.given_at < TURN)

    def aside_of(self, pool: PoolKey, now: datetime) -> frozenset[str]:
        """Return the UIDs of those that did not begin when it was their turn, and are passed over."""
        turns = self._turns.get(pool, {})
        for uid in [uid for uid, turn in turns.items() if now - turn.given_at >= ASIDE]:
            del turns[uid]
        return frozenset(turns) - self.turns_of(pool, now)

    def end(self, pool: PoolKey, uid: str) -> None:
        """Note that a VideoJob has begun: its Job has its place from now on."""
        self._turns.get(pool, {}).pop(uid, None)

    def forget(self, pool: PoolKey) -> None:
        """Take back all turns of a pool: its queues are there again, or it is gone, or another operator's."""
        self._turns.pop(pool, None)
