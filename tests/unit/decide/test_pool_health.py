from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    ended_job,
    ended_pod,
    observe_pool,
    result,
    snapshot,
    worker,
    worker_job,
    worker_pod,
)
from videojob_contract.queue.types import WorkerState
from videojob_contract.resources.status import ConditionType
from videojob_operator.decide.conditions import find
from videojob_operator.decide.pool import AFTER_ACTION_S, decide_pool
from videojob_operator.decide.pool_health import (
    KEEP_ENDED_S,
    KEEP_FAILED,
    KEEP_FAILED_S,
    LEAVE_S,
    REGISTER_S,
)
from videojob_operator.decide.types import DeleteWorkerJob, Explanation, PoolDecision, PoolMemory, Trace, WorkerJob

PULLING = {
    "phase": "Pending",
    "started_at": None,
    "reason": "ImagePullBackOff",
    "message": 'Back-off pulling image "x"',
}


def old_job(serial: int, age_s: float, **fields) -> WorkerJob:
    return worker_job(serial, created_at=after(-age_s), **fields)


def absent(serial: int, age_s: float, *, came_up: bool = False, replaced: int = 0) -> PoolMemory:
    trace = Trace(came_up=came_up, absent_since=after(-age_s))
    return PoolMemory(traces={f"default-{serial}": trace}, replaced=replaced)


def deletion(serial: int) -> DeleteWorkerJob:
    return DeleteWorkerJob(f"default-{serial}", f"job-{serial}")


def complaint(decision: PoolDecision) -> str:
    assert decision.status is not None
    ready = find(decision.status.conditions, ConditionType.READY)
    assert ready is not None
    return ready.message


def test_a_worker_that_does_not_register_is_replaced_and_its_pods_reason_told():
    fields = {"pods": [worker_pod(1, **PULLING)], "spec": {"minIdle": 1}}

    early = decide_pool(observe_pool(old_job(1, REGISTER_S - 1), memory=absent(1, REGISTER_S - 1), **fields))
    assert (early.create, early.delete_jobs) == ((), ())
    assert early.requeue_after_s == 1
    assert complaint(early) == 'worker default-1: ImagePullBackOff: Back-off pulling image "x"'
    assert [(e.type, e.reason) for e in early.events] == [("Warning", "WorkersNotStarting")]

    late = decide_pool(observe_pool(old_job(1, REGISTER_S), memory=absent(1, REGISTER_S), **fields))
    assert late.delete_jobs == (deletion(1),)
    assert late.create == ("default-2",)
    assert late.memory.replaced == 1


def test_each_that_follows_may_take_twice_as_long():
    def decide(age_s: float) -> PoolDecision:
        return decide_pool(observe_pool(old_job(3, age_s), memory=absent(3, age_s, replaced=2)))

    assert decide(4 * REGISTER_S - 1).delete_jobs == ()
    assert decide(4 * REGISTER_S).delete_jobs == (deletion(3),)


def test_time_before_this_operator_started_or_without_the_queue_does_not_count():
    fresh = decide_pool(observe_pool(old_job(1, 9999)))
    assert fresh.delete_jobs == ()

    away = decide_pool(observe_pool(old_job(1, 9999), memory=absent(1, 9999), snapshot=None))
    assert decide_pool(observe_pool(old_job(1, 9999), memory=away.memory)).delete_jobs == ()


def test_until_one_comes_up():
    up = snapshot(worker(1, WorkerState.IDLE))

    assert decide_pool(observe_pool(worker_job(1), snapshot=up, memory=PoolMemory(replaced=2))).memory.replaced == 0


def test_one_that_no_node_has_room_for_is_told_and_left_to_wait():
    pod = worker_pod(1, phase="Pending", started_at=None, reason="Unschedulable", message="0/3 nodes are available")

    decision = decide_pool(observe_pool(old_job(1, 9999), pods=[pod], memory=absent(1, 9999), spec={"minIdle": 1}))

    assert (decision.create, decision.delete_jobs) == ((), ())
    assert "0/3 nodes are available" in complaint(decision)


def test_a_moments_wait_is_not_worth_a_word():
    decision = decide_pool(observe_pool(old_job(1, 3), pods=[worker_pod(1, **PULLING)], spec={"minIdle": 1}))

    assert complaint(decision) == "no worker has registered yet"
    assert decision.requeue_after_s == 2  # by then it is


def test_one_that_runs_and_does_not_register_is_told_too():
    decision = decide_pool(observe_pool(old_job(1, REGISTER_S), pods=[worker_pod(1)]))

    assert "has not registered" in complaint(decision)


