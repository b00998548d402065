"""Status of a VideoJob. Written by the operator alone, always in one write."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints, WithJsonSchema

from videojob_contract.errors import Reason
from videojob_contract.resources.base import Model, RoughTime, Time
from videojob_contract.resources.notifications import BY_ID, MAX_WEBHOOKS, Notification

BY_TYPE: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}

# Of values that later versions add to: Helm leaves CRDs as they are, and a newer operator must be able to write them.
_OPEN = WithJsonSchema({"type": "string", "maxLength": 64})

Message = Annotated[str, StringConstraints(max_length=2048)]

MAX_WARNING = 500
"""Longest warning, in characters."""
MAX_WARNINGS = 20
"""Most warnings of one render."""

Warnings = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=MAX_WARNING)], ...], Field(max_length=MAX_WARNINGS)
]
"""What may surprise in a render; each names the field that it is of."""

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A number that every reader of JSON has exactly; the API server takes none beyond 64 bits."""
Seconds = Annotated[float, Field(ge=0, le=1e10)]
"""Some time, at most three centuries: neither infinite nor no number, which JSON does not have."""


class Phase(StrEnum):
    """Where a VideoJob is in its life; derived from the conditions, for people."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self in {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}


class Stage(StrEnum):
    """What a worker is doing, in order."""

    INITIALIZING = "Initializing"
    FETCHING = "Fetching"
    RENDERING = "Rendering"
    AUDIO = "Audio"
    PUBLISHING = "Publishing"
    COMPLETED = "Completed"


class ConditionType(StrEnum):
    """The conditions of a VideoJob, in the order in which they become true; a RenderPool has some of its own.

    Complete and Failed are those of a `batch/v1` Job.
    """

    ACCEPTED = "Accepted"
    ADMITTED = "Admitted"
    STARTED = "Started"
    FINISHED = "Finished"
    COMPLETE = "Complete"
    FAILED = "Failed"
    READY = "Ready"
    CONTESTED = "Contested"
    DRAINED = "Drained"


class ConditionStatus(StrEnum):
    """Kubernetes' three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """A condition as `metav1.Condition` has it."""

    type: Annotated[ConditionType, _OPEN]
    """Which condition."""
    status: ConditionStatus
    """Whether it holds."""
    reason: Annotated[Reason, _OPEN]
    """Why, as one word for programs."""
    message: Message = ""
    """Why, for people."""
    last_transition_time: Time
    """When the status last changed."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this was said of."""


MAX_URL = 4096
"""Longest URL of an output, in characters."""

MAX_LOG = 4096
"""Most characters of a log in a status, which goes to everyone who watches."""


class Failure(Model):
    """Why an attempt, or the job, failed."""

    reason: Annotated[Reason, _OPEN]
    """Why, as one word for programs."""
    message: Message
    """Why, for people: the source, the field and what to do."""
    retryable: bool
    """Whether another attempt could succeed."""
    log: Annotated[str, Field(max_length=MAX_LOG)] | None = None
    """The last lines of the worker's log, which outlive its pod."""


class OutputStatus(Model):
    """An output that was published."""

    name: str = Field(max_length=63)
    """Its name in the spec."""
    uri: str = Field(max_length=2048)
    """Where it is."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=MAX_URL)] | None = None
    """Where it can be downloaded, if its store gives URLs; whoever has a signed one can, until it expires."""
    url_expires_at: Time | None = None
    """Until when the signed URL holds."""
    bytes: Count
    """Its size in bytes."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    """Its SHA-256, in hex."""
    width: Count | None = None
    """Width in pixels."""
    height: Count | None = None
    """Height in pixels."""
    frames: Count | None = None
    """Number of video frames."""
    duration: Seconds | None = None
    """Length in seconds."""


class PastLife(Model):
    """How a job ended before it was rendered once more."""

    rerun: Count = 0
    """`spec.rerun` as it was then."""
    phase: Phase
    """Succeeded, Failed or Cancelled."""
    reason: Annotated[Reason, _OPEN] | None = None
    """Why it failed."""
    message: Annotated[str, StringConstraints(max_length=256)] = ""
    """The last word, for people."""
    attempts: Count = 0
    """Attempts made until then."""
    finished_at: Time | None = None
    """When it was."""


MAX_HISTORY = 10
"""Ends that are kept; the oldest goes."""


class Prediction(Model):
    """What an attempt should take, as far as its spec tells without a source opened, and its pool has learnt."""

    seconds: Seconds
    """From the claim to its end."""
    memory_bytes: Count
    """Of the renderer, at its peak."""


MAX_TEMPLATE = 64 * 1024
"""Most characters of a VideoTemplate that is kept in a status."""


class FixedTemplate(Model):
    """What the VideoTemplate had when the job was accepted: later changes of it are for others."""

    name: str = Field(max_length=253)
    """Its name."""
    generation: Annotated[int, Field(ge=0)] = 0
    """The generation of its spec."""
    content: str = Field(max_length=MAX_TEMPLATE)
    """Its parameters and timeline, as compressed JSON."""


class JobRef(Model):
    """The Kubernetes Job of the current attempt."""

    name: str = Field(max_length=63)
    """Its name, in the VideoJob's namespace."""


