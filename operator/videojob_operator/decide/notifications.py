"""What webhooks are told: messages come about with the status that they tell of, and stay in it until they arrived.

A message is written into the status by the write that makes it true, so that none is lost; it is sent until the status
says that it arrived, so one may be sent twice, with the same id.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from videojob_contract.errors import Reason
from videojob_contract.resources.notifications import (
    MAX_WEBHOOKS,
    DeliveryState,
    Notification,
    Notify,
    NotifyEvent,
)
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator.decide.step import uid_of
from videojob_operator.decide.types import Post, Settle
from videojob_operator.messages import PostResult, WebhookMessage, host_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from videojob_contract.resources.notifications import WebhookRules
    from videojob_operator.decide.step import Step
    from videojob_operator.decide.types import Observation

RETRY_AFTER_S = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Waits between tries, in seconds: those that Standard Webhooks proposes, of three days in all."""
PATIENCE_S = float(sum(RETRY_AFTER_S))
"""How long a message is tried, in seconds, give or take what a receiver asks for."""
JITTER = 0.2
"""Largest random share by which a wait is longer."""
BUSY_S = 300.0
"""How soon to look again at a message that is on its way or waits for its turn, in seconds: of either its end is told
earlier."""
WITHOUT_POOL_S = 60.0
"""How soon to look again when there is no pool, whose rules say which hosts may be told, in seconds."""

_RECEIVERS = TypeAdapter(list[Notify])
_EVENTS = {
    Phase.SUCCEEDED: NotifyEvent.SUCCEEDED,
    Phase.FAILED: NotifyEvent.FAILED,
    Phase.CANCELLED: NotifyEvent.CANCELLED,
}
_MOST_CHARACTERS = 256


def apply(step: Step) -> Step:
    """Add messages of what this step brings about, take in what became of those sent, and send what is due."""
    receivers = _receivers(step.observation.raw)
    known = {entry.id for entry in step.status.notifications or ()}
    step = step.then(*(Settle(each) for each in step.observation.posted if each not in known))
    if not receivers and not step.status.notifications:
        return step
    for event in _brought_about(step):
        step = _add(step, receivers, event)
    pool = step.observation.pool
    if pool is not None and step.status.phase is Phase.RUNNING and step.status.progress > step.was.progress:
        step = _post_progress(step, receivers, pool.webhooks)
    return _follow_up(step, receivers)


def is_pending(raw_status: Mapping[str, Any]) -> bool:
    """Whether a message of a raw status is still to be sent."""
    entries = raw_status.get("notifications") or ()
    return any(isinstance(entry, dict) and entry.get("state") == DeliveryState.PENDING for entry in entries)


def _receivers(raw: Mapping[str, Any]) -> list[Notify]:
    """Read them from the object as it is: also a spec that is refused otherwise tells of its end."""
    given = raw.get("spec", {}).get("notify")
    try:
        return _RECEIVERS.validate_python(given) if given else []
    except ValidationError:
        return []


def _brought_about(step: Step) -> list[NotifyEvent]:
    events = []
    if step.status.started_at is not None and step.status.started_at != step.was.started_at:
        events.append(NotifyEvent.STARTED)
    if step.status.phase.is_final and not step.was.phase.is_final:
        events.append(_EVENTS[step.status.phase])
    return events


def _add(step: Step, receivers: Sequence[Notify], event: NotifyEvent) -> Step:
    """Add a message for each who asked; the start of an attempt takes the place of an earlier one's."""
    attempt = step.status.attempts
    new = [
        Notification(
            id=_message_id(step, receiver, event),
            event=event,
            attempt=attempt,
            host=host_of(receiver),
            state=DeliveryState.PENDING,
        )
        for receiver in receivers
        if event in receiver.events
    ]
    old = [entry for entry in step.status.notifications or () if entry.event is not event]
    return step.update(notifications=_as_many_as_fit([*old, *new])) if new else step


def _as_many_as_fit(entries: Sequence[Notification]) -> list[Notification]:
    """Leave out what the schema has no place for: what is settled first, and of that and the rest the oldest.

    Receivers can be changed, and a job rendered again, as often as its author likes.
    """
    settled_first = sorted(entries, key=lambda entry: entry.state is DeliveryState.PENDING)
    left_out = {entry.id for entry in settled_first[: max(0, len(entries) - 2 * MAX_WEBHOOKS)]}
    return [entry for entry in entries if entry.id not in left_out]


def _follow_up(step: Step, receivers: Sequence[Notify]) -> Step:
    kept = []
    for entry in step.status.notifications or ():
        receiver = _receiver_of(step, receivers, entry) if entry.state is DeliveryState.PENDING else None
        if receiver is None and entry.state is DeliveryState.PENDING:
            continue  # who is not to be told any more
        step, followed = _follow_one(step, entry, receiver)
        kept.append(followed)
    return step.update(notifications=kept or None)


