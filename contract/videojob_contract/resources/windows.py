"""Times at which a RenderPool has another size."""

from typing import Annotated

from pydantic import Field

from videojob_contract.resources.base import Cron, Duration, Model, Time, TimeZone

FewestIdle = Annotated[int, Field(ge=0, le=1000)]
MostWorkers = Annotated[int, Field(ge=0, le=5000)]

MAX_WINDOWS = 16
"""Most windows of a pool."""


class PoolWindow(Model):
    """A time, again and again, in which the pool has another size."""

    schedule: Cron
    """When it begins: a cron expression, as of a VideoSchedule."""
    time_zone: TimeZone = "Etc/UTC"
    """The time zone of the expression, such as Europe/Berlin."""
    duration: Duration
    """How long it lasts from each of these times."""
    min_idle: FewestIdle | None = None
    """In place of the pool's; default: the pool's."""
    max_workers: MostWorkers | None = None
    """In place of the pool's, 0 to pause it; default: the pool's."""


class WindowStatus(Model):
    """The size that the pool has by its windows."""

    schedule: Annotated[str, Field(max_length=128)] | None = None
    """The expression of the window that is on; none when none is."""
    min_idle: FewestIdle
    """Workers that wait warm now."""
    max_workers: MostWorkers
    """Most workers now."""
    next_change_at: Time | None = None
    """When another window is on, or none."""
