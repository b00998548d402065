from __future__ import annotations

import signal

import pytest

from videojob_contract.errors import FAILURE_CLASS, Reason
from videojob_worker.renderer.ending import error_of, explain


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_makes_an_error_of_its_class(reason: Reason) -> None:
    error = error_of(reason, "message")
    assert error.reason is (reason if reason in FAILURE_CLASS else Reason.RENDER_FAILED)
    assert error.failure_class is FAILURE_CLASS[error.reason]
    assert type(error).default_reason in FAILURE_CLASS


@pytest.mark.parametrize(
    ("code", "killed", "said", "reason"),
    [
        (-signal.SIGSEGV, False, False, Reason.RENDER_FAILED),
        (-signal.SIGABRT, None, False, Reason.RENDER_FAILED),
        (-signal.SIGABRT, None, True, Reason.OUT_OF_MEMORY),
        (-signal.SIGKILL, True, False, Reason.OUT_OF_MEMORY),
        (-signal.SIGKILL, None, False, Reason.OUT_OF_MEMORY),
        (-signal.SIGKILL, False, False, Reason.WORKER_LOST),
        (-signal.SIGTERM, None, False, Reason.WORKER_LOST),
        (-signal.SIGXCPU, None, False, Reason.DEADLINE_EXCEEDED),
        (1, None, False, Reason.WORKER_LOST),
        (1, None, True, Reason.OUT_OF_MEMORY),
    ],
)
def test_how_it_ended(code: int, killed: bool | None, said: bool, reason: Reason) -> None:  # noqa: FBT001
    assert explain(code, killed_for_memory=killed, said_out_of_memory=said).reason is reason


def test_the_signal_is_named() -> None:
    assert "SIGBUS" in explain(-signal.SIGBUS, killed_for_memory=None, said_out_of_memory=False).message
    assert "signal 40" in explain(-40, killed_for_memory=None, said_out_of_memory=False).message
