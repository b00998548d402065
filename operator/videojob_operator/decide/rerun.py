"""A finished job that is to be rendered once more: a new life, of which the old one is the history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import MAX_HISTORY, PastLife, Phase, VideoJobStatus
from videojob_operator.decide import cancel, cleanup
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.types import CancelInQueue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_operator.decide.step import Step

_MOST_CHARACTERS = 256
_TELLS_S = 1.0
"""A worker stops within a frame, and nothing wakes the job that comes after: how soon to look again, in seconds."""


def is_wanted(raw_spec: Mapping[str, Any], raw_status: Mapping[str, Any]) -> bool:
    """Whether a finished job is to be rendered once more; from the object as it is, for there are many."""
    wanted, done = raw_spec.get("rerun", 0), raw_status.get("rerun", 0)
    return bool(wanted > done and raw_spec.get("cancel") is not True)


def begin(step: Step) -> Step:
    """Let the job begin anew: its queue, deadline and outputs are as its spec has them now."""
    was = step.status
    used = _newest_attempt(step)
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
        attempts=used,
        earlier_attempts=used,
        history=[*(was.history or ()), life][-MAX_HISTORY:],
        observed_generation=was.observed_generation,
        template=was.template,
        # What was not told yet still is.
        notifications=was.notifications,
    )
    return replace(step, status=new).settle().look_again_in(0)


def _newest_attempt(step: Step) -> int:
    """Return the newest number that the queue may know: of two attempts of one, one would be taken for the other.

    A job that was cancelled while it waited may be in its queue all the same, if the answer was lost.
    """
    status, entry = step.status, step.observation.entry
    known = entry.attempt if entry is not None else 0
    if status.phase is Phase.CANCELLED:
        known = max(known, current_number(status))
    return max(status.attempts, known)


def stop_earlier_attempt(step: Step) -> Step:
    """Stop the worker of before a rerun first, which nobody may have told: two would be at work on one job."""
    observation, status = step.observation, step.status
    entry, job = observation.entry, observation.worker_job
    if status.rerun == 0 or status.phase is not Phase.PENDING or not observation.queue_known or entry is None:
        return step
    if entry.state is not EntryState.CLAIMED or entry.attempt >= current_number(status):
        return step.remember(cancelled_at=None)
    since = step.memory.cancelled_at or observation.now
    left_s = cancel.GRACE_S - (observation.now - since).total_seconds()
    if left_s > 0 and not entry.expired:
        tell = () if entry.cancelling else (CancelInQueue(entry.uid),)
        step = step.update(message=f"attempt {entry.attempt}, of before the rerun, is stopped first")
        return step.remember(cancelled_at=since).first(*tell).settle().look_again_in(min(left_s, _TELLS_S))
    if job is not None and job.name == entry.job:
        step = cleanup.kill(step, job)
    return step.remember(cancelled_at=None)