def _follow_one(step: Step, entry: Notification, receiver: Notify | None) -> tuple[Step, Notification]:
    observation = step.observation
    result = observation.posted.get(entry.id)
    if result is not None:
        step = step.then(Settle(entry.id))
        if entry.state is DeliveryState.PENDING:
            step, entry = _settled(step, entry, result)
    if entry.state is not DeliveryState.PENDING or receiver is None:
        return step, entry
    if entry.next_try_at is not None and entry.next_try_at > observation.now:
        return step.look_again(entry.next_try_at), entry
    if observation.pool is None:
        if (observation.now - _told_at(step, entry.event)).total_seconds() < PATIENCE_S:
            return step.look_again_in(WITHOUT_POOL_S), entry
        why = "there was no RenderPool that says which hosts may be told"
        return _settled(step, entry, PostResult(observation.now, arrived=False, message=why, gone=True))
    if result is None and entry.id not in observation.posting:
        step = step.then(
            Post(_message(step, entry.id, entry.event, entry.attempt), receiver, observation.pool.webhooks)
        )
    return step.look_again_in(BUSY_S * (1 + JITTER * observation.jitter)), entry


def _settled(step: Step, entry: Notification, result: PostResult) -> tuple[Step, Notification]:
    """Say what a try came to, and when the next one is."""
    tries = entry.tries + 1
    said = {"tries": tries, "message": result.message[:_MOST_CHARACTERS], "next_try_at": None}
    if result.arrived:
        return step, entry.model_copy(update=said | {"state": DeliveryState.DELIVERED})
    if result.gone or tries > len(RETRY_AFTER_S):
        message = f"{entry.host} was not told of {entry.event}: {said['message']}"
        step = step.event("Warning", Reason.NOTIFICATION_FAILED, message)
        return step, entry.model_copy(update=said | {"state": DeliveryState.FAILED})
    wait_s = RETRY_AFTER_S[tries - 1] * (1 + JITTER * step.observation.jitter)
    wait_s = max(wait_s, min(result.retry_after_s or 0.0, RETRY_AFTER_S[-1]))
    return step, entry.model_copy(update=said | {"next_try_at": result.at + timedelta(seconds=wait_s)})


def _post_progress(step: Step, receivers: Sequence[Notify], rules: WebhookRules) -> Step:
    """Tell how far the job is, once and without waiting for an answer: the next word is better than this one again."""
    event, attempt = NotifyEvent.PROGRESS, step.status.attempts
    for receiver in receivers:
        if event in receiver.events:
            message_id = _message_id(step, receiver, event, step.status.progress)
            step = step.then(Post(_message(step, message_id, event, attempt), receiver, rules, keeps=False))
    return step


def _message(step: Step, message_id: str, event: NotifyEvent, attempt: int) -> WebhookMessage:
    return WebhookMessage(message_id, event.type, _told_at(step, event), _data(step, event, attempt))


def _told_at(step: Step, event: NotifyEvent) -> datetime:
    status = step.status
    at = {NotifyEvent.STARTED: status.started_at, NotifyEvent.PROGRESS: None}.get(event, status.finished_at)
    return at or step.observation.now


def _data(step: Step, event: NotifyEvent, attempt: int) -> dict[str, Any]:
    """Say which job it is, and as much of its status as belongs to the event."""
    metadata, spec = step.observation.raw["metadata"], step.observation.raw.get("spec", {})
    job = {key: metadata.get(key) for key in ("namespace", "name", "uid")}
    job |= {key: spec[key] for key in ("user", "project") if isinstance(spec.get(key), str)}
    status: VideoJobStatus = step.status
    match event:
        case NotifyEvent.STARTED:
            return job | {"phase": Phase.RUNNING.value, "attempt": attempt}
        case NotifyEvent.PROGRESS:
            told = status.to_dict()
            return job | {key: told[key] for key in ("phase", "progress", "stage", "eta") if key in told}
        case _:
            told = status.to_dict()
            return job | {key: told[key] for key in _OF_THE_END if key in told}


_OF_THE_END = (
    "phase",
    "reason",
    "message",
    "attempts",
    "failures",
    "interruptions",
    "outputs",
    "warnings",
    "failure",
    "queuedAt",
    "startedAt",
    "finishedAt",
)


def _receiver_of(step: Step, receivers: Sequence[Notify], entry: Notification) -> Notify | None:
    return next((each for each in receivers if entry.id.startswith(_prefix(step.observation, each))), None)


def _message_id(step: Step, receiver: Notify, event: NotifyEvent, more: int = 0) -> str:
    """Return the same for the same message: to whom it goes, and then what it tells of."""
    told = f"{event} {step.status.rerun} {step.status.attempts} {more}"
    return f"{_prefix(step.observation, receiver)}{_digest(told)}"


def _prefix(observation: Observation, receiver: Notify) -> str:
    return f"msg_{_digest(f'{uid_of(observation)} {receiver.url}')}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
