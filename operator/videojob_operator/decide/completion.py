"""The worker says that it is done: the outputs are published, and the job has succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType, Phase, Stage
from videojob_operator.decide import attempt, cleanup
from videojob_operator.decide.conditions import shorten

if TYPE_CHECKING:
    from videojob_contract.assignment import Result
    from videojob_operator.decide.step import Step


def apply(step: Step) -> Step:
    """End the job with its outputs."""
    if step.status.phase is not Phase.RUNNING:
        return step
    result = attempt.result(step)
    if result is None or result.result != "succeeded":
        return step
    message = shorten(result.message or f"{result.video_s:.1f} s of video in {result.render_s:.1f} s{_warned(result)}")
    now = step.observation.now
    step = (
        step.update(
            phase=Phase.SUCCEEDED,
            reason=None,
            progress=100,
            stage=Stage.COMPLETED,
            message=message,
            eta=None,
            outputs=list(result.outputs),
            warnings=result.warnings or None,
            failure=None,
            finished_at=now,
        )
        .condition(ConditionType.FINISHED, Reason.SUCCEEDED, message, holds=True)
        .condition(ConditionType.COMPLETE, Reason.SUCCEEDED, message, holds=True)
        .event("Normal", Reason.SUCCEEDED, message)
    )
    return cleanup.let_go(step)


def _warned(result: Result) -> str:
    """Say whether the outputs may surprise, where people look first."""
    if not result.warnings:
        return ""
    first, *others = result.warnings
    return f", with {len(result.warnings)} warnings" if others else f", with a warning: {first}"
