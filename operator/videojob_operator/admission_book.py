"""Who asks to wait in a pool, what is used of its limits, and what was granted and is not seen yet.

What is used is what the watch has shown to be Queued, and beside it the grants. A request that meets a limit of its
user's or project's is put aside under that, and is looked at again when a place under it is free: so a pass costs what
has changed, and not all that wait.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.limits import PoolLimits
from videojob_contract.resources.status import Phase
from videojob_operator.day_counts import DayCounts
from videojob_operator.decide.limits import (
    BY_PROJECT,
    BY_USER,
    DAILY,
    LIMITS,
    OF_THE_POOL,
    AdmissionRequest,
    AdmissionVerdict,
    Granted,
    LimitMet,
    Used,
    decides_admission,
    met,
)
from videojob_operator.records import VideoJobKey, VideoJobRecord

UNKNOWN_S = 60.0
"""What is assumed that a VideoJob renders whose prediction is not known, in seconds."""
SPARE_ITEMS = 1000
"""Void items of the heaps beside as many as there are requests, before they are cleared away."""

Aside = tuple[str, str, str]
"""Limit, name of the user or project, and tier."""


class _Item(NamedTuple):
    order: tuple[int, datetime, str]
    number: int
    uid: str


class _Holder(NamedTuple):
    """One that has a place, or is to have it."""

    user: str
    project: str
    predicted_ms: int


@dataclass(frozen=True, slots=True)
class AdmissionPass:
    """What came of one pass."""

    granted: tuple[AdmissionRequest, ...] = ()
    told: tuple[AdmissionRequest, ...] = ()
    """Those that stay out, and have not been told why."""
    told_again: tuple[AdmissionRequest, ...] = ()
    """Those that stay out by another limit than they were told."""
    counted: bool = False
    """Whether a day counts some of them, and is to be written before they are given out."""


class AdmissionBook:
    """The requests of one pool."""

    def __init__(self) -> None:
        self.day: DayCounts | None = None
        """What the pool's day has counted, if it counts."""
        self._requests: dict[str, AdmissionRequest] = {}
        self._verdicts: dict[str, AdmissionVerdict] = {}
        self._grants: dict[str, AdmissionRequest] = {}  # that no pass has given out yet, or no watch has shown
        self._holders: dict[str, _Holder] = {}
        self._users: Counter[str] = Counter()
        self._projects: Counter[str] = Counter()
        self._backlog_ms = 0
        self._ready: list[_Item] = []
        self._aside: defaultdict[Aside, list[_Item]] = defaultdict(list)
        self._freed: Counter[tuple[str, str]] = Counter()  # places, by limit and name
        self._tiers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # of what is aside, by limit and name
        self._numbers: dict[str, int] = {}  # of the one item of each request that counts
        self._number = itertools.count()
        self._items = 0  # in all heaps
        self._revived: dict[str, Aside] = {}  # of what is looked at again: where it was
        self._untold: set[str] = set()  # of whom a pass is to decide anew
        self._stopped: set[str] = set()  # who was told of a limit of the pool
        self._pool_met: LimitMet | None = None
        self._limits: PoolLimits | None = None

    # --- what VideoJobs say

    def put(self, request: AdmissionRequest) -> bool:
        """Take a request in; return whether it is new, or another than before."""
        uid = request.uid
        if self._requests.get(uid) == request:
            return False
        if uid in self._grants:
            self._drop_grant(uid)
        self._requests[uid] = request
        self._verdicts.pop(uid, None)
        self._untold.add(uid)
        self._make_ready(uid)
        return True

    def drop(self, uid: str) -> bool:
        """Forget a request, and give back what was granted to it and is not seen; return whether others may be next."""
        asked = self._requests.pop(uid, None) is not None
        self._verdicts.pop(uid, None)
        self._numbers.pop(uid, None)
        self._untold.discard(uid)
        self._stopped.discard(uid)
        self._revived.pop(uid, None)
        freed = uid in self._grants and self._drop_grant(uid)
        return bool(self._requests) and (asked or freed)

    def see(self, uid: str, record: VideoJobRecord | None) -> bool:
        """Take note of a VideoJob as the watch has it, None when it is gone; return whether others may be next."""
        catches_up = self.day is not None and self.day.is_behind
        if self.day is not None and (record is None or "admittedAt" in record.object.get("status", {})):
            self.day.assumed.discard(uid)
        if record is not None and record.phase is Phase.QUEUED:
            known = self._holders.get(uid)
            self._grants.pop(uid, None)
            return (self._hold(uid, _holder_of(record, known)) or catches_up) and bool(self._requests)
        if record is None:
            self.drop(uid)
        freed = uid not in self._grants and self._let_go(uid)
        return (freed or catches_up) and bool(self._requests)

    def request(self, uid: str) -> AdmissionRequest | None:
        """What a VideoJob asks."""
        return self._requests.get(uid)

    def verdict(self, uid: str) -> AdmissionVerdict | None:
        """What was decided on its request; None while nothing was."""
        if uid not in self._requests or uid in self._untold:
            return None
        return self._verdicts.get(uid) or (None if uid in self._grants else self._pool_met)

    # --- the pass

    def decide(self, limits: PoolLimits | None, tomorrow: datetime) -> AdmissionPass:
        """Grant as much as the limits have room for, in order; what is granted is used from then on."""
        changed, self._limits = limits != self._limits, limits
        if changed:
            self._untold.update(uid for uid in self._requests if uid not in self._grants)
            for aside in list(self._aside):
                self._revive(aside, len(self._aside[aside]))
        self._free()
        granted: list[AdmissionRequest] = []
        told: dict[bool, list[AdmissionRequest]] = {False: [], True: []}  # by whether they were told before
        stopped, counted, behind = None, False, False
        while self._ready:
            item = self._ready[0]
            request = self._requests.get(item.uid)
            if request is None or self._numbers.get(item.uid) != item.number:
                heapq.heappop(self._ready)
                self._items -= 1
                continue
            found = self._met(request, limits, tomorrow)
            behind = found is None and self._is_daily(request) and self.day is not None and self.day.is_behind
            if behind:
                break  # the others are decided on once statuses show what was granted
            if found is not None and found.limit in OF_THE_POOL:
                stopped = found
                break
            heapq.heappop(self._ready)
            if found is None:
                self._items -= 1
                counted |= self._is_daily(request)
                self._grant(request)
                granted.append(request)
            else:
                self._put_aside(request, item, found, told)
        if not behind:
            self._stop(stopped, told)
        self._clear()
        return AdmissionPass(tuple(granted), tuple(told[False]), tuple(told[True]), counted=counted)

    def publish(self, granted: Iterable[AdmissionRequest]) -> None:
        """Give out what a pass granted."""
        for request in granted:
            if self._grants.get(request.uid) == request:
                self._verdicts[request.uid] = Granted(is_daily=self.day is not None)

    def take_back(self, granted: Iterable[AdmissionRequest]) -> None:
        """Grant it not yet: the day could not be written. The day itself is to be read again."""
        for request in granted:
            if self._grants.get(request.uid) == request:
                self._drop_grant(request.uid)
                self._untold.add(request.uid)
                self._make_ready(request.uid)

    def begin_day(self, day: DayCounts | None) -> None:
        """Count in this day from now on; who met the limit of another is looked at again."""
        if day is None and self.day is None:
            return
        self.day = day
        for aside in [aside for aside in self._aside if aside[0] == DAILY]:
            self._revive(aside, len(self._aside[aside]))

    def forget_requests(self) -> None:
        """Forget all that is asked."""
        for uid in list(self._requests):
            self.drop(uid)
        self.day = None

    @property
    def held(self) -> Counter[str]:
        """How many stay out, by the limit that they met."""
        counts = Counter(dict.fromkeys(LIMITS, 0))
        for uid in self._requests:
            found = self.verdict(uid)
            if isinstance(found, LimitMet):
                counts[found.limit] += 1
        return counts

    @property
    def has_requests(self) -> bool:
        """Whether anybody asks."""
        return bool(self._requests)

    def _met(self, request: AdmissionRequest, limits: PoolLimits | None, tomorrow: datetime) -> LimitMet | None:
        if limits is None or not decides_admission(limits):
            return None
        day = self.day
        if day is not None and request.uid not in day.assumed and not request.is_counted and day.is_full(request.user):
            return LimitMet(DAILY, request.user, day.of(request.user), day.of(request.user), tomorrow)
        today = 0 if day is None or request.uid in day.assumed else day.of(request.user)
        used = Used(
            user=self._users[request.user],
            project=self._projects[request.project],
            pool=len(self._holders),
            backlog_s=self._backlog_ms / 1000,
            today=today,
        )
        return met(request, limits, used, tomorrow)

    def _grant(self, request: AdmissionRequest) -> None:
        uid = request.uid
        self._grants[uid] = request
        self._verdicts.pop(uid, None)
        self._untold.discard(uid)
        self._stopped.discard(uid)
        self._revived.pop(uid, None)
        self._numbers.pop(uid, None)
        self._hold(uid, _Holder(request.user, request.project, round(request.predicted_s * 1000)))
        if self._is_daily(request) and self.day is not None:
            self.day.add(request.user, uid)

    def _is_daily(self, request: AdmissionRequest) -> bool:
        return self.day is not None and not request.is_counted and request.uid not in self.day.assumed

    def _put_aside(
        self, request: AdmissionRequest, item: _Item, found: LimitMet, told: dict[bool, list[AdmissionRequest]]
    ) -> None:
        """Have a request wait for room under a limit."""
        uid, aside = request.uid, (found.limit, found.name, request.tier)
        heapq.heappush(self._aside[aside], item)
        self._tiers[aside[:2]].add(request.tier)
        self._untold.discard(uid)
        known = self._verdicts.get(uid)
        self._verdicts[uid] = found
        if known != found:
            told[known is not None or uid in self._stopped].append(request)
        self._stopped.discard(uid)
        was = self._revived.pop(uid, None)
        if was is not None and was != aside and was in self._aside:
            self._revive(was, 1)  # the place that it was to have is another's

    def _stop(self, found: LimitMet | None, told: dict[bool, list[AdmissionRequest]]) -> None:
        """Let nothing more in, and have those told that do not know it."""
        if found is None:
            self._pool_met = None
        elif self._pool_met is None or self._untold >= self._stopped:
            # While it is met, it is said in the same words: how much exactly is used changes with each that comes.
            self._pool_met = found
        for uid in self._untold:
            known = self._verdicts.pop(uid, None)
            told[known is not None or uid in self._stopped].append(self._requests[uid])
            self._stopped.add(uid)
        self._untold.clear()

    # --- heaps

    def _make_ready(self, uid: str) -> None:
        request = self._requests[uid]
        number = self._numbers[uid] = next(self._number)
        heapq.heappush(self._ready, _Item(request.order, number, uid))
        self._items += 1

    def _free(self) -> None:
        """Have as many looked at again as places have become free."""
        for (limit, name), count in self._freed.items():
            for tier in list(self._tiers.get((limit, name), ())):
                self._revive((limit, name, tier), count)
        self._freed.clear()

    def _revive(self, aside: Aside, count: int) -> None:
        items = self._aside[aside]
        while items and count > 0:
            item = heapq.heappop(items)
            if self._numbers.get(item.uid) == item.number:
                heapq.heappush(self._ready, item)
                self._untold.add(item.uid)
                self._revived[item.uid] = aside
                count -= 1
            else:
                self._items -= 1
        if not items:
            del self._aside[aside]
            tiers = self._tiers[aside[:2]]
            tiers.discard(aside[2])
            if not tiers:
                del self._tiers[aside[:2]]

    def _clear(self) -> None:
        """Clear void items away once they are many."""
        if self._items <= 2 * len(self._requests) + SPARE_ITEMS:
            return
        self._ready = [item for item in self._ready if self._numbers.get(item.uid) == item.number]
        heapq.heapify(self._ready)
        for aside in list(self._aside):
            items = [item for item in self._aside[aside] if self._numbers.get(item.uid) == item.number]
            heapq.heapify(items)
            self._aside[aside] = items
            self._revive(aside, 0)
        self._items = len(self._ready) + sum(map(len, self._aside.values()))

    # --- what is used

    def _hold(self, uid: str, holder: _Holder) -> bool:
        known = self._holders.get(uid)
        if known == holder:
            return False
        freed = known is not None and self._let_go(uid)
        self._holders[uid] = holder
        self._users[holder.user] += 1
        self._projects[holder.project] += 1
        self._backlog_ms += holder.predicted_ms
        return freed

    def _let_go(self, uid: str) -> bool:
        holder = self._holders.pop(uid, None)
        if holder is None:
            return False
        for counts, name, limit in (
            (self._users, holder.user, BY_USER),
            (self._projects, holder.project, BY_PROJECT),
        ):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]
            if (limit, name) in self._tiers:
                self._freed[limit, name] += 1
        self._backlog_ms -= holder.predicted_ms
        return True

    def _drop_grant(self, uid: str) -> bool:
        self._grants.pop(uid, None)
        return self._let_go(uid)


