"""What the end of a renderer process means: for the job, and for whether another attempt makes sense."""

from __future__ import annotations

import signal

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

_ERRORS: dict[FailureClass, type[VideoJobError]] = {
    FailureClass.PERMANENT: PermanentError,
    FailureClass.TRANSIENT: TransientError,
    FailureClass.INFRASTRUCTURE: InfrastructureError,
    FailureClass.OUT_OF_MEMORY: OutOfMemoryError,
    FailureClass.DEADLINE: DeadlineError,
    FailureClass.CANCELLED: CancelledError,
}

# A decoder does not send itself these: somebody did, on the node or in the container.
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}


def error_of(reason: Reason, message: str) -> VideoJobError:
    """Make the error that a reason stands for; one that is no failure's counts as a failed render."""
    if reason not in FAILURE_CLASS:
        reason = Reason.RENDER_FAILED
    return _ERRORS[FAILURE_CLASS[reason]](message, reason)


def explain(code: int, *, killed_for_memory: bool | None, said_out_of_memory: bool) -> VideoJobError:
    """Explain a process that ended without an answer.

    Args:
        code: its exit status; negative for a signal.
        killed_for_memory: what the kernel says, None when it says nothing.
        said_out_of_memory: what the process itself said last.
    """
    if said_out_of_memory or (-code == signal.SIGKILL and killed_for_memory is not False):
        return OutOfMemoryError("the renderer ran out of memory")
    if code >= 0:
        return InfrastructureError(f"the renderer ended with status {code}; the worker's log says why")
    name = _name(-code)
    if -code in _FROM_OUTSIDE:
        return InfrastructureError(f"the renderer was killed from outside ({name})")
    if -code == signal.SIGXCPU:
        return DeadlineError("the renderer used more processor time than its deadline allows")
    return PermanentError(f"the renderer crashed ({name}); a source may be damaged", Reason.RENDER_FAILED)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