def test_a_worker_without_a_pod_is_asked_after_and_told_of_in_kubernetes_words():
    def decide(age_s: float, explained: Explanation | None = None) -> PoolDecision:
        memory = PoolMemory(explanation=explained)
        return decide_pool(observe_pool(old_job(1, age_s), snapshot=snapshot(queued=1), memory=memory))

    early = decide(1)
    assert (early.explain, early.requeue_after_s) == (None, 1)
    assert decide(2).explain == "default-1"

    told = decide(3, Explanation("default-1", "exceeded quota: tight", after(-1)))
    assert complaint(told) == "worker default-1 has no pod: exceeded quota: tight"
    assert (told.explain, told.requeue_after_s) == (None, 2)
    assert decide(12, Explanation("default-1", "exceeded quota: tight", after(-10))).explain == "default-1"

    silent = decide(11, Explanation("default-1", "", after(-1)))
    assert "kubectl describe job default-1" in complaint(silent)


def test_a_pod_that_waits_for_its_volumes_is_asked_after_and_by_itself_no_trouble():
    creating = worker_pod(1, phase="Pending", started_at=None, reason="ContainerCreating")

    def decide(age_s: float, explained: Explanation | None = None) -> PoolDecision:
        memory = PoolMemory(explanation=explained)
        fields = {"pods": [creating], "snapshot": snapshot(queued=1), "memory": memory}
        return decide_pool(observe_pool(old_job(1, age_s), **fields))

    assert decide(9).explain is None
    assert decide(10).explain == "default-1"
    assert complaint(decide(60, Explanation("default-1", "", NOW))) == "no worker has registered yet"

    told = decide(60, Explanation("default-1", 'FailedMount: secret "x" not found', NOW))
    assert complaint(told) == 'worker default-1: ContainerCreating: FailedMount: secret "x" not found'


def test_of_another_worker_the_answer_says_nothing():
    memory = PoolMemory(explanation=Explanation("default-1", "exceeded quota", NOW))

    decision = decide_pool(observe_pool(old_job(2, 3), snapshot=snapshot(queued=1), memory=memory))

    assert decision.explain == "default-2"
    assert complaint(decision) == "no worker has registered yet"


def test_a_job_that_was_refused_is_told_of_until_one_is_made():
    refused = decide_pool(observe_pool(snapshot=snapshot(queued=1), memory=PoolMemory(refusal="exceeded quota")))
    assert complaint(refused) == "no worker can be made: exceeded quota"
    assert refused.create == ("default-1",)
    assert refused.memory.refusal == ""  # unless it is refused once more


def test_after_every_action_the_pool_is_looked_at_again():
    assert decide_pool(observe_pool(snapshot=snapshot(queued=1))).requeue_after_s == AFTER_ACTION_S
    assert decide_pool(observe_pool(ended_job(1, at=-KEEP_ENDED_S))).requeue_after_s == AFTER_ACTION_S
    idle = snapshot(worker(1, WorkerState.IDLE, since=-3600))
    retiring = decide_pool(observe_pool(worker_job(1), snapshot=idle))
    assert retiring.retire
    assert retiring.requeue_after_s == AFTER_ACTION_S


def test_one_that_cannot_start_is_replaced_as_soon_as_the_template_is_another():
    stuck = old_job(1, 5, template_hash="old")

    decision = decide_pool(observe_pool(stuck, pods=[worker_pod(1, **PULLING)], spec={"minIdle": 1}))
    assert decision.delete_jobs == (deletion(1),)
    assert decision.create == ("default-2",)
    assert decision.memory.replaced == 0

    started = decide_pool(observe_pool(stuck, pods=[worker_pod(1)], spec={"minIdle": 1}))
    assert started.delete_jobs == ()


def crashed(count: int, *, last_at: float) -> list:
    return [ended_job(n, failed=True, at=last_at - 10 * (count - n)) for n in range(1, count + 1)]


@pytest.mark.parametrize(("count", "pause_s"), [(1, 5), (2, 10), (3, 20), (5, 80)])
def test_after_failed_starts_one_worker_at_a_time_is_made_and_ever_more_rarely(count, pause_s):
    fields = {"spec": {"minIdle": 3}, "snapshot": snapshot(queued=5)}

    early = decide_pool(observe_pool(*crashed(count, last_at=1 - pause_s), **fields))
    assert early.create == ()
    assert early.requeue_after_s is not None
    assert early.requeue_after_s <= 1

    late = decide_pool(observe_pool(*crashed(count, last_at=-pause_s), **fields))
    assert late.create == (f"default-{count + 1}",)

    trying = decide_pool(observe_pool(*crashed(count, last_at=-pause_s), worker_job(count + 1), **fields))
    assert trying.create == ()


