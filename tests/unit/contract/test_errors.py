"""Each error says how it is treated."""

import pytest

from videojob_contract.errors import (
    FAILURE_CLASS,
    CancelledError,
    DeadlineError,
    FailureClass,
    InfrastructureError,
    OutOfMemoryError,
    PermanentError,
    Reason,
    TransientError,
    VideoJobError,
)


@pytest.mark.parametrize(
    ("kind", "failure_class"),
    [
        (PermanentError, FailureClass.PERMANENT),
        (TransientError, FailureClass.TRANSIENT),
        (InfrastructureError, FailureClass.INFRASTRUCTURE),
        (OutOfMemoryError, FailureClass.OUT_OF_MEMORY),
        (DeadlineError, FailureClass.DEADLINE),
        (CancelledError, FailureClass.CANCELLED),
    ],
)
def test_the_default_reason_of_an_error_is_of_its_class(kind: type[VideoJobError], failure_class: FailureClass) -> None:
    error = kind("why")
    assert error.failure_class is failure_class
    assert str(error) == error.message == "why"


def test_a_reason_is_spelt_as_its_name() -> None:
    assert {reason.value for reason in Reason} == {
        "".join(word.capitalize() for word in reason.name.split("_")) for reason in Reason
    }


def test_what_is_no_failure_has_no_class() -> None:
    assert set(FAILURE_CLASS.values()) == set(FailureClass)
    assert Reason.QUEUED not in FAILURE_CLASS