class VideoJobStatus(Model):
    """What is known of a VideoJob."""

    phase: Phase = Phase.PENDING
    """Where it is: Pending, Queued, Running, Succeeded, Failed or Cancelled."""
    progress: Annotated[int, Field(ge=0, le=100)] = 0
    """Per cent of the work done; never goes back within an attempt."""
    stage: Stage | None = None
    """What the worker is doing."""
    reason: Annotated[Reason, _OPEN] | None = None
    """Why it waits, or why it failed, as one word; none while all goes its way."""
    message: Message = ""
    """The latest word, for people."""
    eta: RoughTime | None = None
    """When the render should be done, while it waits and while it runs."""
    queue_position: Annotated[int, Field(ge=0)] | None = None
    """How many jobs of its queue are before it, when that is known; beyond 10 rounded up: 15, 20, … 100, 150, …"""
    template: FixedTemplate | None = None
    """The VideoTemplate that it was made from, as that was."""
    predicted: Prediction | None = None
    """What an attempt should take."""
    attempts: Annotated[int, Field(ge=0)] = 0
    """Attempts made, the current one and those before a rerun included."""
    failures: Annotated[int, Field(ge=0)] = 0
    """Failed attempts that count against the retry limit."""
    interruptions: Annotated[int, Field(ge=0)] = 0
    """Attempts lost to the infrastructure or stopped by `suspend`, which do not count against it."""
    job: JobRef | None = None
    """The Kubernetes Job of the current attempt."""
    worker: str | None = Field(default=None, max_length=253)
    """The pod of the current attempt."""
    outputs: Annotated[list[OutputStatus] | None, Field(max_length=64)] = None
    """What was published."""
    warnings: Warnings | None = None
    """What may surprise in the outputs: content that was skipped, held or guessed."""
    failure: Failure | None = None
    """Why the last attempt failed."""
    notifications: Annotated[list[Notification] | None, Field(max_length=2 * MAX_WEBHOOKS, json_schema_extra=BY_ID)] = (
        None
    )
    """Messages to webhooks: that the latest attempt has started, and how it ended."""
    conditions: Annotated[list[Condition], Field(max_length=8, json_schema_extra=BY_TYPE)] = []
    """Accepted, Admitted, Started and Finished; with Finished also Complete or, if there are no outputs, Failed."""
    rerun: Count = 0
    """`spec.rerun` that this is the status of."""
    earlier_attempts: Count = 0
    """Attempts made before it was rendered once more."""
    history: Annotated[list[PastLife] | None, Field(max_length=MAX_HISTORY)] = None
    """How it ended before it was rendered once more, the last at the end."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this status is of."""
    queued_at: Time | None = None
    """Since when it waits, for its place in its queue. Interruptions and moves leave it; a retry sets it anew."""
    pool: Annotated[str, Field(max_length=63)] | None = None
    """The pool in whose queue it waits, or which renders it: that of the spec, but for a moment while it moves."""
    admitted_at: Time | None = None
    """When it was let into a pool that counts a user's VideoJobs of a day, in which it is counted."""
    started_at: Time | None = None
    """When the current attempt started."""
    deadline_at: Time | None = None
    """When the current attempt must be done."""
    finished_at: Time | None = None
    """When it came to its final phase."""
    next_attempt_at: Time | None = None
    """When a failed attempt is retried."""