def test_one_that_comes_up_ends_the_pause():
    up = [worker_job(3), snapshot(worker(3, WorkerState.IDLE), queued=5)]

    decision = decide_pool(observe_pool(*crashed(2, last_at=0), up[0], snapshot=up[1]))

    assert len(decision.create) == 4
    assert complaint(decision) == ""


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (ended_pod(1, exit_code=1, reason="Error", message="no Redis"), "Error, exit code 1: no Redis"),
        (ended_pod(1, exit_code=3), "exit code 3"),
        (None, "failed to start"),
    ],
)
def test_how_the_last_one_failed_is_told(pod, words):
    pods = [pod] if pod else []

    assert complaint(decide_pool(observe_pool(*crashed(1, last_at=0), pods=pods))) == f"worker default-1: {words}"


@pytest.mark.parametrize(
    "fields",
    [
        {"pods": [ended_pod(1, disrupted="EvictionByEvictionAPI")]},
        {"pods": [ended_pod(1, reason="Evicted")]},
        {"memory": absent(1, 9, came_up=True)},
    ],
)
def test_a_worker_that_came_up_or_was_taken_away_is_no_failed_start(fields):
    decision = decide_pool(observe_pool(*crashed(1, last_at=0), snapshot=snapshot(queued=3), **fields))

    assert len(decision.create) == 3


def test_a_pod_that_failed_counts_before_its_job_does():
    decision = decide_pool(observe_pool(worker_job(1), pods=[ended_pod(1, exit_code=1)], snapshot=snapshot(queued=3)))

    assert decision.create == ()


def test_ended_jobs_of_no_more_use_are_deleted():
    early = decide_pool(observe_pool(ended_job(1, at=-KEEP_ENDED_S + 1)))
    assert early.delete_jobs == ()
    assert early.requeue_after_s == 1

    assert decide_pool(observe_pool(ended_job(1, at=-KEEP_ENDED_S))).delete_jobs == (deletion(1),)


def test_the_last_failed_starts_are_kept_for_who_looks_into_them():
    many = crashed(KEEP_FAILED + 2, last_at=0)
    assert decide_pool(observe_pool(*many)).delete_jobs == (deletion(1), deletion(2))

    one = ended_job(1, failed=True, at=-KEEP_FAILED_S + 1)
    assert decide_pool(observe_pool(one)).delete_jobs == ()
    one = ended_job(1, failed=True, at=-KEEP_FAILED_S)
    assert decide_pool(observe_pool(one)).delete_jobs == (deletion(1),)


@pytest.mark.parametrize(
    ("job", "pods"),
    [
        (ended_job(1, at=-9999, owner_uid=UID), []),
        (ended_job(1, at=-9999, deleting=True), []),
        (ended_job(1, at=-9999), [ended_pod(1, exit_code=0, termination_message=result().model_dump_json())]),
        (old_job(1, 9999, owner_uid=UID), [worker_pod(1)]),
    ],
)
def test_what_a_videojob_has_or_may_yet_want_is_left_to_it(job, pods):
    assert decide_pool(observe_pool(job, pods=pods)).delete_jobs == ()


@pytest.mark.parametrize("owner_uid", [None, UID])
def test_a_worker_that_left_the_queue_and_does_not_exit_is_deleted(owner_uid):
    def decide(age_s: float) -> PoolDecision:
        memory = absent(1, age_s, came_up=True)
        return decide_pool(observe_pool(old_job(1, 9999, owner_uid=owner_uid), pods=[worker_pod(1)], memory=memory))

    assert decide(LEAVE_S - 1).delete_jobs == ()
    assert decide(LEAVE_S - 1).requeue_after_s == 1
    assert decide(LEAVE_S).delete_jobs == (deletion(1),)


def test_a_retiring_worker_that_still_answers_is_not():
    retiring = snapshot(worker(1, WorkerState.RETIRING, since=-9999))

    assert decide_pool(observe_pool(old_job(1, 9999), snapshot=retiring)).delete_jobs == ()


def test_a_worker_that_crashes_at_once_makes_no_storm_of_jobs():
    """Ten minutes of a pool whose workers all fail one second after they are made."""
    jobs, made, memory = {}, 0, PoolMemory()
    for second in range(600):
        now = after(second)
        observation = observe_pool(
            *jobs.values(), now=now, snapshot=snapshot(queued=50), memory=memory, spec={"minIdle": 5}
        )
        decision = decide_pool(observation)
        memory = decision.memory
        for each in decision.delete_jobs:
            del jobs[each.job]
        for name, job in jobs.items():
            if not job.is_finished:
                jobs[name] = replace(job, active=0, failed=1, finished_at=now)
        for name in decision.create:
            made += 1
            jobs[name] = worker_job(int(name.split("-")[1]), created_at=now)
    assert made - 15 <= 600 / 80 + KEEP_FAILED  # the first fifteen at once, then one a pause
    assert len(jobs) <= KEEP_FAILED + 1
    assert all(now - job.created_at <= timedelta(seconds=KEEP_FAILED_S) for job in jobs.values())
