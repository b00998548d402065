"""Whose turn it is within a queue, as `scripts/lib/turns.lua` and `accounts.lua` have it: the same numbers.

All times are whole milliseconds.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from videojob_contract.queue.types import DEFAULT_SHARING, LOWEST_RANK, Demand, LimitReached, Sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
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


class Resting(NamedTuple):
    """What is put aside for room: a lane, or an entry of it."""

    kind: str
    name: str
    lane: Lane
    entry: InLane | None = None

    @property
    def order(self) -> tuple[object, ...]:
        """Sort those of one kind and name."""
        return (self.lane.queue,) if self.entry is None else (*self.lane, *self.entry)


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
    running: set[tuple[str, str, str]] = field(default_factory=set)
    """Kind, name and uid of what runs."""
    resting: set[Resting] = field(default_factory=set)
    cursors: dict[tuple[str, str], Lane] = field(default_factory=dict)
    """The lane of what was last taken out of rest."""

    @staticmethod
    def lane(queue: str, demand: Demand) -> Lane:
        """Return the lane in which a demand waits."""
        return Lane(queue, "" if demand.fifo else demand.user)

    def order(self, queue: str) -> list[Lane]:
        """Return the lanes of a queue in the order of their turns."""
        mine = [lane for lane in self.turns if lane.queue == queue]
        return sorted(mine, key=lambda lane: (self.accounts[lane].had, lane.user))

    def position(self, lane: Lane, waiting: InLane, total: int) -> int:
        """Return how many of the `total` of a queue are before one."""
        own = sum(other < waiting for other in self.lanes[lane])
        mine = self.accounts.get(lane, Account()).had, lane.user
        users = self.order(lane.queue)
        before = sum((self.accounts[other].had, other.user) < mine for other in users)
        return own + max(0, min(total - len(self.lanes[lane]), own * (len(users) - 1) + before))

    def enter(self, lane: Lane, uid: str, demand: Demand, place: Place, lacks: int) -> InLane:
        """Let an entry wait that lacks so much of its tag."""
        account = self.accounts.get(lane, Account())
        if not self.lanes[lane]:
            account = replace(account, had=max(account.had, self.virtual_time[lane.queue]))
        if demand.fifo:
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
        account = self.accounts.get(lane)
        return max(0, waiting.tag - account.virtual) if account and waiting.tag else None

    def leave(self, lane: Lane, waiting: InLane, demand: Demand) -> None:
        """Take an entry out of its lane, and out of rest."""
        if waiting in self.lanes[lane]:
            self.lanes[lane].remove(waiting)
        self._stop_sharing(lane, waiting)
        self._close(lane)
        if not self.resting:
            return
        for kind, name in _names(demand):
            self.resting.discard(Resting(kind, name, lane, waiting))
            if not self.reached(kind, name):
                self._rouse(kind, name, 1)

    def head(self, queue: str, demand_of: Callable[[str], Demand | None]) -> str | None:
        """Return the next of a queue; `demand_of` answers None for what may not be claimed."""
        for lane in self.order(queue):
            if not self.sharing.fifo and self.reached("user", lane.user):
                self.turns.discard(lane)
                self.resting.add(Resting("user", lane.user, lane))
                continue
            for waiting in list(self.lanes[lane]):
                demand = demand_of(waiting.uid)
                if demand is None:
                    continue
                full = [each for each in _names(demand) if self.reached(*each)]
                if not full:
                    return waiting.uid
                self.lanes[lane].remove(waiting)
                self.resting.add(Resting(*full[0], lane, waiting))
            if not self.lanes[lane]:
                self.forget(lane)
        return None

    def reached(self, kind: str, name: str) -> LimitReached | None:
        """Return the limit of a user or a project, if no more of it may run."""
        most = self.sharing.running.get(kind)
        running = sum(each[:2] == (kind, name) for each in self.running)
        return None if most is None or running < most else LimitReached(kind, running, most)

    def limit(self, demand: Demand, claimed: int) -> LimitReached | None:
        """Return the first limit that keeps an entry from being claimed."""
        most = self.sharing.running.get("pool")
        if most is not None and claimed >= most:
            return LimitReached("pool", claimed, most)
        return next((limit for each in _names(demand) if (limit := self.reached(*each))), None)

    def begin_run(self, uid: str, demand: Demand) -> None:
        """Count what runs."""
        self.running.update((*each, uid) for each in _names(demand))

    def end_run(self, uid: str, demand: Demand) -> None:
        """Count it no more, and let others have its room."""
        for kind, name in _names(demand):
            if (kind, name, uid) in self.running:
                self.running.remove((kind, name, uid))
                self._rouse(kind, name, 1)

    def rouse_all(self) -> None:
        """Take out of rest what there is room for."""
        for kind, name in sorted({(each.kind, each.name) for each in self.resting}):
            most = self.sharing.running.get(kind)
            room = 64 if most is None else most - sum(each[:2] == (kind, name) for each in self.running)
            if room > 0:
                self._rouse(kind, name, room)

    def count_resting(self, queues: Collection[str]) -> int:
        """Return how many entries of these queues rest."""
        mine = (each for each in self.resting if each.lane.queue in queues)
        return sum(1 if each.entry else len(self.lanes[each.lane]) for each in mine)

    def _rouse(self, kind: str, name: str, entries: int) -> None:
        while mine := sorted((each for each in self.resting if each[:2] == (kind, name)), key=lambda each: each.order):
            last = self.cursors.get((kind, name))
            later = [each for each in mine if last is None or each.order[:2] > last]
            chosen = (later or mine)[0]
            if chosen.entry and entries == 0:
                return
            self.resting.remove(chosen)
            if chosen.entry:
                entries -= 1
                self.cursors[kind, name] = chosen.lane
                insort(self.lanes[chosen.lane], chosen.entry)
            if self.lanes[chosen.lane]:
                self._take_turn(chosen.lane)
        self.cursors.pop((kind, name), None)

    def _take_turn(self, lane: Lane) -> None:
        account = self.accounts.get(lane, Account())
        self.accounts[lane] = replace(account, had=max(account.had, self.virtual_time[lane.queue]))
        self.turns.add(lane)

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
        if lane in self.turns or not self.lanes[lane]:
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


def _names(demand: Demand) -> list[tuple[str, str]]:
    """Return of what kind and name an attempt counts as one that runs."""
    return [("user", demand.user), *([("project", demand.project)] if demand.project else [])]
