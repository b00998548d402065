"""A status that the API server finds invalid: written again and again it would keep the job as it is for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import Phase
from videojob_operator.decide import cleanup, failure, retry

if TYPE_CHECKING:
    from videojob_operator.decide.step import Step


def end_job(step: Step, words: str) -> Step:
    """End the job as failed, with the API server's words, from the status that was observed: that one it has taken."""
    if step.status.phase is Phase.RUNNING:
        step = retry.count(cleanup.kill_worker(step), Reason.STATUS_REFUSED)
    return failure.finish(step, Reason.STATUS_REFUSED, f"the API server refused what was to be its status: {words}")
