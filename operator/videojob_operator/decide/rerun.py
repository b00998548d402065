"""A finished job that is to be rendered once more: a new life, of which the old one is the history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videojob_contract.resources.status import MAX_HISTORY, PastLife, VideoJobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_operator.decide.step import Step

_MOST_CHARACTERS = 256


def is_wanted(raw_spec: Mapping[str, Any], raw_status: Mapping[str, Any]) -> bool:
    """Whether a finished job is to be rendered once more; from the object as it is, for there are many."""
    wanted, done = raw_spec.get("rerun", 0), raw_status.get("rerun", 0)
    return bool(wanted > done and raw_spec.get("cancel") is not True)


def begin(step: Step) -> Step:
    """Let the job begin anew: its queue, deadline and outputs are as its spec has them now."""
    was = step.status
    life = PastLife(
        rerun=was.rerun,
        phase=was.phase,
        reason=was.reason,
        message=was.message[:_MOST_CHARACTERS],
        attempts=was.attempts,
        finished_at=was.finished_at,
    )
    new = VideoJobStatus(
        rerun=step.observation.raw["spec"]["rerun"],
        attempts=was.attempts,
        earlier_attempts=was.attempts,
        history=[*(was.history or ()), life][-MAX_HISTORY:],
        observed_generation=was.observed_generation,
        # What was not told yet still is.
        notifications=was.notifications,
    )
    return replace(step, status=new).settle().look_again_in(0)
