"""What a wait can come to but what was waited for; the tree stands in errors.py.

Apart, because these hold the VideoJob as it was last seen, and what reads a VideoJob raises errors itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_client.errors import ClientError

if TYPE_CHECKING:
    from videojob_client.resources import VideoJob


class WaitError(ClientError):
    """A VideoJob did not come to what was waited for."""

    def __init__(self, message: str, job: VideoJob) -> None:
        super().__init__(message)
        self.job = job
        """Its last state."""


class JobFailedError(WaitError):
    """It failed."""

    def __init__(self, message: str, job: VideoJob, reason: str) -> None:
        super().__init__(message, job)
        self.reason = reason
        """Why, as one word for programs: a value of the contract's `Reason`, or of a newer operator's."""


class JobCancelledError(WaitError):
    """It was cancelled."""


class JobFinishedError(WaitError):
    """It has succeeded, and so the phase that was waited for will not come."""


class JobDeletedError(WaitError):
    """It was deleted."""


class WaitTimeoutError(WaitError, TimeoutError):
    """Time was up."""
