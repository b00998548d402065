"""When something is due by a cron expression, in a time zone, and what a VideoSchedule makes then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from videojob_contract.labels import ANNOTATION_SCHEDULED_AT, LABEL_SCHEDULE
from videojob_contract.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.videoschedule import VideoSchedule

_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
OWN_PARAMETERS = ("scheduledTime", "scheduledDate")
"""Parameters that every VideoJob of a schedule has."""
_ANY_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - is only to see whether an expression can be read


class Recurrence(Protocol):
    """Times of a cron expression in a time zone."""

    @property
    def schedule(self) -> str:
        """The expression."""

    @property
    def time_zone(self) -> str:
        """Such as Europe/Berlin."""


def check_recurrence(spec: Recurrence, path: str = "spec") -> Iterator[Problem]:
    """Yield what is wrong with the times of what stands at that path."""
    try:
        next(CronSim(_expression(spec), _ANY_DAY))
    except (CronSimError, StopIteration) as error:
        why = str(error) or "no day is like that"
        yield Problem(f"{path}.schedule", f'"{spec.schedule}" cannot be read: {why[0].lower()}{why[1:]}')
    yield from check_time_zone(spec.time_zone, f"{path}.timeZone")


def check_time_zone(zone: str, path: str) -> Iterator[Problem]:
    """Yield that there is no such time zone."""
    if zone not in _zones():
        yield Problem(path, f'there is no time zone "{zone}"; write its name, such as Europe/Berlin')


def last_due(spec: Recurrence, now: datetime) -> datetime | None:
    """Return the latest time of a schedule that is not in the future, in UTC; None when there is none in 50 years."""
    # Times are of whole minutes, and the search begins before the moment that it is given.
    moment = in_zone(spec, now.replace(second=0, microsecond=0) + timedelta(seconds=1))
    # Of an hour that comes twice, all is behind the second: a time of the day comes at the first.
    twice = (moment.replace(fold=0).utcoffset() or timedelta()) - (moment.utcoffset() or timedelta())
    found = map(_in_utc, CronSim(_expression(spec), moment + twice, reverse=True))
    return next((at for at in found if at <= now), None)


def next_due(spec: Recurrence, now: datetime) -> datetime | None:
    """Return the first time of a schedule that is in the future, in UTC; None when there is none in 50 years."""
    # The search takes the second of an hour that comes twice for the first, and finds what is over.
    found = map(_in_utc, CronSim(_expression(spec), in_zone(spec, now)))
    return next((at for at in found if at > now), None)


def in_zone(spec: Recurrence, at: datetime) -> datetime:
    """Return a time as the schedule's zone has it, for people."""
    return at.astimezone(ZoneInfo(spec.time_zone))


def videojob_of(schedule: VideoSchedule, at: datetime) -> dict[str, Any]:
    """Return the VideoJob of a schedule for a time, whose zone its text has.

    Its name is made of that time: one that was made already is not made twice.
    """
    template = schedule.spec.template
    metadata = template.metadata.to_dict() if template.metadata else {}
    name = schedule.metadata.get("name", "")
    own = dict(zip(OWN_PARAMETERS, (at.isoformat(timespec="seconds"), at.date().isoformat()), strict=True))
    given = template.spec.get("parameters")
    return {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoJob",
        "metadata": {
            "name": f"{name}-{int(at.timestamp()) // 60}",
            "labels": metadata.get("labels", {}) | {LABEL_SCHEDULE: name},
            "annotations": metadata.get("annotations", {}) | {ANNOTATION_SCHEDULED_AT: own["scheduledTime"]},
        },
        "spec": {**template.spec, "parameters": own | (given if isinstance(given, dict) else {})},
    }


def _in_utc(at: datetime) -> datetime:
    """Return it as what can be compared and added to: of two times of one zone, Python takes the clock's difference."""
    return at.astimezone(UTC)


def _expression(spec: Recurrence) -> str:
    return _MACROS.get(spec.schedule, spec.schedule)


@cache
def _zones() -> frozenset[str]:
    """Return the names that the time zone database has, and not what else a machine has: `localtime`, leap seconds."""
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split()) - {"Factory"}
