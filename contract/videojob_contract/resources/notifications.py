"""Whom a VideoJob tells of what becomes of it, and what came of that: webhooks, as standardwebhooks.com has them."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints, WithJsonSchema

from videojob_contract.resources.base import Model, Time

WEBHOOK_PATTERN = r"^https?://[^\s/?#@]+([/?][!-~]*)?$"
KEY_NAME_PATTERN = r"^[-._a-zA-Z0-9]+$"

SIGNING_SECRET = "videojob-webhooks"  # noqa: S105 - its name
"""The one Secret of a namespace that the operator may read: each of its entries is a signing key, or several."""

BY_URL: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["url"]}
BY_ID: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]}
_AS_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}
# As in a status: a newer operator must be able to write values that an older CRD does not know.
_OPEN = WithJsonSchema({"type": "string", "maxLength": 64})

MAX_WEBHOOKS = 8
"""Most webhooks of a VideoJob."""


class NotifyEvent(StrEnum):
    """What a webhook can be told of."""

    STARTED = "Started"
    PROGRESS = "Progress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def type(self) -> str:
        """The type of its messages, as Standard Webhooks has it."""
        return f"videojob.{self.value.lower()}"


FINAL_EVENTS = (NotifyEvent.SUCCEEDED, NotifyEvent.FAILED, NotifyEvent.CANCELLED)


class Notify(Model):
    """A webhook that is told what becomes of the job."""

    url: Annotated[str, StringConstraints(pattern=WEBHOOK_PATTERN, max_length=2048)]
    """Where to POST: `https://…` or `http://…`. Redirects are not followed."""
    events: Annotated[list[NotifyEvent], Field(min_length=1, max_length=5, json_schema_extra=_AS_SET)] = list(
        FINAL_EVENTS
    )
    """Which events it is told of: Started (of each attempt), Progress, Succeeded, Failed, Cancelled. Default: the last
    three."""
    signing_key: Annotated[str, StringConstraints(pattern=KEY_NAME_PATTERN, max_length=253)] | None = None
    """The entry of the Secret `videojob-webhooks`, in the job's namespace, whose keys sign the messages; several keys,
    one a line, for a rotation. Default: not signed."""


class WebhookRules(Model):
    """Which webhooks VideoJobs may name."""

    allow_private_networks: bool = False
    """Let them be in private address ranges, such as services of this cluster."""
    allow_hosts: Annotated[list[Annotated[str, StringConstraints(max_length=253)]] | None, Field(max_length=64)] = None
    """Hosts that they may name, as globs such as *.example.org. Default: any."""


class DeliveryState(StrEnum):
    """How far a message has come."""

    PENDING = "Pending"
    DELIVERED = "Delivered"
    FAILED = "Failed"


class Notification(Model):
    """A message to a webhook, and what came of it."""

    id: Annotated[str, StringConstraints(max_length=64)]
    """Its header `webhook-id`, by which a receiver knows one that it was sent twice."""
    event: Annotated[NotifyEvent, _OPEN]
    """What it tells of."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """The attempt that it tells of."""
    host: Annotated[str, StringConstraints(max_length=253)]
    """Whom it goes to; the rest of a URL can be a secret."""
    state: Annotated[DeliveryState, _OPEN]
    """Pending, Delivered or Failed: given up after three days, or refused for good."""
    tries: Annotated[int, Field(ge=0)] = 0
    """How often it was sent."""
    message: Annotated[str, StringConstraints(max_length=256)] = ""
    """What the last try came to."""
    next_try_at: Time | None = None
    """When it is sent again."""
