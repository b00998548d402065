"""What holds for every decision, over all that can be observed together."""

import itertools
import time

import pytest

from tests.unit.decide.build import (
    JOB,
    NOW,
    UID,
    after,
    decide,
    ended_job,
    ended_pod,
    entry,
    finished,
    observe,
    observe_pool,
    pool_spec,
    progress,
    queued,
    result,
    running,
    snapshot,
    status_of,
    worker_job,
    worker_pod,
)
from tests.unit.decide.test_template import observe_from
from videojob_contract.errors import FAILURE_CLASS, Reason
from videojob_contract.queue.types import EntryState, LimitReached
from videojob_contract.resources.renderpool import RenderPoolStatus
from videojob_contract.resources.status import Failure, Phase, VideoJobStatus
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.pool_status import contested
from videojob_operator.decide.types import Accepted, Decision, EmitEvent, Enqueue, Memory, Observation
from videojob_operator.decide.videojob import decide_videojob
from videojob_operator.messages import PostResult

CLAIMED = entry(EntryState.CLAIMED)
BACKING_OFF = queued(
    phase=Phase.PENDING,
    failures=1,
    next_attempt_at=after(5),
    failure=Failure(reason=Reason.DISK_FULL, message="full", retryable=True),
)
SPECS = [{}, {"suspend": True}, {"cancel": True}, {"queue": "urgent"}, {"clips": []}, {"deadline": "1ms"}]
STATUSES = [VideoJobStatus(), queued(), running(), running(progress=50), BACKING_OFF]
ENTRIES = [
    None,
    entry(EntryState.QUEUED),
    CLAIMED,
    entry(EntryState.CLAIMED, progress=progress(30), cancelling=True),
    entry(EntryState.CLAIMED, expired=True),
    entry(EntryState.CLAIMED, attempt=2),
    entry(EntryState.CANCELLED),
    finished(),
    finished("failed", reason="InvalidMedia"),
    finished("failed", reason="DiskFull"),
    finished("cancelled"),
]
WORKERS = [
    (None, None),
    (worker_job(), worker_pod()),
    (worker_job(owner_uid=UID), worker_pod()),
    (worker_job(owner_uid=UID), ended_pod(reason="OOMKilled")),
    (ended_job(owner_uid=UID), ended_pod(exit_code=0, termination_message=result().model_dump_json())),
]


def whole(observation: Observation, status: VideoJobStatus | None, memory: Memory) -> Observation:
    """Return the same observation with what the last decision left."""
    raw = dict(observation.raw) | ({"status": status.to_dict()} if status else {})
    fields = {name: getattr(observation, name) for name in Observation.__slots__}
    return Observation(**(fields | {"raw": raw, "memory": memory}))


def told(decision: Decision) -> list[Reason]:
    return [action.reason for action in decision.after if isinstance(action, EmitEvent)]


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("known", [True, False])
def test_from_any_state_it_comes_to_rest(spec, known):
    """With nothing new to see, the status is written at most three times, and no Event is told twice."""
    for status, found, (job, pod), late in itertools.product(STATUSES, ENTRIES, WORKERS, (0, 3600)):
        observation = observe(spec, status, entry=found, worker_job=job, pod=pod, queue_known=known, now=after(late))
        events: list[EmitEvent] = []
        for _ in range(4):
            decision = decide_videojob(observation)
            events += [action for action in decision.after if isinstance(action, EmitEvent)]
            if decision.status is None:
                break
            assert decision.status.failures + decision.status.interruptions in {
                decision.status.attempts,
                decision.status.attempts - 1,
            }
            VideoJobStatus.model_validate(decision.status.to_dict())
            observation = whole(observation, decision.status, decision.memory)
        assert decision.status is None, (status, found, pod)
        again = decide_videojob(whole(observation, None, decision.memory))
        assert again.status is None
        assert not told(again)
        assert len(events) == len(set(events)), events


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_what_is_told_is_what_is_written(spec):
    """An Event comes with a write of the status, and a final phase with its condition, time and reason."""
    for status, found, (job, pod) in itertools.product(STATUSES, ENTRIES, WORKERS):
        decision = decide(spec, status, entry=found, worker_job=job, pod=pod)
        if told(decision):
            assert decision.status is not None
        if decision.status is not None and decision.status.phase.is_final:
            final = decision.status
            assert final.finished_at == NOW
            verdict = "Complete" if final.phase is Phase.SUCCEEDED else "Failed"
            assert [condition.type for condition in final.conditions[-2:]] == ["Finished", verdict]
            assert all(condition.status == "True" for condition in final.conditions[-2:])
            assert (final.failure is not None) >= (final.phase is Phase.FAILED)
            assert told(decision)[-1] == final.conditions[-1].reason
            assert decision.requeue_after_s is None


def reasons_of(decision: Decision) -> set[Reason | None]:
    status = status_of(decision)
    return {status.reason} | {condition.reason for condition in status.conditions} | set(told(decision))


def notification_failed() -> Decision:
    spec = {"notify": [{"url": "https://hooks.example.org"}]}
    done = status_of(decide(spec, running(), entry=finished()))
    assert done.notifications is not None
    gone = PostResult(NOW, arrived=False, gone=True, message="HTTP 410")
    return decide(spec, done, posted={done.notifications[0].id: gone})


