"""Exit codes: one for each way in which a script would react differently."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from videojob_contract.errors import FAILURE_CLASS, FailureClass, Reason

if TYPE_CHECKING:
    from videojob_contract.assignment import Result


class Exit(IntEnum):
    """What the program ends with."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    PERMANENT = 3
    MEDIA = 4
    TRANSIENT = 5
    DEADLINE = 6
    OUT_OF_MEMORY = 7
    CANCELLED = 130


HELP = {
    Exit.OK: "done",
    Exit.UNEXPECTED: "something unexpected, or the renderer was killed",
    Exit.USAGE: "wrong usage",
    Exit.PERMANENT: "the spec is invalid or not supported, or it cannot be rendered or written",
    Exit.MEDIA: "a source is missing, refused, too large, or not what it should be",
    Exit.TRANSIENT: "storage or network failed, or the disk is full: try again",
    Exit.DEADLINE: "not done within the deadline",
    Exit.OUT_OF_MEMORY: "out of memory",
    Exit.CANCELLED: "cancelled with Ctrl-C",
}

_MEDIA = {Reason.INVALID_MEDIA, Reason.SOURCE_NOT_FOUND, Reason.SOURCE_FORBIDDEN, Reason.SOURCE_TOO_LARGE}
_CLASSES = {
    FailureClass.PERMANENT: Exit.PERMANENT,
    FailureClass.TRANSIENT: Exit.TRANSIENT,
    FailureClass.INFRASTRUCTURE: Exit.UNEXPECTED,
    FailureClass.OUT_OF_MEMORY: Exit.OUT_OF_MEMORY,
    FailureClass.DEADLINE: Exit.DEADLINE,
    FailureClass.CANCELLED: Exit.CANCELLED,
}


def of_reason(reason: Reason) -> Exit:
    """Return the exit code for a failure."""
    return Exit.MEDIA if reason in _MEDIA else _CLASSES[FAILURE_CLASS[reason]]


def of_result(result: Result) -> Exit:
    """Return the exit code for the end of a render."""
    return Exit.OK if result.reason is None else of_reason(result.reason)
