"""Messages to webhooks, and what came of sending them: between what decides on them and what sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class PostResult:
    """What came of sending a message to a webhook."""

    at: datetime
    arrived: bool
    message: str
    """For people; such as `HTTP 503`."""
    gone: bool = False
    """Whether the receiver wants no more (410)."""
    retry_after_s: float | None = None
    """How long it asks to be left alone, in seconds."""


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """What a webhook is told."""

    id: str
    type: str
    """Such as `videojob.succeeded`."""
    at: datetime
    """When what it tells of came about."""
    data: Mapping[str, Any]
