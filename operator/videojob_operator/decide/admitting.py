"""Whether the pool's limits let a job in: it asks, and is told by the pool's next pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.problems import Problem, format_problems
from videojob_contract.resources.limits import WhenExceeded
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide import acceptance, failure
from videojob_operator.decide.limits import (
    AdmissionRequest,
    Granted,
    LimitMet,
    decides_admission,
    forbidden_tier,
    size_limit,
)
from videojob_operator.decide.prediction import estimate_of, pixel_frames
from videojob_operator.decide.rates import predict
from videojob_operator.decide.step import generation_of, name_of, uid_of

if TYPE_CHECKING:
    from videojob_contract.resources.renderpool import RenderPoolSpec
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_operator.decide.step import Step


@dataclass(frozen=True, slots=True)
class Admitting:
    """What came of asking."""

    step: Step
    is_in: bool = False
    message: str = ""
    """Which limit keeps it out; empty where that is not known yet, or it is refused."""


def again(step: Step, pool: RenderPoolSpec) -> Admitting | None:
    """Return what comes of what the job asked before, if that is so still: to read the whole spec takes a while."""
    asked = step.observation.asked
    if asked is None or isinstance(step.observation.verdict, Granted):
        return None
    if not _is_to_ask(step) or not decides_admission(pool.limits) or asked.made_of != _made_of(step):
        return None
    return _stay_out(step.ask(asked), pool)


def admit(step: Step, spec: VideoJobSpec, pool: RenderPoolSpec) -> Admitting:
    """Compare a job with its pool's limits; `spec` is with its defaults filled in."""
    if not _is_to_ask(step):
        return Admitting(step, is_in=True)
    forbidden = forbidden_tier(pool.limits, spec)
    if forbidden:
        problem = Problem("spec.tier", forbidden)
        return Admitting(acceptance.refuse(step, Reason.INVALID_SPEC, format_problems([problem])))
    too_large = _too_large(spec, pool)
    if too_large:
        return _refuse(step, too_large)
    if not decides_admission(pool.limits):
        return Admitting(step, is_in=True)
    verdict = step.observation.verdict
    if not isinstance(verdict, Granted):
        return _stay_out(step.ask(_request(step, spec)), pool)
    if verdict.is_daily:
        step = step.update(admitted_at=step.status.admitted_at or step.observation.now)
    return Admitting(step, is_in=True)


def _is_to_ask(step: Step) -> bool:
    """Whether limits are to be compared: once in a life, and again where a job has given up its place."""
    status = step.status
    return status.phase is Phase.PENDING and status.failures + status.interruptions == 0


def _made_of(step: Step) -> tuple[int, str]:
    return generation_of(step.observation), step.observation.terms


def _request(step: Step, spec: VideoJobSpec) -> AdmissionRequest:
    came = step.observation.raw["metadata"].get("creationTimestamp")
    return AdmissionRequest(
        uid=uid_of(step.observation),
        name=name_of(step.observation),
        since=step.status.queued_at or (datetime.fromisoformat(came) if came else step.observation.now),
        priority=spec.priority,
        user=spec.user or "",
        project=spec.project or "",
        tier=spec.tier or "",
        predicted_s=predict(estimate_of(spec), step.observation.learnt).seconds,
        is_counted=step.status.admitted_at is not None,
        made_of=_made_of(step),
    )


def _stay_out(step: Step, pool: RenderPoolSpec) -> Admitting:
    """Say which limit keeps the job out, once that is known."""
    verdict = step.observation.verdict
    if not isinstance(verdict, LimitMet) or step.asks != step.observation.asked:
        return Admitting(step.leave())
    message = verdict.words(step.observation.raw["spec"].get("pool", "default"), pool.limits)
    if pool.limits is not None and pool.limits.when_exceeded is WhenExceeded.REFUSE:
        return _refuse(step, message)
    return Admitting(step, message=message)


def _refuse(step: Step, message: str) -> Admitting:
    step = step.condition(ConditionType.ADMITTED, Reason.LIMIT_EXCEEDED, message, holds=False)
    return Admitting(failure.finish(step, Reason.LIMIT_EXCEEDED, message))


def _too_large(spec: VideoJobSpec, pool: RenderPoolSpec) -> str:
    """Return by how much a job is larger than its tier may have; nothing if it is not."""
    most = size_limit(pool.limits, spec.tier or "") if pool.limits else None
    if most is None or (size := pixel_frames(spec)) <= most:
        return ""
    return f'limit size of pool "{spec.pool}": {size:,.0f} of {most:,} pixels of all frames'
