import pytest

from tests.unit.decide.build import after, observe_pool
from videojob_operator.decide.history import AT_ONCE
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.types import DeleteVideoJob, FinishedVideoJob


def finished(count, *, untold=()):
    """Return so many, the newest first."""
    return [FinishedVideoJob(f"job-{n}", f"uid-{n}", after(n), n in untold) for n in reversed(range(count))]


def deleted(spec, **kinds):
    return [each.name for each in decide_pool(observe_pool(spec={"history": spec}, finished=kinds)).delete_videojobs]


def test_the_oldest_beyond_what_is_kept_go():
    assert deleted({"succeeded": 2}, succeeded=finished(5)) == ["job-0", "job-1", "job-2"]
    assert deleted({"succeeded": 5}, succeeded=finished(5)) == []
    assert deleted({"failed": 0}, failed=finished(1)) == ["job-0"]


def test_each_kind_has_its_own_number():
    assert deleted({"succeeded": 3, "failed": 1}, succeeded=finished(3), failed=finished(2)) == ["job-0"]


def test_without_a_number_all_are_kept():
    assert deleted({}, succeeded=finished(9), failed=finished(9)) == []


def test_one_that_a_webhook_waits_for_stays_until_that_was_told():
    assert deleted({"succeeded": 2}, succeeded=finished(4, untold={0})) == ["job-1"]


def test_those_that_a_dead_receiver_keeps_are_not_in_the_way_of_the_others():
    untold = range(AT_ONCE + 50)
    found = deleted({"succeeded": 10}, succeeded=finished(AT_ONCE + 60, untold=untold))
    assert found == []
    found = deleted({"succeeded": 10}, succeeded=finished(AT_ONCE + 90, untold=untold))
    assert found == [f"job-{n}" for n in range(AT_ONCE + 50, AT_ONCE + 80)]


def test_many_go_in_parts_and_soon():
    decision = decide_pool(observe_pool(spec={"history": {"succeeded": 0}}, finished={"succeeded": finished(1000)}))

    assert len(decision.delete_videojobs) == AT_ONCE
    assert decision.delete_videojobs[0] == DeleteVideoJob("uid-0", "job-0")
    assert decision.requeue_after_s is not None
    assert decision.requeue_after_s <= 2


@pytest.mark.parametrize("fields", [{"snapshot": None}, {"snapshot": None, "queue_trouble": "away"}])
def test_it_needs_no_queue(fields):
    observation = observe_pool(spec={"history": {"failed": 0}}, finished={"failed": finished(1)}, **fields)
    assert decide_pool(observation).delete_videojobs == (DeleteVideoJob("uid-0", "job-0"),)
