"""How long work takes on a pool's workers: learnt from what they say of finished attempts, and used to predict others.

Workers read untrusted media, and may say anything. So all of it is bounded, and what is believed is a median.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from videojob_contract.learnt import factor, rate_of
from videojob_contract.resources.status import Prediction
from videojob_contract.resources.work import MAX_RATIOS, MEMORY, MOST_RATIO, SOURCES, LearntRate, LearntRates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from videojob_contract.assignment import Result
    from videojob_operator.decide.types import Estimate

LEAST_S: Final = 0.05
"""Work that was to take less teaches nothing, in seconds."""
_DIGITS: Final = 4
_MIB: Final = 1024**2
_LONGEST_S: Final = 1e9


def predict(estimate: Estimate, learnt: LearntRates) -> Prediction:
    """Return what an attempt should take on the pool's workers."""
    seconds = _by_kinds(estimate, learnt) * (factor(learnt, SOURCES) if estimate.guessed else 1.0)
    mebibytes = max(1, round(estimate.memory_bytes * factor(learnt, MEMORY) / _MIB))
    return Prediction(seconds=round(min(seconds, _LONGEST_S), 1), memory_bytes=mebibytes * _MIB)


def ratios_of(result: Result, estimate: Estimate | None, learnt: LearntRates) -> dict[str, float]:
    """Return what an attempt that succeeded shows, by what it is of; `estimate` is what was made when it was queued."""
    return {of: _bounded(ratio) for of, ratio in _ratios(result, estimate, learnt)}


def learn(learnt: LearntRates, shown: Mapping[str, float]) -> LearntRates:
    """Return the rates with what one more attempt shows."""
    rates = {rate.of: rate for rate in learnt.rates}
    for of, ratio in shown.items():
        known = rate_of(learnt, of)
        rates[of] = known.model_copy(update={"ratios": (*known.ratios, ratio)[-MAX_RATIOS:]})
    return learnt.model_copy(update={"rates": sorted(rates.values(), key=lambda rate: rate.of)})


def of_template(learnt: LearntRates, template: str) -> LearntRates:
    """Return the rates for workers of a template: those of another are where learning begins."""
    if learnt.template == template:
        return learnt
    begun = [LearntRate(of=rate.of, believed=_bounded(factor(learnt, rate.of))) for rate in learnt.rates]
    return LearntRates(template=template, rates=begun)


def _by_kinds(estimate: Estimate, learnt: LearntRates) -> float:
    return sum(seconds * factor(learnt, kind) for kind, seconds in estimate.work_s.items())


def _ratios(result: Result, estimate: Estimate | None, learnt: LearntRates) -> Iterator[tuple[str, float]]:
    for work in result.work:
        if work.planned_s >= LEAST_S:
            yield work.kind.value, work.took_s / work.planned_s
    if estimate is not None and result.peak_bytes:
        yield MEMORY, result.peak_bytes / estimate.memory_bytes
    if estimate is not None and estimate.guessed and result.work:
        yield SOURCES, result.render_s / _by_kinds(estimate, learnt)


def _bounded(ratio: float) -> float:
    return min(max(float(f"{ratio:.{_DIGITS}g}"), 1 / MOST_RATIO), MOST_RATIO)
