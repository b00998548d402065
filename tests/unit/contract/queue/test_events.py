import pytest

from videojob_contract.queue.events import Claimed, Finished, Registered, StageChanged, WorkerRetired, parse_event

WORKER = {"worker": "pod-1", "job": "job-1"}
ATTEMPT = {"uid": "a", "attempt": "2"}


def test_each_type_is_read_from_its_fields() -> None:
    assert parse_event("1-0", {"type": "claimed", **ATTEMPT, **WORKER}) == Claimed("1-0", "a", 2, "pod-1", "job-1")
    assert parse_event("1-0", {"type": "stage", **ATTEMPT}) == StageChanged("1-0", "a", 2)
    assert parse_event("1-0", {"type": "finished", **ATTEMPT}) == Finished("1-0", "a", 2)
    assert parse_event("1-0", {"type": "registered", **WORKER}) == Registered("1-0", "pod-1", "job-1")
    assert parse_event("1-0", {"type": "retired", **WORKER}) == WorkerRetired("1-0", "pod-1", "job-1")


def test_what_else_an_event_says_is_passed_over() -> None:
    """Workers of another version say more, or less that matters."""
    assert parse_event("1-0", {"type": "finished", **ATTEMPT, "id": "x", "result": "{}"}) == Finished("1-0", "a", 2)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "invented"},
        {"type": "claimed"},
        {"type": "claimed", **ATTEMPT, **WORKER, "attempt": "not a number"},
        {"type": "claimed", **ATTEMPT, **WORKER, "attempt": "-1"},
        {"type": "claimed", **ATTEMPT, **WORKER, "attempt": "9" * 30},
        {"type": "claimed", **ATTEMPT, **WORKER, "uid": ""},
        {"type": "claimed", **ATTEMPT, **WORKER, "job": "../x"},
        {"type": "claimed", **ATTEMPT, **WORKER, "job": "x" * 64},
        {"type": "stage", **ATTEMPT, "uid": "\udcff"},
        {"type": "registered", **WORKER, "worker": "x" * 254},
    ],
)
def test_what_is_no_event_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_event("1-0", fields)
