"""Failure classes, reasons, and the errors that carry them: the one place.

    VideoJobError
    ├── PermanentError         the same input fails again: no retry
    ├── TransientError         storage or network: retried with backoff, counted
    ├── InfrastructureError    node, pod or lease lost: retried, not counted
    ├── OutOfMemoryError       retried once, then permanent
    ├── DeadlineError          retried once, then permanent
    └── CancelledError         the user's wish: final

Each failure has a `Reason`; `FAILURE_CLASS` says how each is treated. Reasons of conditions that are not
failures stand in the same enum, because they share the field `reason` in conditions and events.
"""

from enum import StrEnum


class FailureClass(StrEnum):
    """How a failure is treated."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    INFRASTRUCTURE = "infrastructure"
    OUT_OF_MEMORY = "outOfMemory"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why: one word for programs, in conditions, failures, Events and metrics."""

    # Conditions on the way
    ACCEPTED = "Accepted"
    SUSPENDED = "Suspended"
    RESTORED = "Restored"
    WAITING_FOR_START = "WaitingForStart"
    WAITING_FOR_TEMPLATE = "WaitingForTemplate"
    WAITING_FOR_POOL = "WaitingForPool"
    WAITING_FOR_QUEUE = "WaitingForQueue"
    QUEUE_FULL = "QueueFull"
    MOVED = "Moved"
    QUEUED = "Queued"
    CLAIMED = "Claimed"
    STARTED = "Started"
    BACKING_OFF = "BackingOff"
    POOL_AT_MAXIMUM = "PoolAtMaximum"
    QUEUE_STOPPED = "QueueStopped"
    POOL_DRAINING = "PoolDraining"
    LIMIT_REACHED = "LimitReached"
    SUCCEEDED = "Succeeded"
    # Beside the conditions
    NOTIFICATION_FAILED = "NotificationFailed"
    # Conditions of a schedule
    STILL_ACTIVE = "StillActive"
    MISSED = "Missed"
    NAME_TAKEN = "NameTaken"
    FAILED_CREATE = "FailedCreate"
    # Conditions of a pool
    READY = "Ready"
    WORKERS_STARTING = "WorkersStarting"
    WORKERS_NOT_STARTING = "WorkersNotStarting"
    QUEUE_UNAVAILABLE = "QueueUnavailable"
    OWNED_ELSEWHERE = "OwnedElsewhere"
    DRAINING = "Draining"
    DRAINED = "Drained"
    # Beside the conditions of a pool
    URLS_NOT_RENEWED = "UrlsNotRenewed"
    # Permanent failures
    INVALID_SPEC = "InvalidSpec"
    NOT_SUPPORTED = "NotSupported"
    INVALID_MEDIA = "InvalidMedia"
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_FORBIDDEN = "SourceForbidden"
    SOURCE_TOO_LARGE = "SourceTooLarge"
    OUTPUT_FORBIDDEN = "OutputForbidden"
    RENDER_FAILED = "RenderFailed"
    VERIFICATION_FAILED = "VerificationFailed"
    STATUS_REFUSED = "StatusRefused"
    LIMIT_EXCEEDED = "LimitExceeded"
    # Transient failures
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    DISK_FULL = "DiskFull"
    # Infrastructure
    WORKER_LOST = "WorkerLost"
    LEASE_LOST = "LeaseLost"
    EVICTED = "Evicted"
    # Limits
    OUT_OF_MEMORY = "OutOfMemory"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    # The user's wish
    CANCELLED = "Cancelled"


FAILURE_CLASS: dict[Reason, FailureClass] = {
    Reason.INVALID_SPEC: FailureClass.PERMANENT,
    Reason.NOT_SUPPORTED: FailureClass.PERMANENT,
    Reason.INVALID_MEDIA: FailureClass.PERMANENT,
    Reason.SOURCE_NOT_FOUND: FailureClass.PERMANENT,
    Reason.SOURCE_FORBIDDEN: FailureClass.PERMANENT,
    Reason.SOURCE_TOO_LARGE: FailureClass.PERMANENT,
    Reason.OUTPUT_FORBIDDEN: FailureClass.PERMANENT,
    Reason.RENDER_FAILED: FailureClass.PERMANENT,
    Reason.VERIFICATION_FAILED: FailureClass.PERMANENT,
    Reason.STATUS_REFUSED: FailureClass.PERMANENT,
    Reason.LIMIT_EXCEEDED: FailureClass.PERMANENT,
    Reason.STORAGE_UNAVAILABLE: FailureClass.TRANSIENT,
    Reason.DISK_FULL: FailureClass.TRANSIENT,
    Reason.WORKER_LOST: FailureClass.INFRASTRUCTURE,
    Reason.LEASE_LOST: FailureClass.INFRASTRUCTURE,
    Reason.EVICTED: FailureClass.INFRASTRUCTURE,
    Reason.OUT_OF_MEMORY: FailureClass.OUT_OF_MEMORY,
    Reason.DEADLINE_EXCEEDED: FailureClass.DEADLINE,
    Reason.CANCELLED: FailureClass.CANCELLED,
}


class VideoJobError(Exception):
    """A failure that a user is told of: a reason for programs and a message for people."""

    default_reason: Reason

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason

    @property
    def failure_class(self) -> FailureClass:
        """How this failure is treated."""
        return FAILURE_CLASS[self.reason]


class PermanentError(VideoJobError):
    """The same input would fail again."""

    default_reason = Reason.RENDER_FAILED


class TransientError(VideoJobError):
    """Storage or network; another attempt could succeed."""

    default_reason = Reason.STORAGE_UNAVAILABLE


class InfrastructureError(VideoJobError):
    """The node, the pod or the lease was lost."""

    default_reason = Reason.WORKER_LOST


class OutOfMemoryError(VideoJobError):
    """The attempt needed more memory than it may have."""

    default_reason = Reason.OUT_OF_MEMORY


class DeadlineError(VideoJobError):
    """The attempt took longer than its deadline."""

    default_reason = Reason.DEADLINE_EXCEEDED


class CancelledError(VideoJobError):
    """The user cancelled the job."""

    default_reason = Reason.CANCELLED
