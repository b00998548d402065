import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    WORKER,
    after,
    decide,
    ended_pod,
    entry,
    events,
    finished,
    result,
    running,
    status_of,
    worker_job,
    worker_pod,
)
from videojob_contract.errors import FAILURE_CLASS, FailureClass, Reason
from videojob_contract.queue.types import GRACE_S, EntryState
from videojob_contract.resources.status import Phase
from videojob_operator.decide.failure import RESTORE_S, of_pod
from videojob_operator.decide.types import DeleteWorkerJob, Memory, Release

CLAIMED = entry(EntryState.CLAIMED)
EXPIRED = entry(EntryState.CLAIMED, expired=True)
OURS = worker_job(owner_uid=UID)
KILL = DeleteWorkerJob(OURS.name, OURS.uid)


@pytest.mark.parametrize("reason", [r for r, kind in FAILURE_CLASS.items() if kind is FailureClass.PERMANENT])
def test_the_same_input_is_not_tried_again(reason):
    decision = decide({}, running(), entry=finished("failed", reason=reason, message="a.jpg: no picture"))

    status = status_of(decision)
    assert status.phase is Phase.FAILED
    assert status.failure is not None
    assert (status.failure.reason, status.failure.message) == (reason, "a.jpg: no picture")
    assert not status.failure.retryable
    assert status.failures == status.attempts == 1
    assert events(decision) == [("Warning", reason)]
    assert decision.requeue_after_s is None


@pytest.mark.parametrize(
    "reason",
    [r for r, kind in FAILURE_CLASS.items() if kind not in {FailureClass.PERMANENT, FailureClass.CANCELLED}],
)
def test_what_may_go_better_is_tried_again(reason):
    decision = decide({}, running(progress=50), entry=finished("failed", reason=reason, message="why"))

    status = status_of(decision)
    assert status.phase is Phase.PENDING
    assert status.failures + status.interruptions == status.attempts == 1
    assert status.interruptions == (FAILURE_CLASS[reason] is FailureClass.INFRASTRUCTURE)
    assert (status.progress, status.stage, status.job, status.worker, status.started_at) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert [(c.type, c.status, c.reason) for c in status.conditions][1:] == [
        ("Admitted", "False", "BackingOff"),
        ("Started", "False", reason),
    ]
    assert events(decision) == [("Warning", reason)]
    assert decision.before == ()
    assert Release(UID, 1, reason) in decision.after


@pytest.mark.parametrize("reason", [Reason.INVALID_MEDIA, Reason.STORAGE_UNAVAILABLE])
def test_the_workers_last_lines_stay_with_the_failure(reason):
    for log, kept in (("opened a.jpg\nno picture", "opened a.jpg\nno picture"), ("", None)):
        status = status_of(decide({}, running(), entry=finished("failed", reason=reason, message="why", log=log)))
        assert status.failure is not None
        assert status.failure.log == kept


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (ended_pod(reason="OOMKilled"), Reason.OUT_OF_MEMORY),
        (ended_pod(reason="Evicted", message="The node was low on resource: memory."), Reason.EVICTED),
        (
            ended_pod(reason="Evicted", message='Usage of EmptyDir volume "scratch" exceeds the limit "8Gi".'),
            Reason.DISK_FULL,
        ),
        (
            ended_pod(
                reason="Evicted",
                message="Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.",
            ),
            Reason.DISK_FULL,
        ),
        (
            ended_pod(
                reason="Evicted",
                message="Container worker exceeded its local ephemeral storage limit 1Gi.",
            ),
            Reason.DISK_FULL,
        ),
        (ended_pod(disrupted="PreemptionByScheduler"), Reason.EVICTED),
        (ended_pod(reason="Preempting"), Reason.EVICTED),
        (ended_pod(reason="Error"), Reason.WORKER_LOST),
        (ended_pod(exit_code=1), Reason.WORKER_LOST),
        (ended_pod(exit_code=None, reason="NodeLost"), Reason.WORKER_LOST),
        (ended_pod(exit_code=None), Reason.WORKER_LOST),
    ],
)
def test_a_pod_that_ended_without_a_result_tells_why(pod, reason):
    cause = of_pod(pod)

    assert cause.reason is reason
    assert pod.name in cause.message
    assert pod.message in cause.message

    for fields in ({"entry": CLAIMED}, {}, {"queue_known": False}):
        failure = status_of(decide({}, running(), pod=pod, worker_job=OURS, **fields)).failure
        assert failure is not None
        assert failure.reason is reason


