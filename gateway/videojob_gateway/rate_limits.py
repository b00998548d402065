"""Rates: how much each user has asked for in the last minute, hour and day, and whether there is more to be had.

Counts are in Redis, for all replicas together; without it, and while it does not answer, each replica counts by itself.
A window slides (the `limits` library's sliding window counter): what was counted in the one before it counts less and
less as it moves on, so nobody gets twice as much at its edge, and what is refused is not counted.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from videojob_contract.problems import Problem
from videojob_contract.queue.errors import QueueUnavailableError, answered
from videojob_gateway import metrics
from videojob_gateway.errors import InvalidRequestError, TooManyRequestsError
from videojob_gateway.tier_rates import EVERYONE, WINDOWS_S, Counted, TierRates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from limits import RateLimitItem
    from redis.asyncio import Redis

log = logging.getLogger(__name__)

STANDINGS: Final = "videojob.standings"
"""Where the scope of a request has what its answer says of quotas."""
ANSWER_S: Final = 0.5
"""How long Redis may take for one request."""
AWAY_S: Final = 10.0
"""How long it is not asked after it did not answer."""
MOST_COUNTED: Final = 10_000
"""Windows that a replica counts by itself; with more of them, all begin anew."""
_WINDOWS: Final = {"minute": RateLimitItemPerMinute, "hour": RateLimitItemPerHour, "day": RateLimitItemPerDay}
_A: Final = {"minute": "a minute", "hour": "an hour", "day": "a day"}
_WORDS: Final = {Counted.SUBMISSIONS: "have {} VideoJobs rendered", Counted.REQUESTS: "send {} requests"}


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """What was counted of one user in a window, and in the one before it, which counts less and less."""

    length_s: float
    before: int
    before_s: float
    """For how long that still counts."""
    now: int
    moves_s: float
    """In how long this becomes the one before."""

    def left(self, quota: int) -> int:
        """Return how much more there is."""
        return max(0, quota - math.floor(self.before * self.before_s / self.length_s) - self.now)

    def with_more(self, cost: int) -> CountedWindow:
        """Return it with so much more."""
        return replace(self, now=self.now + cost, moves_s=self.moves_s or self.length_s)

    def wait_s(self, quota: int, cost: int) -> int:
        """Return in how many seconds there will be so much of a quota, at most all of it; 0 if there is."""
        if self.left(quota) >= cost:
            return 0
        # What was before may come to less than this: of it whole numbers count.
        room = quota - cost + 1
        if room > self.now:
            return math.floor(self.before_s - (room - self.now) * self.length_s / self.before) + 1
        return math.floor(self.moves_s + max(0.0, self.length_s * (1 - room / self.now))) + 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a quota there is left, as headers have it (draft-ietf-httpapi-ratelimit-headers)."""

    policy: str
    """Such as `submissions-minute`."""
    quota: int
    window_s: int
    left: int
    more_s: int
    """In how many seconds there is more; 0 when all of it is left."""

    @property
    def policy_item(self) -> str:
        """As `RateLimit-Policy` has it."""
        return f'"{self.policy}";q={self.quota};w={self.window_s}'

    @property
    def limit_item(self) -> str:
        """As `RateLimit` has it."""
        return f'"{self.policy}";r={self.left};t={self.more_s}'


class RateLimits:
    """Counts what users ask for, by the rates of their tiers."""

    def __init__(self, tiers: Mapping[str, TierRates], redis: Redis | None = None, prefix: str = "") -> None:
        """`prefix` begins the keys in Redis."""
        self._tiers = tiers
        self._own = MemoryStorage()
        self._shared: RedisStorage | None = None
        self._away_until = 0.0
        if redis is not None and tiers:
            pool = redis.connection_pool
            self._shared = RedisStorage(
                "redis://",
                implementation="redispy",
                key_prefix=prefix,
                connection_pool=pool,  # type: ignore[arg-type]  # which has texts and numbers alone
            )

    async def count(self, counted: Counted, user: str, tier: str | None, cost: int = 1) -> Sequence[Standing]:
        """Count what a user asks for, and return how much is left of each quota.

        Nobody in particular has no quotas.

        Raises:
            TooManyRequestsError: there is not so much; then it counts in no window, or in shorter ones alone.
            InvalidRequestError: it is more than a whole quota.
        """
        rates = self._tiers.get(tier or EVERYONE) or self._tiers.get(EVERYONE)
        if not user or rates is None or not (quotas := rates.of(counted).quotas()):
            return ()
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                async with answered(ANSWER_S):
                    return await _count(self._shared, counted, quotas, user, cost)
            except QueueUnavailableError as error:
                log.warning("this replica counts by itself for %.0f s: %s", AWAY_S, error.message)
                self._away_until = time.monotonic() + AWAY_S
        if len(self._own.storage) >= MOST_COUNTED:
            await self._own.reset()
        return await _count(self._own, counted, quotas, user, cost)


async def _count(
    storage: RedisStorage | MemoryStorage, counted: Counted, quotas: Mapping[str, int], user: str, cost: int
) -> Sequence[Standing]:
    limiter = SlidingWindowCounterRateLimiter(storage)
    standings = []
    for name, quota in quotas.items():
        if cost > quota:
            wanted = f"are {cost}, and you may {_WORDS[counted].format(quota)} in {_A[name]}"
            raise InvalidRequestError([Problem("jobs", wanted)])
        item = _WINDOWS[name](quota, namespace=counted)
        window = await _window(storage, item, user)
        again_s = window.wait_s(quota, cost)
        if again_s or not await limiter.hit(item, user, cost=cost):  # another may have taken it meanwhile
            raise _refused(counted, name, _standing(counted, name, quota, window), again_s or 1)
        standings.append(_standing(counted, name, quota, window.with_more(cost)))
    return standings


async def _window(storage: RedisStorage | MemoryStorage, item: RateLimitItem, user: str) -> CountedWindow:
    length_s = item.get_expiry()
    before, before_s, now, now_s = await storage.get_sliding_window(item.key_for(user), length_s)
    return CountedWindow(length_s, before, before_s, now, max(0.0, now_s - length_s))


def _standing(counted: Counted, name: str, quota: int, window: CountedWindow) -> Standing:
    left = window.left(quota)
    more_s = window.wait_s(quota, left + 1) if left < quota else 0
    return Standing(f"{counted}-{name}", quota, WINDOWS_S[name], left, more_s)


def _refused(counted: Counted, name: str, standing: Standing, again_s: int) -> TooManyRequestsError:
    metrics.limited(counted)
    return TooManyRequestsError(
        f"you may {_WORDS[counted].format(standing.quota)} in {_A[name]}; ask again in {again_s} s",
        limit={"policy": standing.policy, "quota": standing.quota, "windowSeconds": standing.window_s},
        again_s=again_s,
        headers=headers_of([standing]),
    )


def headers_of(standings: Sequence[Standing]) -> dict[str, str]:
    """Return the headers that say how much is left."""
    if not standings:
        return {}
    return {
        "RateLimit-Policy": ", ".join(each.policy_item for each in standings),
        "RateLimit": ", ".join(each.limit_item for each in standings),
    }
