"""Messages to webhooks, and what came of sending them: between what decides on them and what sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from videojob_common.errors import ForbiddenAddressError
from videojob_common.guarded_http import parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from videojob_contract.resources.notifications import Notify


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


def host_of(receiver: Notify) -> str:
    """Return what statuses, Events and logs have of whom a message goes to; the rest of a URL can be a secret."""
    try:
        return parse_url(receiver.url).authority[:253]
    except ForbiddenAddressError:
        return "?"
