"""Traces and spans, as OpenTelemetry has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class VideoJobTrace:
    """What the spans of one life of a VideoJob are part of (W3C Trace Context)."""

    id: int
    """128 bits."""
    parent: int | None = None
    """TraceSpan of who made the VideoJob, 64 bits; None where nobody named one."""
    sampled: bool | None = None
    """Whether that one is recorded; None where nobody said."""

    @property
    def hex(self) -> str:
        """Return the identity as logs have it."""
        return f"{self.id:032x}"


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """Something that took time."""

    name: str
    id: int
    """64 bits."""
    parent: int | None
    """TraceSpan that it is part of; None for the first of a trace."""
    start: datetime
    end: datetime
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)
    error: str = ""
    """How it failed, in words; empty if it did not."""
