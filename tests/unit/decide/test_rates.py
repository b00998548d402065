"""What a pool learns of finished attempts: soon right, and little moved by those that lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.build import result
from videojob_contract.learnt import factor
from videojob_contract.resources.renderpool import RenderPoolStatus
from videojob_contract.resources.work import MAX_RATIOS, MEMORY, MOST_RATIO, NOTHING_LEARNT, SOURCES, WorkKind
from videojob_operator.decide.rates import LEAST_S, learn, of_template, predict, ratios_of
from videojob_operator.decide.types import Estimate

KIND = WorkKind.DECODED
RATIOS = st.floats(1 / MOST_RATIO, MOST_RATIO)
ESTIMATE = Estimate({KIND: 8.0, WorkKind.OVERHEAD: 2.0}, memory_bytes=200 * 2**20, guessed=False)
GUESSED = Estimate(ESTIMATE.work_s, ESTIMATE.memory_bytes, guessed=True)


def learnt(*ratios: float, of: str = KIND):
    rates = NOTHING_LEARNT
    for ratio in ratios:
        rates = learn(rates, {of: ratio})
    return rates


def shown(*work: tuple[str, float, float], estimate: Estimate | None = ESTIMATE, **fields):
    said = [{"kind": kind, "plannedS": planned, "tookS": took} for kind, planned, took in work]
    return ratios_of(result(work=said, **fields), estimate, NOTHING_LEARNT)


def test_nothing_is_believed_to_differ_at_first():
    assert factor(NOTHING_LEARNT, KIND) == 1
    assert predict(ESTIMATE, NOTHING_LEARNT).seconds == 10


def test_a_few_attempts_teach():
    assert factor(learnt(0.25), KIND) == pytest.approx(0.5)
    assert factor(learnt(0.25, 0.25), KIND) == pytest.approx(0.25)
    assert predict(ESTIMATE, learnt(0.25, 0.25)).seconds == 4


@given(st.floats(0.1, 10), st.lists(RATIOS, max_size=4), st.randoms())
def test_four_of_eleven_that_lie_move_nothing_beyond_what_the_others_say(truth, lies, random):
    ratios = [truth * (0.97 + 0.01 * number) for number in range(MAX_RATIOS - len(lies))] + lies
    random.shuffle(ratios)
    assert truth * 0.969 <= factor(learnt(*ratios), KIND) <= truth * 1.071


@given(st.lists(st.dictionaries(st.sampled_from([*WorkKind, SOURCES, MEMORY]), RATIOS), max_size=40))
def test_whatever_is_shown_is_bounded_and_fits_into_a_status(attempts):
    rates = NOTHING_LEARNT
    for attempt in attempts:
        rates = learn(rates, attempt)
    assert RenderPoolStatus.model_validate({"learnt": rates.to_dict()}).learnt == rates
    assert all(1 / MOST_RATIO <= factor(rates, rate.of) <= MOST_RATIO for rate in rates.rates)
    assert len(rates.model_dump_json()) < 2000


@given(st.floats(0, 1e10), st.floats(0, 1e10), st.integers(0, 2**53 - 1), st.floats(0, 1e10))
def test_what_a_worker_says_is_taken_for_no_more_than_it_can_be(planned, took, peak_bytes, render_s):
    found = shown((KIND, planned, took), estimate=GUESSED, peakBytes=peak_bytes, renderS=render_s)
    assert all(1 / MOST_RATIO <= ratio <= MOST_RATIO for ratio in found.values())
    assert (KIND in found) is (planned >= LEAST_S)
    assert predict(GUESSED, learn(NOTHING_LEARNT, found)).seconds < 1e6


def test_memory_and_what_is_guessed_of_sources_are_learnt_by_themselves():
    assert shown((KIND, 4, 8), peakBytes=300 * 2**20, renderS=5) == {KIND: 2, MEMORY: 1.5}
    assert shown((KIND, 4, 8), estimate=GUESSED, renderS=5) == {KIND: 2, SOURCES: 0.5}
    assert shown((KIND, 4, 8), estimate=None, peakBytes=300 * 2**20, renderS=5) == {KIND: 2}
    halved = learnt(0.5, 0.5, of=SOURCES)
    assert (predict(GUESSED, halved).seconds, predict(ESTIMATE, halved).seconds) == (5, 10)
    assert predict(ESTIMATE, learnt(1.5, 1.5, of=MEMORY)).memory_bytes == 300 * 2**20


def test_workers_of_another_template_are_learnt_anew_from_what_was_believed():
    before = of_template(NOTHING_LEARNT, "old")
    for _ in range(3):
        before = learn(before, {KIND: 4.0})
    after = of_template(before, "new")
    assert after.template == "new"
    assert factor(after, KIND) == 4
    assert all(rate.ratios == () for rate in after.rates)
    assert factor(learn(learn(after, {KIND: 1.0}), {KIND: 1.0}), KIND) == 1
    assert of_template(after, "new") is after
