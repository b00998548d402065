"""Writes that can wait: how often a status is written for the sake of what changes all the time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step


def within_budget(step: Step, fresh: Step, interval_s: float) -> Step:
    """Return `fresh` when that is due, or comes with a write that is due anyway; else `step`, to be looked at then."""
    now, patched_at = step.observation.now, step.memory.patched_at
    next_patch = now if patched_at is None else patched_at + timedelta(seconds=interval_s)
    if step.status == step.was and now < next_patch:
        return step.look_again(next_patch)
    return fresh.look_again_in(interval_s)
