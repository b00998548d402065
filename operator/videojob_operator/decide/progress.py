"""How far the job is, written sparingly: each write costs the API server and everyone who watches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Phase
from videojob_operator.decide import waiting
from videojob_operator.decide.attempt import current_entry
from videojob_operator.decide.budget import within_budget
from videojob_operator.decide.conditions import shorten

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step

POSITION_INTERVAL_S = 10.0
"""Least time between two looks at a job's place in its queue, in seconds; further back, as many seconds as
jobs before it. So the places of a whole queue of n jobs cost some log n writes a second, not n."""

_ALMOST = 99
"""Only what has succeeded is at 100 %."""


def apply(step: Step) -> Step:
    """Bring progress or the place in the queue up to date, in a write that is due anyway or by the budget."""
    match step.status.phase:
        case Phase.RUNNING:
            return within_budget(step, _progress(step), step.observation.patch_interval_s)
        case Phase.QUEUED:
            entry = current_entry(step)
            if entry is None or entry.state is not EntryState.QUEUED or entry.position is None:
                return step
            interval_s = max(POSITION_INTERVAL_S, step.observation.patch_interval_s, float(entry.position))
            return within_budget(
                step, waiting.for_its_turn(step, entry.waits_for).update(queue_position=entry.position), interval_s
            )
        case _:
            return step


def _progress(step: Step) -> Step:
    entry = current_entry(step)
    said = entry.progress if entry is not None else None
    if said is None:
        return step
    eta = None if said.eta_s is None else step.observation.now + timedelta(seconds=said.eta_s)
    return step.update(
        progress=max(step.status.progress, min(int(said.percent), _ALMOST)),
        stage=said.stage,
        message=shorten(said.message) or step.status.message,
        eta=eta,
    )