def test_what_the_worker_said_counts_more_than_how_its_pod_ended():
    said = finished("failed", reason="InvalidMedia", message="a.jpg")

    decision = decide({}, running(), entry=said, pod=ended_pod(reason="OOMKilled"))

    assert status_of(decision).phase is Phase.FAILED


def test_a_failure_is_read_from_the_pods_last_words_too():
    words = result("failed", reason="SourceNotFound", message="a.jpg").model_dump_json()

    decision = decide({}, running(), pod=ended_pod(exit_code=0, termination_message=words), queue_known=False)

    assert status_of(decision).failure is not None
    assert status_of(decision).phase is Phase.FAILED


@pytest.mark.parametrize("said", [finished("cancelled"), finished("failed")])
def test_a_worker_that_stopped_for_no_reason_was_lost(said):
    failure = status_of(decide({}, running(), entry=said)).failure

    assert failure is not None
    assert failure.reason is Reason.WORKER_LOST


def test_a_lease_that_ran_out_ends_the_attempt_and_its_worker():
    fields = {"entry": EXPIRED, "worker_job": OURS, "pod": worker_pod()}
    first = decide({}, running(), **fields)
    assert (first.status, first.before) == (None, ())  # it may have been the queue that was away
    decision = decide({}, running(), memory=first.memory, now=after(GRACE_S), **fields)

    status = status_of(decision)
    assert status.failure is not None
    assert status.failure.reason is Reason.LEASE_LOST
    assert WORKER in status.failure.message
    assert decision.before == (KILL,)


def test_a_job_of_the_same_name_that_is_not_ours_is_left_alone():
    fields = {"entry": EXPIRED, "memory": Memory(missing_since=after(-60))}

    decision = decide({}, running(), worker_job=worker_job(owner_uid="other"), **fields)

    assert status_of(decision).interruptions == 1
    assert not any(isinstance(action, DeleteWorkerJob) for action in decision.before)


@pytest.mark.parametrize("found", [None, entry(EntryState.QUEUED), entry(EntryState.CLAIMED, attempt=0)])
def test_a_worker_may_restore_what_the_queue_lost(found):
    first = decide({}, running(), entry=found, worker_job=OURS, pod=worker_pod())
    assert (first.status, first.before, first.after) == (None, (), ())
    assert first.memory.missing_since == NOW

    back = decide({}, running(), entry=CLAIMED, memory=first.memory, worker_job=OURS)
    assert back.memory.missing_since is None

    fields = {"entry": found, "memory": first.memory, "worker_job": OURS, "pod": worker_pod()}
    assert decide({}, running(), now=after(RESTORE_S - 1), **fields).status is None
    late = decide({}, running(), now=after(RESTORE_S), **fields)
    failure = status_of(late).failure
    assert failure is not None
    assert failure.reason is Reason.LEASE_LOST
    assert late.before == (KILL,)


def test_nothing_is_concluded_while_the_queue_is_out_of_sight():
    decision = decide({}, running(), queue_known=False, memory=Memory(missing_since=after(-100)), worker_job=OURS)

    assert (decision.status, decision.before, decision.after) == (None, (), ())


def test_an_ended_pod_of_another_worker_says_nothing():
    other = ended_pod(name="default-1-other", reason="OOMKilled")

    assert decide({}, running(), entry=CLAIMED, pod=other, worker_job=OURS).status is None
