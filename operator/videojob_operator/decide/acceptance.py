"""Whether a spec can be rendered at all: by itself, and then in its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from videojob_contract.errors import Reason
from videojob_contract.problems import SpecError, format_problems
from videojob_contract.resources.status import ConditionType, Phase
from videojob_contract.support import unsupported
from videojob_contract.validation import parse_videojob
from videojob_operator.decide import failure
from videojob_operator.decide.step import generation_of
from videojob_operator.decide.types import Accepted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_operator.decide.step import Step


def accept(raw: Mapping[str, Any]) -> Accepted:
    """Read and check a VideoJob's spec, without its pool.

    It costs milliseconds, so callers cache it by UID and generation.
    """
    try:
        # Its status is left out: it is read where it is needed, and changes more often than the spec.
        job = parse_videojob({key: value for key, value in raw.items() if key != "status"})
    except SpecError as error:
        return Accepted(None, error.reason, error.problems)
    problems = tuple(unsupported(job.spec))
    return Accepted(job.spec, Reason.NOT_SUPPORTED if problems else None, problems)


def apply(step: Step) -> Step:
    """Refuse what cannot be rendered, unless a worker has it: an attempt that runs is left to end."""
    accepted = step.observation.accepted
    if step.status.phase not in {Phase.PENDING, Phase.QUEUED}:
        return step
    if accepted.refusal is not None:
        return refuse(step, accepted.refusal, format_problems(accepted.problems))
    return step.condition(ConditionType.ACCEPTED, Reason.ACCEPTED, holds=True)


def observed_generation(step: Step) -> Step:
    """Say which generation of the spec was decided on; not while an earlier one waits in a queue out of sight."""
    if step.status.phase is Phase.QUEUED and not step.observation.queue_known:
        return step
    return step.update(observed_generation=generation_of(step.observation))


def refuse(step: Step, reason: Reason, message: str) -> Step:
    """End the job because of its spec."""
    step = step.condition(ConditionType.ACCEPTED, reason, message, holds=False)
    return failure.finish(step, reason, message)
