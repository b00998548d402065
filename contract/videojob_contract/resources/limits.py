"""Limits of a RenderPool: how many VideoJobs run, how many wait, and how much a user may ask for."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from videojob_contract.resources.base import LABEL_PATTERN, Duration, Model, Rule, TimeZone, rules

MostRunning = Annotated[int, Field(ge=1, le=5000)]
MostWaiting = Annotated[int, Field(ge=0, le=1_000_000)]
MostADay = Annotated[int, Field(ge=0, le=1_000_000)]
PixelFrames = Annotated[int, Field(ge=1, le=2**53 - 1)]
"""Pixels of every frame of all outputs: 1080p of a minute at 30 frames a second are 3,732,480,000."""

TierName = Annotated[str, StringConstraints(max_length=63)]

MAX_TIERS = 16
"""Most tiers of a pool."""
MAX_TIER_USERS = 512
"""Most users that a pool lists for a tier."""
EVERYONE = "*"
"""Stands for every user."""
TIER_USER_PATTERN = rf"^\*$|{LABEL_PATTERN}"


class RunningLimits(Model):
    """How many VideoJobs may run at a time; what is over it waits, and what comes after it is not kept waiting."""

    user: MostRunning | None = None
    """Of each user; those without a user are one."""
    project: MostRunning | None = None
    """Of each project; VideoJobs without one are not counted."""
    pool: MostRunning | None = None
    """Of the whole pool, whatever its workers."""


class WaitingLimits(Model):
    """How many VideoJobs may wait in the pool's queues at a time."""

    user: MostWaiting | None = None
    """Of each user; those without a user are one."""
    project: MostWaiting | None = None
    """Of each project; VideoJobs without one are not counted."""
    pool: MostWaiting | None = None
    """Of the whole pool."""
    backlog: Duration | None = None
    """How long all that wait in the pool should render, by one worker."""


class TierWaitingLimits(Model):
    """How many VideoJobs of a user may wait."""

    user: MostWaiting | None = None
    """As in `limits.waiting`."""


class TierLimits(Model):
    """What a user of this tier may ask for; what is not here is as for those without a tier."""

    waiting: TierWaitingLimits | None = None
    """How many VideoJobs of the user wait."""
    daily_per_user: MostADay | None = None
    """VideoJobs of the user that are admitted in a day."""
    size: PixelFrames | None = None
    """Largest VideoJob."""


class WhenExceeded(StrEnum):
    """What becomes of a VideoJob that meets a limit which passes."""

    WAIT = "wait"
    REFUSE = "refuse"


class PoolLimits(Model):
    """How much there may be."""

    model_config = rules(
        Rule(
            "!has(self.allowTiers) || self.allowTiers.all(tier, has(self.tiers) && tier in self.tiers)",
            "must name tiers that are in tiers",
            ".allowTiers",
        ),
    )

    running: RunningLimits | None = None
    """How many VideoJobs run."""
    waiting: WaitingLimits | None = None
    """How many VideoJobs wait in the queues; what is over it is not let in."""
    daily_per_user: MostADay | None = None
    """VideoJobs of each user that are admitted in a day; those without a user are one. To delete one gives nothing
    back."""
    size: PixelFrames | None = None
    """Largest VideoJob, in pixels of every frame of all outputs; one that is larger is refused."""
    time_zone: TimeZone = "Etc/UTC"
    """In which the day of `dailyPerUser` begins at midnight, such as Europe/Berlin."""
    when_exceeded: WhenExceeded = WhenExceeded.WAIT
    """What becomes of a VideoJob that meets `waiting` or `dailyPerUser`: `wait` until there is room, or `refuse` it."""
    tiers: Annotated[dict[TierName, TierLimits], Field(max_length=MAX_TIERS)] | None = None
    """Limits of users' own, by the tier that a VideoJob names."""
    allow_tiers: (
        Annotated[
            dict[
                TierName,
                Annotated[
                    list[Annotated[str, StringConstraints(pattern=TIER_USER_PATTERN, max_length=63)]],
                    Field(max_length=MAX_TIER_USERS),
                ],
            ],
            Field(max_length=MAX_TIERS),
        ]
        | None
    ) = None
    """Users that may name each tier; "*" for all, where an admission policy says who. A tier that is not here is
    nobody's."""