def _holder_of(record: VideoJobRecord, known: _Holder | None) -> _Holder:
    spec, status = record.object["spec"], record.object.get("status", {})
    seconds = (status.get("predicted") or {}).get("seconds", UNKNOWN_S)
    predicted_ms = round(seconds * 1000) if known is None else known.predicted_ms
    return _Holder(spec.get("user") or "", spec.get("project") or "", predicted_ms)


class AdmissionBooks:
    """The books of all pools, kept up with what the watch shows."""

    def __init__(self, on_change: Callable[[PoolKey], None]) -> None:
        """Have `on_change` called with each pool in which a pass may have something to decide."""
        self._on_change = on_change
        self._books: defaultdict[PoolKey, AdmissionBook] = defaultdict(AdmissionBook)

    def of(self, pool: PoolKey) -> AdmissionBook:
        """The book of a pool."""
        return self._books[pool]

    def forget(self, pool: PoolKey) -> None:
        """Forget what was asked of a pool that is gone: it is asked again of one that takes its place."""
        self._books[pool].forget_requests()

    def ask(self, pool: PoolKey, uid: str, request: AdmissionRequest | None) -> None:
        """Take in what a VideoJob asks now, None when nothing."""
        book = self._books[pool]
        if book.drop(uid) if request is None else book.put(request):
            self._on_change(pool)

    def follow(self, _: VideoJobKey, before: VideoJobRecord | None, after: VideoJobRecord | None) -> None:
        """Take note of a change that the watch shows."""
        if before and (after is None or (after.uid, after.pool) != (before.uid, before.pool)):
            self._see(before.pool, before.uid, None)
        if after:
            self._see(after.pool, after.uid, after)

    def _see(self, pool: PoolKey, uid: str, record: VideoJobRecord | None) -> None:
        if self._books[pool].see(uid, record):
            self._on_change(pool)
