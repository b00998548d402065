"""What rendering is made of, and how long each part takes by the rates that all programs know: what a pool learns from.

The rates are seconds of one core at 1080p in H.264, measured. Workers say what they really take (`WorkDone`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints

from videojob_contract.resources.base import Model
from videojob_contract.resources.status import Seconds  # noqa: TC001 - a field

if TYPE_CHECKING:
    from collections.abc import Mapping


class WorkKind(StrEnum):
    """A kind of work; the first are those of spans."""

    STILL = "still"
    BLEND = "blend"
    ANIMATED = "animated"
    DECODED = "decoded"
    EFFECT = "effect"
    OVERHEAD = "overhead"
    """To fetch, plan, mix, join, check and publish."""


FRAME_S: Final[Mapping[WorkKind, float]] = {
    WorkKind.STILL: 0.001,
    WorkKind.BLEND: 0.02,
    WorkKind.ANIMATED: 0.1,
    WorkKind.DECODED: 0.11,
    WorkKind.EFFECT: 0.25,
}
"""Of a frame, by how it is made."""
FIRST_FRAME_S: Final = 0.1
"""Of a still: the only one that is more than a repeat of the one before."""
FULL_HD: Final = 1920 * 1080
"""Pixels of the pictures that the rates are of."""
BEGIN_S: Final = 1.0
"""Of the overhead, to fetch, plan, check and publish."""
SOUND_S: Final = 0.1
"""Of the overhead, for a second of sound."""


SOURCES: Final = "sources"
"""What a pool learns beside kinds of work: the whole of VideoJobs whose length is that of their sources."""
MEMORY: Final = "memory"
"""And the renderer's peak."""
MAX_RATIOS: Final = 11
"""Attempts that a rate is learnt from."""
MOST_RATIO: Final = 64.0
"""And its inverse: no ratio is further off."""

Ratio = Annotated[float, Field(ge=1 / MOST_RATIO, le=MOST_RATIO)]

BY_OF: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["of"]}


class WorkDone(Model):
    """What one kind of work took in an attempt."""

    model_config = ConfigDict(extra="ignore")  # a later worker may say more

    kind: WorkKind
    planned_s: Seconds
    """By the rates above, of what was really to do."""
    took_s: Seconds
    """On the clock."""


WorkReport = Annotated[tuple[WorkDone, ...], Field(max_length=len(WorkKind))]
"""Of one attempt."""


class LearntRate(Model):
    """How many times as long, or as much, as predicted something takes on the workers of a pool."""

    of: Annotated[str, StringConstraints(max_length=32)]
    """A kind of work: still, blend, animated, decoded, effect or overhead; `sources`, the whole of VideoJobs that last
    as long as their sources; or `memory`."""
    believed: Ratio = 1.0
    """What was believed before these, such as of workers of an earlier template."""
    ratios: Annotated[tuple[Ratio, ...], Field(max_length=MAX_RATIOS)] = ()
    """Of the last attempts that succeeded, the newest at the end."""


class LearntRates(Model):
    """What predictions are made with, learnt from finished attempts."""

    template: Annotated[str, StringConstraints(max_length=63)] = ""
    """The pod template whose workers these are of; with another, they are learnt anew."""
    rates: Annotated[list[LearntRate], Field(max_length=16, json_schema_extra=BY_OF)] = []
    """Each by what it is of."""


NOTHING_LEARNT: Final = LearntRates()
