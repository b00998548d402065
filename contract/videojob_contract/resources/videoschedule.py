"""VideoSchedule: VideoJobs that are made at the times of a cron expression, after Kubernetes' CronJob."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from videojob_contract.resources.base import Cron, Duration, Manifest, Model, ShortText, Time, TimeZone
from videojob_contract.resources.history import History
from videojob_contract.resources.status import BY_TYPE, Condition

MAX_SCHEDULE_NAME = 52
"""Longest name: those of its VideoJobs add the minute that they are of."""


class ConcurrencyPolicy(StrEnum):
    """What happens when a VideoJob is to be made and one of before has not finished."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


class TemplateMetadata(Model):
    """Labels and annotations of the VideoJobs that are made."""

    labels: Annotated[dict[str, ShortText], Field(max_length=64)] | None = None
    """Labels."""
    annotations: (
        Annotated[dict[str, Annotated[str, StringConstraints(max_length=4096)]], Field(max_length=64)] | None
    ) = None
    """Annotations."""


class VideoJobTemplate(Model):
    """The VideoJobs that are made."""

    metadata: TemplateMetadata | None = None
    """Their labels and annotations."""
    spec: Manifest
    """The spec of a VideoJob. In its templates `{{ scheduledTime }}` is when it was to be made, such as
    2026-03-29T06:00:00+02:00, and `{{ scheduledDate }}` the day of that, such as 2026-03-29."""


class VideoScheduleSpec(Model):
    """When VideoJobs are made, and which."""

    schedule: Cron
    """A cron expression: minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly, @monthly,
    @yearly."""
    time_zone: TimeZone = "Etc/UTC"
    """The time zone of the expression, such as Europe/Berlin."""
    starting_deadline: Duration | None = None
    """How late a VideoJob may be made, when that was not possible in time. Default: at any time, but only the last."""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.ALLOW
    """What happens when one of before has not finished: Allow both, Forbid the new one until that has, or Replace that,
    which is deleted."""
    suspend: bool = False
    """Make none until false; what was missed meanwhile is not made up for, save for the last."""
    history: History = History(succeeded=3, failed=1)
    """How many finished VideoJobs of it are kept. Default: 3 that succeeded and 1 that failed."""
    template: VideoJobTemplate
    """The VideoJobs that are made."""


class VideoScheduleStatus(Model):
    """What a VideoSchedule has done."""

    active: Annotated[list[Annotated[str, StringConstraints(max_length=63)]], Field(max_length=32)] = []
    """Its VideoJobs that have not finished; the oldest, if there are many."""
    last_schedule_time: Time | None = None
    """The time that the last VideoJob was made for."""
    next_schedule_time: Time | None = None
    """The time that the next one will be made for."""
    last_successful_time: Time | None = None
    """When one of them last succeeded."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this status is of."""
    conditions: Annotated[list[Condition], Field(max_length=8, json_schema_extra=BY_TYPE)] = []
    """Accepted: whether the spec can be used. Ready: whether VideoJobs are made, and what keeps the next one."""


class VideoSchedule(Model):
    """VideoJobs that are made at certain times."""

    api_version: Literal["videojob.dev/v1alpha1"] = "videojob.dev/v1alpha1"
    kind: Literal["VideoSchedule"] = "VideoSchedule"
    metadata: dict[str, Any] = {}
    """Kubernetes' own."""
    spec: VideoScheduleSpec
    """When they are made, and which."""
    status: VideoScheduleStatus | None = None
    """What it has done; written by the operator."""
