"""What a plan is to take on a pool's workers, and when it would begin."""

from fractions import Fraction

import pytest

from videojob_contract.plan_report import Plan
from videojob_contract.resources.renderpool import RenderPoolStatus
from videojob_contract.resources.work import LearntRate, LearntRates, WorkKind
from videojob_gateway.looks import begins_in_s, predicted_s


def plan(**work_s: float) -> Plan:
    return Plan(
        width=640,
        height=360,
        fps=Fraction(25),
        frames=100,
        samples=192_000,
        duration_s=4,
        threads=1,
        encoders=1,
        cost=100,
        memory_bytes=1,
        clips=[],
        sounds=[],
        outputs=[],
        segments=[],
        spans=[],
        work_s={WorkKind(kind): seconds for kind, seconds in work_s.items()},
    )


def test_a_plan_takes_what_its_work_is_known_to_take() -> None:
    assert predicted_s(plan(decoded=10, overhead=2), None) == pytest.approx(12)


def test_what_a_pool_has_learnt_of_each_kind_counts() -> None:
    rates = LearntRates(rates=[LearntRate(of="decoded", believed=0.5), LearntRate(of="still", believed=9)])
    assert predicted_s(plan(decoded=10, overhead=2), RenderPoolStatus(learnt=rates)) == pytest.approx(7)


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        (None, None),
        (RenderPoolStatus(idle=1), 0.0),
        (RenderPoolStatus(idle=1, queued=3, backlog_seconds=40), 40),
        (RenderPoolStatus(idle=0, backlog_seconds=0), 0),
        (RenderPoolStatus(idle=0), None),
    ],
)
def test_it_begins_at_once_where_a_worker_is_left_for_it(
    status: RenderPoolStatus | None, seconds: float | None
) -> None:
    assert begins_in_s(status) == seconds
