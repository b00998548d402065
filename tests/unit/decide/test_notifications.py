from typing import Any

import pytest

from tests.unit.decide.build import (
    NOW,
    UID,
    after,
    decide,
    entry,
    events,
    finished,
    observe,
    pool_spec,
    progress,
    queued,
    running,
    status_of,
    worker_job,
)
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState
from videojob_contract.resources.notifications import DeliveryState, NotifyEvent
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator.decide.notifications import BUSY_S, PATIENCE_S, RETRY_AFTER_S
from videojob_operator.decide.types import Decision, DeleteVideoJob, Post, Settle
from videojob_operator.decide.videojob import decide_refused_status
from videojob_operator.messages import PostResult

URL = "https://hooks.example.org/render?token=secret"
NOTIFY: dict[str, Any] = {"notify": [{"url": URL}]}
ALL = [event.value for event in NotifyEvent]


def notify(*wanted: str) -> dict[str, Any]:
    return {"notify": [{"url": URL, "events": list(wanted)}]}


def posts(decision: Decision) -> list[Post]:
    return [action for action in decision.after if isinstance(action, Post)]


def told(decision: Decision) -> list[str]:
    return [post.message.type for post in posts(decision)]


def entries(status: VideoJobStatus) -> list[tuple[str, str, int]]:
    return [(e.event, e.state, e.tries) for e in status.notifications or ()]


def done(spec: dict[str, Any] = NOTIFY) -> VideoJobStatus:
    """Return the status of a job that has just succeeded."""
    return status_of(decide(spec, running(), entry=finished()))


def tried(status: VideoJobStatus, *, arrived: bool = False, seconds: float = 0, **fields: Any) -> Decision:
    """Return what follows from one try of the only message of a finished job."""
    message = (status.notifications or [])[0].id
    result = PostResult(after(seconds), arrived=arrived, message="HTTP 200" if arrived else "HTTP 503", **fields)
    return decide(NOTIFY, status, posted={message: result}, now=after(seconds), jitter=0.0)


def test_the_end_is_in_the_write_that_makes_it_true_and_is_sent_after_it():
    decision = decide(NOTIFY, running(), entry=finished())

    assert entries(status_of(decision)) == [("Succeeded", "Pending", 0)]
    (post,) = posts(decision)
    assert (post.message.type, post.receiver.url, post.keeps) == ("videojob.succeeded", URL, True)
    assert post.message.id == (status_of(decision).notifications or [])[0].id


@pytest.mark.parametrize(
    ("decision", "type_"),
    [
        (decide(NOTIFY | {"cancel": True}), "videojob.cancelled"),
        (decide(NOTIFY | {"deadline": "never"}), "videojob.failed"),
        (decide_refused_status(observe(NOTIFY, running(), entry=finished()), "422"), "videojob.failed"),
        (decide(NOTIFY, running(), entry=finished("failed", reason="InvalidMedia")), "videojob.failed"),
    ],
)
def test_every_way_to_end_is_told(decision, type_):
    assert told(decision) == [type_]


def test_who_did_not_ask_is_told_nothing():
    assert done({}).notifications is None
    assert told(decide(notify("Failed"), running(), entry=finished())) == []


def test_the_url_is_in_no_status_for_it_can_be_a_secret():
    assert "secret" not in str(done().to_dict())
    assert (done().notifications or [])[0].host == "hooks.example.org"


def test_a_message_says_which_job_it_is_and_how_it_ended():
    (post,) = posts(decide(NOTIFY | {"user": "ada"}, running(), entry=finished(outputs=[])))
    data = post.message.data

    assert (data["namespace"], data["name"], data["uid"], data["user"]) == ("team", "holiday", UID, "ada")
    assert (data["phase"], data["attempts"]) == ("Succeeded", 1)
    assert "conditions" not in data
    assert "notifications" not in data


def test_the_start_of_each_attempt_is_told_and_takes_the_place_of_the_one_before():
    decision = decide(notify("Started"), queued(), entry=entry(EntryState.CLAIMED), worker_job=worker_job())
    assert told(decision) == ["videojob.started"]
    first = status_of(decision)

    again = first.model_copy(update={"phase": Phase.QUEUED, "attempts": 2})
    second = decide(notify("Started"), again, entry=entry(EntryState.CLAIMED, attempt=2, claimed_at=after(-1)))
    assert entries(status_of(second)) == [("Started", "Pending", 0)]
    assert (status_of(second).notifications or [])[0].id != (first.notifications or [])[0].id