PRODUCED = {
    Reason.ACCEPTED: decide,
    Reason.QUEUED: decide,
    Reason.SUSPENDED: lambda: decide({"suspend": True}),
    Reason.RESTORED: lambda: decide(metadata={"annotations": {"videojob.dev/restored": "true"}}),
    Reason.WAITING_FOR_START: lambda: decide({"startAt": "2027-01-01T00:00:00Z"}),
    Reason.WAITING_FOR_TEMPLATE: lambda: decide_videojob(observe_from(None)),
    Reason.WAITING_FOR_POOL: lambda: decide(pool=None),
    Reason.WAITING_FOR_QUEUE: lambda: decide({"queue": "urgent"}),
    Reason.QUEUE_FULL: lambda: decide(queue_full=True),
    Reason.POOL_AT_MAXIMUM: lambda: decide({}, queued(), entry=entry(EntryState.QUEUED), pool_busy=10),
    Reason.LIMIT_REACHED: lambda: decide(
        {}, queued(), entry=entry(EntryState.QUEUED, waits_for=LimitReached("user", 3, 3))
    ),
    Reason.QUEUE_STOPPED: lambda: decide(
        {}, queued(), pool=pool_spec(queues=[{"name": "default", "stopped": True}]), entry=entry(EntryState.QUEUED)
    ),
    Reason.POOL_DRAINING: lambda: decide({}, queued(), pool=pool_spec(drain=True), entry=entry(EntryState.QUEUED)),
    Reason.LIMIT_EXCEEDED: lambda: decide(pool=pool_spec(limits={"size": 1})),
    Reason.MOVED: lambda: decide({"pool": "other"}, queued(), entry=entry(EntryState.QUEUED)),
    Reason.CLAIMED: lambda: decide({}, queued(), entry=CLAIMED),
    Reason.STARTED: lambda: decide({}, queued(), entry=CLAIMED),
    Reason.BACKING_OFF: lambda: decide({}, running(), entry=finished("failed", reason="DiskFull")),
    Reason.SUCCEEDED: lambda: decide({}, running(), entry=finished()),
    Reason.NOTIFICATION_FAILED: notification_failed,
    Reason.INVALID_SPEC: lambda: decide({"clips": []}),
    Reason.NOT_SUPPORTED: lambda: decide({"parallelism": 2}),
    Reason.CANCELLED: lambda: decide({"cancel": True}),
    Reason.LEASE_LOST: lambda: decide({}, running(), memory=Memory(missing_since=after(-60))),
    Reason.OUT_OF_MEMORY: lambda: decide({}, running(), pod=ended_pod(reason="OOMKilled")),
    Reason.EVICTED: lambda: decide({}, running(), pod=ended_pod(disrupted="EvictionByEvictionAPI")),
    Reason.WORKER_LOST: lambda: decide({}, running(), pod=ended_pod()),
    Reason.DEADLINE_EXCEEDED: lambda: decide({}, running(), entry=CLAIMED, now=after(3600)),
}
OF_POOLS = {
    Reason.READY: observe_pool(),
    Reason.QUEUE_UNAVAILABLE: observe_pool(snapshot=None),
    Reason.OWNED_ELSEWHERE: observe_pool(snapshot=None, status=contested(RenderPoolStatus(), "a", NOW)),
    Reason.DRAINING: observe_pool(spec={"drain": True}, running=frozenset({JOB})),
    Reason.DRAINED: observe_pool(spec={"drain": True}),
    Reason.WORKERS_STARTING: observe_pool(snapshot=snapshot(queued=1)),
    Reason.WORKERS_NOT_STARTING: observe_pool(ended_job(1, failed=True)),
}


OF_SCHEDULES = {Reason.STILL_ACTIVE, Reason.MISSED, Reason.NAME_TAKEN, Reason.FAILED_CREATE}
"""Which tests/unit/decide/test_schedule.py has."""
OF_URLS = {Reason.URLS_NOT_RENEWED}
"""Which tests/integration/operator/test_output_urls.py has."""


@pytest.mark.parametrize("reason", sorted(set(Reason) - OF_SCHEDULES - OF_URLS))
def test_every_reason_comes_about(reason):
    if reason in OF_POOLS:
        status = decide_pool(OF_POOLS[reason]).status
        assert status is not None
        assert reason in {condition.reason for condition in status.conditions}
    elif reason in PRODUCED:
        assert reason in reasons_of(PRODUCED[reason]())
    else:
        # What only a worker can find out.
        assert reason in FAILURE_CLASS
        assert reason in reasons_of(decide({}, running(), entry=finished("failed", reason=reason)))


def test_a_finished_job_is_decided_on_without_reading_it():
    status = {"phase": "Succeeded", "finishedAt": "2026-01-01T11:00:00.000Z", "job": {"name": JOB}}
    observation = Observation(
        raw={"metadata": {"uid": UID}, "spec": {}, "status": status}, accepted=Accepted(None), now=NOW
    )

    start = time.process_time()
    for _ in range(10_000):
        decide_videojob(observation)

    assert time.process_time() - start < 2


def test_what_a_later_version_has_written_into_a_status_is_passed_over():
    told = running().to_dict()
    told["later"] = {"a": 1}
    told["conditions"][0]["later"] = 2
    decision = decide({}, told, entry=entry(EntryState.CLAIMED))
    assert not [action for action in decision.before if isinstance(action, Enqueue)]
    assert decision.status is None
