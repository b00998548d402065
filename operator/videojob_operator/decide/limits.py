"""Whether a VideoJob may come to wait in its pool: limits, what is used of them, and what is met."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from videojob_contract.resources.base import format_duration
from videojob_contract.resources.limits import EVERYONE, WaitingLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.limits import PoolLimits, TierLimits
    from videojob_contract.resources.videojob import VideoJobSpec

DAILY, BY_USER, BY_PROJECT = "dailyPerUser", "waiting.user", "waiting.project"
BY_POOL, BACKLOG = "waiting.pool", "waiting.backlog"
LIMITS = (DAILY, BY_USER, BY_PROJECT, BY_POOL, BACKLOG)
OF_THE_POOL = {BY_POOL, BACKLOG}
"""Limits that let nothing in behind what meets them."""


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """What a VideoJob asks of its pool, in which it is to wait."""

    uid: str
    name: str
    since: datetime
    """When it came, or came to wait first: between equals, the earliest is first."""
    priority: int
    user: str
    project: str
    tier: str
    predicted_s: float
    is_counted: bool
    """Whether a day has counted it."""
    made_of: tuple[int, str]
    """The generation and the pool's terms: while they are the same, it is."""

    @property
    def order(self) -> tuple[int, datetime, str]:
        """Sorts requests: by priority, age and name."""
        return -self.priority, self.since, self.name


@dataclass(frozen=True, slots=True)
class Granted:
    """It may wait in its queue."""

    is_daily: bool
    """Whether it was counted in a day, which its status is to say."""


@dataclass(frozen=True, slots=True)
class LimitMet:
    """A limit that keeps it out, for now."""

    limit: str
    name: str = ""
    """Of the user or the project."""
    used: float = 0
    most: float = 0
    until: datetime | None = None
    """When it passes by itself."""

    def words(self, pool: str, limits: PoolLimits | None) -> str:
        """Return it for people."""
        user = f'user "{self.name}"' if self.name else "VideoJobs without a user"
        of = {DAILY: user, BY_USER: user, BY_PROJECT: f'project "{self.name}"'}.get(self.limit, f'pool "{pool}"')
        used, most = (_rough(value) if self.limit == BACKLOG else f"{value:.0f}" for value in (self.used, self.most))
        text = f"limit {self.limit} of {of}: {used} of {most} used"
        if self.until is None or limits is None:
            return text
        local = self.until.astimezone(ZoneInfo(limits.time_zone)).isoformat(timespec="minutes")
        return f"{text}; the next day begins at {local}"


AdmissionVerdict = Granted | LimitMet


@dataclass(frozen=True, slots=True)
class Used:
    """How much is used of the limits that a request is under."""

    user: int = 0
    project: int = 0
    pool: int = 0
    backlog_s: float = 0.0
    today: int = 0


def decides_admission(limits: PoolLimits | None) -> bool:
    """Whether anything is to be compared before a VideoJob may wait in the pool."""
    return limits is not None and (limits.waiting is not None or counts_days(limits) or bool(limits.tiers))


def counts_days(limits: PoolLimits | None) -> bool:
    """Whether a day counts a user's VideoJobs."""
    if limits is None:
        return False
    tiers = (limits.tiers or {}).values()
    return limits.daily_per_user is not None or any(tier.daily_per_user is not None for tier in tiers)


def met(request: AdmissionRequest, limits: PoolLimits, used: Used, tomorrow: datetime) -> LimitMet | None:
    """Return the first limit that keeps a request out, those of its own before those of the pool."""
    return next(_all_met(request, limits, used, tomorrow), None)


def _all_met(request: AdmissionRequest, limits: PoolLimits, used: Used, tomorrow: datetime) -> Iterator[LimitMet]:
    tier = (limits.tiers or {}).get(request.tier)
    waiting, daily = limits.waiting or WaitingLimits(), _daily(limits, tier)
    if daily is not None and not request.is_counted and used.today >= daily:
        yield LimitMet(DAILY, request.user, used.today, daily, tomorrow)
    by_user = tier.waiting.user if tier and tier.waiting and tier.waiting.user is not None else waiting.user
    if by_user is not None and used.user >= by_user:
        yield LimitMet(BY_USER, request.user, used.user, by_user)
    if request.project and waiting.project is not None and used.project >= waiting.project:
        yield LimitMet(BY_PROJECT, request.project, used.project, waiting.project)
    if waiting.pool is not None and used.pool >= waiting.pool:
        yield LimitMet(BY_POOL, "", used.pool, waiting.pool)
    # One that is longer by itself is let in when nothing else waits.
    if waiting.backlog is not None and used.pool > 0 and used.backlog_s + request.predicted_s > waiting.backlog:
        yield LimitMet(BACKLOG, "", used.backlog_s, float(waiting.backlog))


def size_limit(limits: PoolLimits, tier: str) -> int | None:
    """Return the largest VideoJob of a tier, in pixels of every frame; None for any."""
    of_tier = (limits.tiers or {}).get(tier)
    return limits.size if of_tier is None or of_tier.size is None else of_tier.size


def forbidden_tier(limits: PoolLimits | None, spec: VideoJobSpec) -> str:
    """Return why a VideoJob may not name its tier; nothing if it may."""
    if spec.tier is None:
        return ""
    tiers = limits.tiers if limits and limits.tiers else {}
    if spec.tier not in tiers:
        return f'pool "{spec.pool}" has no tier "{spec.tier}"; it has {", ".join(sorted(tiers)) or "none"}'
    allowed = (limits.allow_tiers or {} if limits else {}).get(spec.tier, ())
    if EVERYONE in allowed or (spec.user and spec.user in allowed):
        return ""
    whose = f'user "{spec.user}"' if spec.user else "a VideoJob without a user"
    return f'pool "{spec.pool}" does not allow tier "{spec.tier}" to {whose}'


def day_of(limits: PoolLimits, now: datetime) -> tuple[str, datetime]:
    """Return the day in the pool's time zone, such as 2026-03-29, and when the next one begins."""
    zone = ZoneInfo(limits.time_zone)
    today = now.astimezone(zone).date()
    begins = datetime.combine(today + timedelta(days=1), time(), zone).astimezone(UTC)
    # Where clocks are put forward at midnight, there is no midnight.
    while begins.astimezone(zone).date() <= today:
        begins += timedelta(minutes=30)
    return today.isoformat(), begins


def _daily(limits: PoolLimits, tier: TierLimits | None) -> int | None:
    return limits.daily_per_user if tier is None or tier.daily_per_user is None else tier.daily_per_user


def _rough(seconds: float) -> str:
    return format_duration(Fraction(round(seconds)))