def test_a_start_that_is_only_seen_with_the_end_is_told_too():
    decision = decide(notify(*ALL), queued(), entry=finished(), worker_job=worker_job())
    assert told(decision) == ["videojob.started", "videojob.succeeded"]


def test_progress_is_told_once_and_kept_nowhere():
    spec = notify("Progress")
    found = entry(EntryState.CLAIMED, progress=progress(40))
    decision = decide(spec, running(), entry=found, worker_job=worker_job(owner_uid=UID), now=after(60))

    (post,) = posts(decision)
    assert (post.message.type, post.message.data["progress"], post.keeps) == ("videojob.progress", 40, False)
    assert status_of(decision).notifications is None
    assert (
        posts(decide(spec, status_of(decision), entry=found, worker_job=worker_job(owner_uid=UID), now=after(90))) == []
    )


def test_what_arrived_is_written_and_then_let_go_of():
    status = done()
    decision = tried(status, arrived=True)

    assert entries(status_of(decision)) == [("Succeeded", "Delivered", 1)]
    assert status_of(decision).phase is Phase.SUCCEEDED
    assert Settle((status.notifications or [])[0].id) in decision.after
    assert posts(decision) == []
    assert decide(NOTIFY, status_of(decision)).after == ()


def test_after_a_restart_what_is_not_said_to_have_arrived_is_sent_again_with_the_same_id():
    status = done()
    (post,) = posts(decide(NOTIFY, status, now=after(3600)))
    assert post.message.id == (status.notifications or [])[0].id


def test_what_is_on_its_way_is_not_sent_twice():
    status = done()
    decision = decide(NOTIFY, status, posting=frozenset({(status.notifications or [])[0].id}))
    assert posts(decision) == []
    assert decision.requeue_after_s is not None
    assert decision.requeue_after_s >= BUSY_S  # its end is told: 10,000 that wait for their turns are not to be asked


def test_tries_are_ever_further_apart_and_end_after_three_days():
    status, at = done(), 0.0
    for wait_s in RETRY_AFTER_S:
        decision = tried(status, seconds=at)
        status = status_of(decision)
        assert decision.requeue_after_s == wait_s
        assert posts(decide(NOTIFY, status, now=after(at + wait_s - 1))) == []
        at += wait_s
        assert told(decide(NOTIFY, status, now=after(at))) == ["videojob.succeeded"]
    assert at == PATIENCE_S > 3 * 86400

    last = tried(status, seconds=at)
    assert entries(status_of(last)) == [("Succeeded", "Failed", len(RETRY_AFTER_S) + 1)]
    assert events(last) == [("Warning", Reason.NOTIFICATION_FAILED)]
    assert decide(NOTIFY, status_of(last), now=after(at + 1e6)).after == ()


def test_a_receiver_can_ask_for_more_time_up_to_a_day_and_never_for_less():
    assert tried(done(), retry_after_s=100.0).requeue_after_s == 100
    assert tried(done(), retry_after_s=1e9).requeue_after_s == 86400
    assert tried(done(), retry_after_s=0.1).requeue_after_s == RETRY_AFTER_S[0]


def test_a_receiver_that_is_gone_is_not_asked_again():
    decision = tried(done(), gone=True)
    assert entries(status_of(decision)) == [("Succeeded", "Failed", 1)]


def test_a_receiver_that_is_taken_out_of_the_spec_is_not_told_any_more():
    decision = decide({"notify": [{"url": "https://other.example.org"}]}, done())
    assert posts(decision) == []
    assert status_of(decision).notifications is None


def test_two_receivers_on_one_host_are_each_told():
    spec = {"notify": [{"url": f"https://hooks.example.org/{path}"} for path in "ab"]}
    first = decide(spec, running(), entry=finished())
    assert [post.receiver.url[-1] for post in posts(first)] == ["a", "b"]
    assert len({post.message.id for post in posts(first)}) == 2
    assert told(decide(spec, status_of(first))) == ["videojob.succeeded"] * 2


def test_without_the_pool_nobody_knows_who_may_be_told():
    decision = decide(NOTIFY, done(), pool=None)
    assert posts(decision) == []
    assert decision.requeue_after_s


def test_what_nobody_may_be_told_in_three_days_is_given_up():
    status = done()
    assert posts(decide(NOTIFY, status, pool=None, now=after(PATIENCE_S - 60))) == []
    decision = decide(NOTIFY, status, pool=None, now=after(PATIENCE_S + 60))
    assert entries(status_of(decision))[0][:2] == ("Succeeded", "Failed")
    assert events(decision) == [("Warning", Reason.NOTIFICATION_FAILED)]


