"""The condition Accepted: a spec that was refused ends its job, unless a worker has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide import failure
from videojob_operator.decide.step import generation_of

if TYPE_CHECKING:
    from videojob_contract.errors import Reason
    from videojob_operator.decide.step import Step


def apply(step: Step) -> Step:
    """Refuse what cannot be rendered, unless a worker has it: an attempt that runs is left to end."""
    accepted = step.observation.accepted
    refusal = accepted.refusal
    if step.status.phase not in {Phase.PENDING, Phase.QUEUED} or accepted.missing_template:
        return step
    if accepted.template is not None:
        # From now on it is rendered by what the template has now, whatever becomes of that.
        step = step.update(template=accepted.template)
    if refusal is not None:
        return refuse(step, refusal.reason, refusal.message)
    return step.accept()


def observed_generation(step: Step) -> Step:
    """Say which generation of the spec was decided on; not while an earlier one waits in a queue out of sight."""
    if step.status.phase is Phase.QUEUED and not step.observation.queue_known:
        return step
    # A rerun is of a finished job: one that was asked for before it had finished is this very life.
    rerun = step.observation.raw["spec"].get("rerun", 0)
    return step.update(observed_generation=generation_of(step.observation), rerun=rerun)


def refuse(step: Step, reason: Reason, message: str) -> Step:
    """End the job because of its spec."""
    step = step.condition(ConditionType.ACCEPTED, reason, message, holds=False)
    return failure.finish(step, reason, message)
