"""How many requests users of a tier may send, and VideoJobs they may have made, in a minute, an hour and a day."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYONE: Final = "*"
"""In the place of a tier's name: those of tiers that are not named, and of none."""
WINDOWS_S: Final[Mapping[str, int]] = {"minute": 60, "hour": 3600, "day": 24 * 3600}
"""The lengths of windows, in seconds."""

Quota = Annotated[int, Field(ge=1, le=10**9)] | None


class Counted(StrEnum):
    """What is counted."""

    SUBMISSIONS = "submissions"
    """VideoJobs that are made, or rendered once more."""
    REQUESTS = "requests"
    """Whatever is asked for, submissions too."""


class Rates(BaseModel):
    """Most of something in a window; None for any number."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True)

    per_minute: Quota = None
    per_hour: Quota = None
    per_day: Quota = None

    def quotas(self) -> dict[str, int]:
        """Return those that there are, by window, the shortest first."""
        found = {name: getattr(self, f"per_{name}") for name in WINDOWS_S}
        return {name: quota for name, quota in found.items() if quota is not None}


class TierRates(BaseModel):
    """What users of a tier may do; each user by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    submissions: Rates = Rates()
    requests: Rates = Rates()

    def of(self, counted: Counted) -> Rates:
        """Return those of what is counted."""
        return self.submissions if counted is Counted.SUBMISSIONS else self.requests
