"""A decision in the making: each policy takes one and returns the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType
from videojob_operator.decide import conditions
from videojob_operator.decide.types import Action, Decision, EmitEvent, Memory, Observation

if TYPE_CHECKING:
    from datetime import datetime

    from videojob_contract.resources.status import VideoJobStatus
    from videojob_operator.decide.limits import AdmissionRequest

_AT_ONCE_S = 0.01
"""Instead of 0, so that what falls due this very moment is due when it is looked at again."""


@dataclass(frozen=True, slots=True)
class Step:
    """What has been decided so far."""

    observation: Observation
    was: VideoJobStatus
    """The status as it was observed."""
    status: VideoJobStatus
    memory: Memory
    before: tuple[Action, ...] = ()
    after: tuple[Action, ...] = ()
    due: datetime | None = None
    """When to look again."""
    settled: bool = False
    """Whether this is to be written before anything else is decided."""
    undecided: bool = False
    """Whether it is too early to do or say anything."""
    asks: AdmissionRequest | None = None
    """What the job asks of its pool."""

    def update(self, **fields: Any) -> Step:
        """Set fields of the status."""
        return replace(self, status=self.status.model_copy(update=fields))

    def remember(self, **fields: Any) -> Step:
        """Set fields of the memory."""
        return replace(self, memory=replace(self.memory, **fields))

    def first(self, *actions: Action) -> Step:
        """Do this before the status is written."""
        return replace(self, before=(*self.before, *actions))

    def then(self, *actions: Action) -> Step:
        """Do this once the status is written."""
        return replace(self, after=(*self.after, *actions))

    def look_again(self, at: datetime) -> Step:
        """Decide again at that time, or earlier."""
        return replace(self, due=at if self.due is None else min(self.due, at))

    def look_again_in(self, seconds: float) -> Step:
        """Decide again after so many seconds, or earlier."""
        return self.look_again(self.observation.now + timedelta(seconds=seconds))

    def ask(self, request: AdmissionRequest) -> Step:
        """Have the job ask its pool to let it wait there."""
        return replace(self, asks=request)

    def settle(self) -> Step:
        """Have this written before anything else is decided."""
        return replace(self, settled=True)

    def leave(self) -> Step:
        """Leave everything as it is, until the next look."""
        return replace(self, undecided=True)

    def event(self, kind: Literal["Normal", "Warning"], reason: Reason, message: str) -> Step:
        """Post an Event."""
        return self.then(EmitEvent(kind, reason, message))

    def condition(
        self,
        kind: ConditionType,
        reason: Reason,
        message: str = "",
        *,
        holds: bool,
        at: datetime | None = None,
    ) -> Step:
        """Set a condition; `at` is when it came about, by default now."""
        changed = conditions.with_condition(
            self.status.conditions,
            kind,
            holds=holds,
            reason=reason,
            message=message,
            at=at or self.observation.now,
            generation=generation_of(self.observation),
        )
        return self if changed == self.status.conditions else self.update(conditions=changed)

    def accept(self) -> Step:
        """Say that the spec can be rendered, and what of it is of a later version."""
        return self.condition(ConditionType.ACCEPTED, Reason.ACCEPTED, self.observation.accepted.left_out, holds=True)

    def decision(self) -> Decision:
        """Return what was decided."""
        now = self.observation.now
        requeue_after_s = None if self.due is None else max((self.due - now).total_seconds(), _AT_ONCE_S)
        if self.undecided:
            return Decision(None, requeue_after_s=requeue_after_s, asks=self.asks, memory=self.observation.memory)
        changed = self.status != self.was
        return Decision(
            status=self.status if changed else None,
            before=self.before,
            after=self.after,
            requeue_after_s=requeue_after_s,
            asks=self.asks,
            memory=replace(self.memory, patched_at=now) if changed else self.memory,
        )


def uid_of(observation: Observation) -> str:
    """Return the UID of the VideoJob."""
    uid: str = observation.raw["metadata"]["uid"]
    return uid


def name_of(observation: Observation) -> str:
    """Return the name of the VideoJob."""
    name: str = observation.raw["metadata"]["name"]
    return name


def generation_of(observation: Observation) -> int:
    """Return the generation of its spec."""
    generation: int = observation.raw["metadata"].get("generation", 0)
    return generation