def test_whatever_becomes_of_the_receivers_there_are_no_more_messages_than_the_schema_has():
    def eight(number: int) -> dict[str, Any]:
        receivers = [{"url": f"https://{name}-{number}.example.org", "events": ALL} for name in "abcdefgh"]
        return {"notify": receivers}

    claimed: dict[str, Any] = {"worker_job": worker_job()}
    status = status_of(decide(eight(0), queued(), entry=entry(EntryState.CLAIMED), **claimed))
    for number in range(1, 4):
        delivered = [e.model_copy(update={"state": DeliveryState.DELIVERED}) for e in status.notifications or ()]
        waits = status.model_copy(update={"phase": Phase.QUEUED, "attempts": number + 1, "notifications": delivered})
        found = entry(EntryState.CLAIMED, attempt=number + 1, claimed_at=after(number))
        status = status_of(decide(eight(number), waits, entry=found, **claimed))
        assert len(status.notifications or ()) == 8
    status = status_of(decide(eight(9), status, entry=finished(attempt=4)))
    assert len(status.notifications or ()) <= 16
    assert next(e.host for e in status.notifications or () if e.event is NotifyEvent.SUCCEEDED) == "a-9.example.org"


def test_of_a_job_that_was_rendered_again_and_again_what_was_not_told_stays_and_what_was_told_makes_room():
    spec = {"notify": [{"url": f"https://{name}.example.org"} for name in "abcdefgh"]}
    succeeded = status_of(decide(spec, running(), entry=finished())).notifications or []
    failed = status_of(decide(spec, running(), entry=finished("failed", reason="InvalidMedia"))).notifications or []
    settled = [e.model_copy(update={"state": DeliveryState.DELIVERED}) for e in succeeded]
    before = VideoJobStatus(notifications=[*settled, *failed])
    cancelled = status_of(decide(spec | {"cancel": True}, before))
    assert [e.event for e in cancelled.notifications or ()] == ["Failed"] * 8 + ["Cancelled"] * 8


def test_what_came_of_a_message_that_is_no_more_is_let_go_of():
    result = {"msg_old": PostResult(after(0), arrived=True, message="HTTP 200")}
    assert decide({}, status_of(decide({}, running(), entry=finished())), posted=result).after == (Settle("msg_old"),)
    assert Settle("msg_old") in decide(NOTIFY, done(), posted=result).after


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example.org?token=secret", "hooks.example.org"),
        ("https://HOOKS.example.org:8443/secret", "hooks.example.org:8443"),
        ("https://[2606:4700::1]/secret", "[2606:4700::1]"),
        ("https://bücher.example/secret", "xn--bcher-kva.example"),
        ("https://a\x1b[31m.example/secret", "?"),
        ("https://\u202egro.example/secret", "?"),
    ],
)
def test_of_a_receiver_its_host_is_told_and_nothing_that_could_be_secret_or_move_a_cursor(url, host):
    status = status_of(decide({"notify": [{"url": url}]}, running(), entry=finished()))
    assert [e.host for e in status.notifications or ()] == [host]


def test_a_finished_job_waits_for_its_messages_but_not_for_ever():
    spec = NOTIFY | {"ttlAfterFinished": "1m"}
    status = done(spec)
    deletion = DeleteVideoJob(UID, "holiday")

    assert deletion not in decide(spec, status, now=after(3600)).after
    assert deletion in decide(spec, status, now=after(PATIENCE_S)).after
    delivered = status_of(tried(status, arrived=True))
    assert deletion in decide(spec, delivered, now=after(60)).after


@pytest.mark.parametrize("broken", [{"notifications": [{"state": "Pending"}]}, {"notifications": "x"}])
def test_a_finished_status_that_cannot_be_read_is_left_as_it_is(broken):
    status = {"phase": "Succeeded", "finishedAt": "2026-01-01T12:00:00.000Z"} | broken
    assert decide(NOTIFY, status).status is None


def test_hosts_that_the_pool_does_not_name_are_refused_at_once():
    pool = pool_spec(webhooks={"allowHosts": ["*.example.com"]})
    failure = status_of(decide(NOTIFY, pool=pool)).failure
    assert failure is not None
    assert failure.message == "spec.notify[0].url: the pool does not allow hooks.example.org"


def test_workers_are_not_told_who_is_notified():
    (enqueue,) = [action for action in decide(NOTIFY).before if hasattr(action, "assignment")]
    assert enqueue.assignment.spec.notify is None


def test_states_are_those_of_the_schema():
    assert {state.value for state in DeliveryState} == {"Pending", "Delivered", "Failed"}
    assert after(PATIENCE_S) > NOW
