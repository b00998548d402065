"""Every reason for which a VideoJob waits, and what ends each: a closed list.

While it is Pending, the reason is that of the condition Admitted. While it is Queued, it is that of Started, if
something keeps a worker from it, else `Queued`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from videojob_contract.errors import Reason
from videojob_contract.labels import ANNOTATION_RESTORED
from videojob_contract.resources.status import Phase
from videojob_operator.decide.conditions import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

UNTIL: Final[Mapping[Reason, str]] = {
    Reason.SUSPENDED: "spec.suspend is false",
    Reason.RESTORED: f"the annotation {ANNOTATION_RESTORED} is removed",
    Reason.WAITING_FOR_START: "spec.startAt",
    Reason.WAITING_FOR_TEMPLATE: "the namespace has that VideoTemplate",
    Reason.WAITING_FOR_POOL: "the namespace has that RenderPool, with a spec that can be used",
    Reason.WAITING_FOR_QUEUE: "the pool has that queue, and Redis can be reached or a worker is free to do without",
    Reason.QUEUE_FULL: "Redis has room",
    Reason.BACKING_OFF: "status.nextAttemptAt",
    Reason.QUEUED: "a worker is free and its turn has come",
    Reason.WORKERS_NOT_STARTING: "what keeps workers from starting is mended",
    Reason.QUEUE_UNAVAILABLE: "Redis can be reached, or a worker is free to do without",
    Reason.POOL_AT_MAXIMUM: "a VideoJob of the pool has ended and its turn has come, or maxWorkers is raised",
    Reason.LIMIT_REACHED: "there is room under the limit, or it is raised",
    Reason.QUEUE_STOPPED: "the queue's stopped is false",
    Reason.POOL_DRAINING: "the pool's drain is false",
}
"""What ends a wait, by its reason: the words behind "it waits until"."""

_UNSAID: Final = {Phase.PENDING: Reason.WAITING_FOR_QUEUE, Phase.QUEUED: Reason.QUEUED}
"""Why it waits that does not say: it was not looked at yet, or all goes its way."""


def until(reason: Reason, why: str) -> str:
    """Return why a VideoJob waits and until when, as one message that a status has room for."""
    ending = f"; it waits until {UNTIL[reason]}"
    return f"{shorten(why, beside=len(ending))}{ending}"


def reason_of(phase: Phase, said: str | None) -> Reason | None:
    """Return why a VideoJob of that phase waits whose status says this reason; None when it does not wait."""
    unsaid = _UNSAID.get(phase)
    if unsaid is None or said is None:
        return unsaid
    return Reason(said) if said in UNTIL else unsaid
