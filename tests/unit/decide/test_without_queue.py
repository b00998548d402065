import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.build import after, ended_job, ended_pod, observe_pool, pool_spec, worker_job, worker_pod
from videojob_operator.decide.pool import decide_pool
from videojob_operator.decide.types import ActiveVideoJob
from videojob_operator.decide.without_queue import SILENT_S, is_without_queue, whose_turn

LONG_AWAY = {"snapshot": None, "silent_s": SILENT_S + 60, "queue_trouble": "connection refused"}
QUEUES = [
    {"name": "high", "weight": 3},
    {"name": "low", "weight": 1},
    {"name": "stopped", "weight": 20, "stopped": True},
]


def active(uid, *, queue="default", user="", project="", priority=0, since=-10.0, created=None):
    created = since if created is None else created
    return ActiveVideoJob(uid, queue, user, project, priority, after(since), after(created))


def turns(waiting, *jobs, at_work=(), spec=None, **fields):
    observation = observe_pool(
        *jobs, spec={"maxWorkers": 3} | (spec or {}), waiting=waiting, at_work=at_work, **(LONG_AWAY | fields)
    )
    assert observation.spec
    return list(whose_turn(observation, observation.spec))


def test_who_has_waited_longest_is_first_and_there_are_no_more_workers_than_there_may_be():
    waiting = [active(f"v{number}", since=-number) for number in range(5)]
    assert turns(waiting) == ["v4", "v3", "v2"]


@pytest.mark.parametrize("fields", [{"silent_s": SILENT_S - 1}, {"silent_s": 0.0}])
def test_nobody_begins_before_the_queue_was_away_for_long(fields):
    observation = observe_pool(**(LONG_AWAY | fields))
    assert not is_without_queue(observation)
    assert turns([active("v")], **fields) == []


def test_a_pool_looks_again_when_it_is_to_do_without_and_says_so_then():
    early = decide_pool(observe_pool(**(LONG_AWAY | {"silent_s": 10.0})))
    assert early.requeue_after_s == SILENT_S - 10
    late = decide_pool(observe_pool(waiting=[active("v")], **LONG_AWAY))
    assert late.carry == ("v",)
    assert late.status
    (ready,) = [each for each in late.status.conditions if each.type == "Ready"]
    assert ready.reason == "QueueUnavailable"
    assert ready.message == "the queue cannot be reached: connection refused; Jobs carry what is rendered meanwhile"


@pytest.mark.parametrize(
    ("jobs", "pods", "free"),
    [
        ([worker_job(owner_uid="other")], [], 2),
        ([worker_job(owner_uid="other", deleting=True)], [worker_pod()], 2),
        ([ended_job(owner_uid="other")], [], 3),
        ([worker_job(owner_uid="other")], [ended_pod()], 3),
    ],
    ids=["alive", "going", "finished", "its pod has ended"],
)
def test_whoever_may_be_at_work_has_a_place(jobs, pods, free):
    waiting = [active(f"v{number}") for number in range(5)]
    assert len(turns(waiting, *jobs, pods=pods)) == free


def test_turns_that_were_given_have_a_place_and_are_not_given_twice():
    waiting = [active(f"v{number}") for number in range(5)]
    assert turns(waiting, turns=frozenset({"v0", "gone"})) == ["v1"]


def test_what_redis_may_have_had_waits_for_every_worker_that_could_have_claimed_it():
    old, young = active("old", created=-200, since=-200), active("young", created=-10)
    # Of one that came just after Redis was found away, clocks may be wrong.
    between = active("between", created=-70, since=-70)
    idle = worker_job(owner_uid=None)
    assert turns([old, between, young], idle) == ["young"]
    assert turns([old, between, young], idle, pods=[ended_pod()]) == ["old", "between", "young"]


def test_what_a_living_worker_belongs_to_does_not_begin_whatever_its_status_says():
    assert turns([active("v")], worker_job(owner_uid="v")) == []


def test_queues_share_by_weight_and_those_that_are_stopped_give_nothing():
    waiting = [active(f"{queue}{number}", queue=queue) for queue in ("high", "low", "stopped") for number in range(4)]
    begun = turns(waiting, spec={"maxWorkers": 5, "queues": QUEUES})
    assert begun == ["high0", "low0", "high1", "high2", "high3"]
    assert turns(waiting, spec={"queues": QUEUES, "drain": True}, at_work=[active("x", queue="high")]) == []
    assert turns(waiting, at_work=[active("x", queue="high")], spec={"maxWorkers": 1, "queues": QUEUES}) == ["low0"]
    assert turns([active("v", queue="gone")], spec={"queues": QUEUES}) == []


def test_priority_counts_within_a_queue_unless_it_is_first_in_first_out():
    waiting = [active("first", since=-20), active("urgent", priority=5)]
    assert turns(waiting, spec={"maxWorkers": 1}) == ["urgent"]
    assert turns(waiting, spec={"maxWorkers": 1, "order": "fifo"}) == ["first"]


def test_limits_of_what_runs_hold_and_pass_over_who_is_at_one():
    waiting = [active("a1", user="ann"), active("b1", user="bob", project="p"), active("c1", user="cat", project="p")]
    at_work = [active("a0", user="ann")]
    assert turns(waiting, at_work=at_work, spec={"limits": {"running": {"user": 1}}}) == ["b1", "c1"]
    assert turns(waiting, at_work=at_work, spec={"limits": {"running": {"project": 1}}}) == ["a1", "b1"]
    assert turns(waiting, at_work=at_work, spec={"limits": {"running": {"pool": 2}}}) == ["a1"]
    # One that is no VideoJob's yet may be at work, for whomever.
    young = [active("v", created=-1)]
    assert turns(young, worker_job(owner_uid=None), spec={"limits": {"running": {"pool": 1}}}) == []


NAMES = st.sampled_from(["", "ann", "bob"])
WAITING = st.lists(
    st.builds(
        active,
        st.uuids().map(str),
        queue=st.sampled_from(["high", "low", "stopped"]),
        user=NAMES,
        project=NAMES,
        priority=st.integers(-3, 3),
        since=st.floats(-1000, 0),
    ),
    max_size=12,
)


@given(WAITING, WAITING, st.integers(0, 6), st.integers(1, 3))
def test_whatever_waits_no_limit_is_exceeded_and_nobody_begins_twice(waiting, at_work, most, limit):
    running = {"user": limit, "project": limit, "pool": 2 * limit}
    spec = {"maxWorkers": most, "minIdle": 0, "queues": QUEUES, "limits": {"running": running}}
    begun = turns(waiting, at_work=at_work, spec=spec)
    assert len(set(begun)) == len(begun) <= most
    by_uid = {each.uid: each for each in waiting}
    new = [by_uid[uid] for uid in begun]
    assert all(each.queue != "stopped" for each in new)
    for each in new:
        together = [*at_work, *new]
        assert sum(other.user == each.user for other in together) <= limit
        assert not each.project or sum(other.project == each.project for other in together) <= limit
        assert len(together) <= 2 * limit
    assert pool_spec(**spec).max_workers == most
