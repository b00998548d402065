from tests.unit.decide.build import decide, observe, status_of
from videojob_contract.errors import Reason
from videojob_contract.resources.status import ConditionType, Phase
from videojob_operator.decide.conditions import find
from videojob_operator.decide.types import Enqueue
from videojob_operator.decide.videojob import decide_spent_attempt

BACKED_UP = {"metadata": {"annotations": {"videojob.dev/restored": "true"}}}


def enqueued(decision) -> Enqueue:
    (enqueue,) = decision.before
    assert isinstance(enqueue, Enqueue)
    return enqueue


def test_a_job_out_of_a_backup_passes_over_every_attempt_of_the_time_since():
    status = status_of(decide(**BACKED_UP))
    assert not enqueued(decide()).again
    for number in (1, 2, 3):
        enqueue = enqueued(decide(status=status))
        assert (enqueue.assignment.attempt, enqueue.again) == (number, True)
        status = status_of(decide_spent_attempt(observe(status=status), "it was over"))
        assert (status.phase, status.interruptions) == (Phase.PENDING, number)


def test_once_it_waits_it_is_like_any_other():
    waits = status_of(decide(status=status_of(decide(**BACKED_UP))))
    admitted = find(waits.conditions, ConditionType.ADMITTED)
    assert admitted is not None
    assert admitted.reason is Reason.QUEUED
    assert not enqueued(decide(status=waits, entry=None)).again
