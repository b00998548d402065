"""How far the job is, written sparingly: each write costs the API server and everyone who watches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Phase
from videojob_operator.decide import waiting
from videojob_operator.decide.attempt import current_entry
from videojob_operator.decide.backlog import rounded_up, wait_s
from videojob_operator.decide.budget import POSITION_INTERVAL_S, within_budget
from videojob_operator.decide.conditions import shorten
from videojob_operator.decide.step import Step

if TYPE_CHECKING:
    from datetime import datetime

    from videojob_contract.resources.status import VideoJobStatus
    from videojob_operator.decide.types import Observation

_OFF_S, _OFF = 10.0, 0.1
"""An ETA is told anew that is off by these seconds, and by this share of what is left."""

_LONGEST_S = 1e9
_NOBODY_KNOWS = {Reason.LIMIT_REACHED, Reason.WORKERS_NOT_STARTING, Reason.QUEUE_UNAVAILABLE}
"""Why something waits of which the end is in other hands."""


def apply(step: Step) -> Step:
    """Bring progress or the place in the queue up to date, in a write that is due anyway or by the budget."""
    match step.status.phase:
        case Phase.RUNNING:
            return within_budget(step, _progress(step), step.observation.patch_interval_s)
        case Phase.QUEUED:
            entry = current_entry(step)
            if entry is None and step.observation.queue_known:  # it was put there just now, behind all others
                return step.look_again_in(_interval_s(step, _waiting(step)))
            if entry is None or entry.state is not EntryState.QUEUED or entry.position is None:
                return step
            told = waiting.for_its_turn(step, entry.waits_for)
            return within_budget(step, _placed(told, entry.position), _interval_s(step, entry.position))
        case _:
            return step


def placed_at(observation: Observation, status: VideoJobStatus, position: int) -> VideoJobStatus:
    """Return a status that also says where a VideoJob is that was put into its queue just now.

    Args:
        observation: what the status was decided of.
        status: is to be written.
        position: how many of its queue are before it.
    """
    return _placed(Step(observation, status, status, observation.memory), position).status


def _placed(step: Step, position: int) -> Step:
    return step.update(queue_position=rounded_up(position), eta=_eta_of_waiting(step, position))


def _interval_s(step: Step, position: int) -> float:
    return max(POSITION_INTERVAL_S, float(position)) * step.observation.spacing


def _waiting(step: Step) -> int:
    """Return how many wait in its queue."""
    spec, backlog = step.observation.accepted.spec, step.observation.backlog
    load = backlog.loads.get(spec.queue) if spec and backlog else None
    return load.count if load else 0


def _eta_of_waiting(step: Step, position: int) -> datetime | None:
    """Return when it should be done that waits; as it was told, while that is about right."""
    spec, pool = step.observation.accepted.spec, step.observation.pool
    backlog, predicted = step.observation.backlog, step.status.predicted
    if spec is None or pool is None or backlog is None or predicted is None or step.status.reason in _NOBODY_KNOWS:
        return None
    turn_s = wait_s(backlog, pool, spec.queue, position)
    if turn_s is None:
        return None
    left_s = min(turn_s + predicted.seconds, _LONGEST_S)
    eta, told = step.observation.now + timedelta(seconds=left_s), step.status.eta
    if told is not None and abs((eta - told).total_seconds()) <= max(_OFF_S, _OFF * left_s):
        return told
    return eta.replace(microsecond=0)  # as it is read


def _progress(step: Step) -> Step:
    entry = current_entry(step)
    said = entry.progress if entry is not None else None
    if said is None:
        return step
    eta = step.status.eta if said.eta_s is None else step.observation.now + timedelta(seconds=said.eta_s)
    return step.update(
        progress=said.percent_after(step.status.progress),
        stage=said.stage,
        message=shorten(said.message) or step.status.message,
        eta=eta,
    )
