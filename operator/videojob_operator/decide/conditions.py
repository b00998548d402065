"""Conditions as Kubernetes means them: one of each type, whose transition time moves only with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.resources.status import Condition, ConditionStatus, ConditionType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from videojob_contract.errors import Reason

_ORDER = {kind: index for index, kind in enumerate(ConditionType)}
_MAX_MESSAGE = 2048


def shorten(message: str, *, beside: int = 0) -> str:
    """Cut a message to what a condition, a failure or a status can hold, beside so many other characters."""
    most = _MAX_MESSAGE - beside
    return message if len(message) <= most else f"{message[: most - 1]}…"


def find(conditions: Iterable[Condition], kind: ConditionType) -> Condition | None:
    """Return the condition of that type."""
    return next((condition for condition in conditions if condition.type is kind), None)


def with_condition(
    conditions: Iterable[Condition],
    kind: ConditionType,
    *,
    holds: bool,
    reason: Reason,
    message: str,
    at: datetime,
    generation: int,
) -> list[Condition]:
    """Return the conditions with one of them set, in the order in which they become true."""
    conditions = list(conditions)
    status = ConditionStatus.TRUE if holds else ConditionStatus.FALSE
    known = find(conditions, kind)
    new = Condition(
        type=kind,
        status=status,
        reason=reason,
        message=shorten(message),
        last_transition_time=known.last_transition_time if known and known.status is status else at,
        observed_generation=generation,
    )
    if known == new:
        return conditions
    others = (condition for condition in conditions if condition.type is not kind)
    return sorted([*others, new], key=lambda condition: _ORDER[condition.type])
