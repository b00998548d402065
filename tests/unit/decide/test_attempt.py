import pytest

from tests.unit.decide.build import decide, entry, finished, queued, running, status_of
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.types import Enqueue


@pytest.mark.parametrize(
    ("failures", "interruptions", "number"),
    [(0, 0, 1), (2, 0, 3), (0, 3, 4), (1, 1, 3)],
)
def test_the_current_attempt_is_the_one_after_those_that_ended(failures, interruptions, number):
    status = VideoJobStatus(failures=failures, interruptions=interruptions)

    assert current_number(status) == number
    [enqueue] = decide({}, status).before
    assert isinstance(enqueue, Enqueue)
    assert enqueue.assignment.attempt == number


@pytest.mark.parametrize("state", [EntryState.QUEUED, EntryState.CLAIMED])
def test_a_status_that_was_lost_takes_up_the_attempt_that_the_queue_has(state):
    status = status_of(decide({}, {}, entry=entry(state, attempt=4)))

    assert status.attempts == 4
    assert status.failures + status.interruptions == 3


def test_an_entry_that_cannot_be_believed_is_not_there():
    decision = decide({}, queued(), entry=entry(EntryState.CLAIMED), queue_known=False)

    assert decision.status is None


def test_a_result_of_an_earlier_attempt_is_not_the_end_of_this_one():
    second = running(attempts=2, interruptions=1)

    decision = decide({}, second, entry=finished("failed", reason="InvalidMedia"))

    assert decision.status is None or decision.status.phase is Phase.RUNNING
