import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    WORKER,
    decide,
    ended_pod,
    entry,
    events,
    finished,
    result,
    running,
    status_of,
    worker_pod,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.status import Failure, Phase, Stage
from videojob_operator.decide.types import Forget

OUTPUT = {"name": "main", "uri": "volume://media/out/main.mp4", "bytes": 9, "sha256": "0" * 64}


def test_a_long_last_word_is_cut_to_what_a_status_can_hold():
    status = status_of(decide({}, running(), entry=finished(message="x" * 5000)))
    assert status == type(status).model_validate(status.to_dict())


def test_a_result_in_the_queue_ends_the_job_with_its_outputs():
    decision = decide({}, running(progress=60), entry=finished(outputs=[OUTPUT], render_s=2, video_s=10))

    status = status_of(decision)
    assert (status.phase, status.progress, status.stage) == (Phase.SUCCEEDED, 100, Stage.COMPLETED)
    assert status.outputs is not None
    assert status.outputs[0].uri == OUTPUT["uri"]
    assert status.finished_at == NOW
    assert status.eta is None
    assert status.message == "10.0 s of video in 2.0 s"
    assert events(decision) == [("Normal", "Succeeded")]


def test_warnings_are_kept_and_told_where_people_look_first():
    one = status_of(decide({}, running(), entry=finished(warnings=["a is cut"], render_s=2, video_s=10)))
    assert (one.warnings, one.message) == (("a is cut",), "10.0 s of video in 2.0 s, with a warning: a is cut")
    two = status_of(decide({}, running(), entry=finished(warnings=["a is cut", "b"], render_s=2, video_s=10)))
    assert two.message == "10.0 s of video in 2.0 s, with 2 warnings"
    assert status_of(decide({}, running(), entry=finished())).warnings is None


def test_the_queue_forgets_the_result_only_once_it_is_written():
    decision = decide({}, running(), entry=finished())

    assert Forget(UID) in decision.after
    assert Forget(UID) not in decision.before


def test_success_is_written_whatever_the_budget():
    assert decide({}, running(), entry=finished(), patch_interval_s=600).status is not None


def test_without_the_queue_the_pods_last_words_do():
    said = ended_pod(exit_code=0, phase="Succeeded", termination_message=result().model_dump_json())

    for known in (True, False):
        decision = decide({}, running(), pod=said, queue_known=known)
        assert status_of(decision).phase is Phase.SUCCEEDED


@pytest.mark.parametrize(
    "words",
    [
        result(uid="other").model_dump_json(),
        result(attempt=2).model_dump_json(),
        result().model_dump_json()[:-5],
    ],
)
def test_words_of_another_attempt_or_cut_short_do_not(words):
    decision = decide({}, running(), pod=ended_pod(exit_code=0, termination_message=words))

    assert status_of(decision).phase is Phase.PENDING


def test_words_of_another_pod_or_of_one_that_still_runs_do_not():
    words = result().model_dump_json()
    for pod in (ended_pod(name="default-9-x", termination_message=words), worker_pod(termination_message=words)):
        decision = decide({}, running(), pod=pod, entry=entry(EntryState.CLAIMED))
        assert decision.status is None


def test_a_failure_of_an_earlier_attempt_is_no_longer_told():
    earlier = running(
        failures=1,
        attempts=2,
        worker=WORKER,
        failure=Failure(reason=Reason.DISK_FULL, message="full", retryable=True),
    )

    status = status_of(decide({}, earlier, entry=finished(attempt=2)))

    assert status.failure is None
