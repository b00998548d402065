from videojob_contract.assignment import Result
from videojob_contract.queue.events import Claimed, Finished, Registered, StageChanged, WorkerRetired, parse_event

RESULT = Result(uid="a", attempt=2, result="succeeded", render_s=1.5)


def test_each_type_is_read_from_its_fields() -> None:
    worker = {"worker": "pod-1", "job": "job-1"}
    attempt = {"uid": "a", "attempt": "2"}
    assert parse_event("1-0", {"type": "claimed", **attempt, **worker}) == Claimed("1-0", "a", 2, "pod-1", "job-1")
    assert parse_event("1-0", {"type": "stage", **attempt}) == StageChanged("1-0", "a", 2)
    finished = {"type": "finished", **attempt, "result": RESULT.model_dump_json()}
    assert parse_event("1-0", finished) == Finished("1-0", "a", 2, RESULT)
    assert parse_event("1-0", {"type": "registered", **worker}) == Registered("1-0", "pod-1", "job-1")
    assert parse_event("1-0", {"type": "retired", **worker}) == WorkerRetired("1-0", "pod-1", "job-1")


def test_an_unknown_type_is_none() -> None:
    assert parse_event("1-0", {"type": "invented"}) is None
