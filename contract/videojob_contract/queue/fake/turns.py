"""Whose turn it is within a queue, as `scripts/lib/turns.lua` and `accounts.lua` have it: the same numbers.

All times are whole milliseconds.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from videojob_contract.queue.types import DEFAULT_SHARING, LOWEST_RANK, Demand, Sharing

if TYPE_CHECKING:
    from datetime import datetime

    from videojob_contract.queue.types import Demand, Sharing

LATEST = 10**15
"""Of passes, tags and virtual times."""
DEAREST = 10**10
"""Longest attempt."""

Place = tuple["datetime", int]
"""Since when it waits, and the how-manieth it was."""


class Lane(NamedTuple):
    """The entries of one user in one queue."""

    queue: str
    user: str


class InLane(NamedTuple):
    """An entry in its lane; they sort as they are served."""

    rank: int
    tag: int
    place: Place
    uid: str


@dataclass(frozen=True, slots=True)
class Account:
    """What a user had of a queue."""

    had: int = 0
    virtual: int = 0
    unspent: int = 0


@dataclass
class Turns:
    """The lanes of a pool, and who is next in each queue."""

    sharing: Sharing = DEFAULT_SHARING
    lanes: defaultdict[Lane, list[InLane]] = field(default_factory=lambda: defaultdict(list))
    shared: defaultdict[Lane, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    accounts: dict[Lane, Account] = field(default_factory=dict)
    virtual_time: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    turns: set[Lane] = field(default_factory=set)

    def lane(self, queue: str, demand: Demand) -> Lane:
        """Return the lane in which a demand waits."""
        return Lane(queue, "" if self.sharing.fifo else demand.user)

    def order(self, queue: str) -> list[Lane]:
        """Return the lanes of a queue in the order of their turns."""
        mine = [lane for lane in self.turns if lane.queue == queue]
        return sorted(mine, key=lambda lane: (self.accounts[lane].had, lane.user))

    def position(self, lane: Lane, waiting: InLane, total: int) -> int:
        """Return how many of the `total` of a queue are before one."""
        own = self.lanes[lane].index(waiting)
        mine = self.accounts[lane].had, lane.user
        users = self.order(lane.queue)
        before = sum((self.accounts[other].had, other.user) < mine for other in users)
        return own + max(0, min(total - len(self.lanes[lane]), own * (len(users) - 1) + before))

    def enter(self, lane: Lane, uid: str, demand: Demand, place: Place, lacks: int) -> InLane:
        """Let an entry wait that lacks so much of its tag."""
        account = self.accounts.get(lane, Account())
        if not self.lanes[lane]:
            account = replace(account, had=max(account.had, self.virtual_time[lane.queue]))
        if self.sharing.fifo:
            waiting = InLane(0, 0, place, uid)
        else:
            waiting = InLane(LOWEST_RANK - demand.priority, min(LATEST, account.virtual + lacks), place, uid)
            insort(self.shared[lane], (waiting.tag, uid))
        insort(self.lanes[lane], waiting)
        self.accounts[lane] = account
        self.turns.add(lane)
        return waiting

    def lacks(self, lane: Lane, waiting: InLane) -> int | None:
        """Return how much an entry lacks of its tag; None where it has none."""
        return max(0, waiting.tag - self.accounts[lane].virtual) if waiting.tag else None

    def leave(self, lane: Lane, waiting: InLane) -> None:
        """Take an entry out of its lane."""
        self.lanes[lane].remove(waiting)
        self._stop_sharing(lane, waiting)
        self._close(lane)

    def serve(self, lane: Lane, waiting: InLane, demand: Demand) -> None:
        """Take an entry out to be claimed, on its user's account."""
        account, cost = self.accounts[lane], demand.cost_ms
        self.lanes[lane].remove(waiting)
        self.virtual_time[lane.queue] = max(self.virtual_time[lane.queue], account.had)
        had = min(LATEST, account.had + max(1, cost // self._weight(lane.user)))
        self.accounts[lane] = self._advance(lane, replace(account, had=had), cost)
        self._close(lane)

    def settle(self, lane: Lane, demand: Demand, took_ms: int) -> None:
        """Put what an attempt took, in whole seconds, in the place of what was predicted."""
        if not self._waits(lane.queue):
            return
        more = max(0, min(DEAREST, took_ms)) // 1000 * 1000 - demand.cost_ms
        account = self.accounts.get(lane, Account(self.virtual_time[lane.queue]))
        account = replace(account, had=max(0, min(LATEST, account.had + more // self._weight(lane.user))))
        if not self.lanes[lane] and account.had <= self.virtual_time[lane.queue]:
            self.forget(lane)
            return
        self.accounts[lane] = self._advance(lane, account, more)
        self.turns.add(lane)

    def forget(self, lane: Lane) -> None:
        """Forget a user who has nothing waiting."""
        self.turns.discard(lane)
        self.accounts.pop(lane, None)

    def _weight(self, user: str) -> int:
        return self.sharing.weights.get(user, 1)

    def _waits(self, queue: str) -> bool:
        return any(waiting for lane, waiting in self.lanes.items() if lane.queue == queue)

    def _stop_sharing(self, lane: Lane, waiting: InLane) -> None:
        if (waiting.tag, waiting.uid) in self.shared[lane]:
            self.shared[lane].remove((waiting.tag, waiting.uid))

    def _advance(self, lane: Lane, account: Account, given: int) -> Account:
        shared, virtual, unspent = self.shared[lane], account.virtual, account.unspent + given
        while shared and unspent >= len(shared):
            lacks = max(0, shared[0][0] - virtual)
            if lacks * len(shared) > unspent:
                each = unspent // len(shared)
                virtual, unspent = virtual + each, unspent - each * len(shared)
                break
            virtual, unspent = virtual + lacks, unspent - lacks * len(shared)
            shared.pop(0)
        return replace(account, virtual=virtual, unspent=unspent if shared else 0)

    def _close(self, lane: Lane) -> None:
        if self.lanes[lane]:
            return
        self.shared[lane].clear()
        account = self.accounts.get(lane)
        if account and account.had <= self.virtual_time[lane.queue]:
            self.forget(lane)
        elif account:
            self.accounts[lane] = Account(account.had)
        if not self._waits(lane.queue):
            for owing in self.order(lane.queue):
                self.forget(owing)
            self.virtual_time.pop(lane.queue, None)
