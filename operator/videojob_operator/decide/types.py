"""What the decisions see, what they answer, and what may be forgotten in between.

    Observation ──► decide_videojob ──► Decision            PoolObservation ──► decide_pool ──► PoolDecision

A decision is a pure function of its observation. The caller then does three things in this order: the actions
of `before`, one write of `status` when there is one, the actions of `after`. A crash between any two of them
costs nothing: the next observation leads to the rest. That is why what a later step needs (a result in the
queue, say) is let go of only in `after`, when the status holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from videojob_contract.resources.work import NOTHING_LEARNT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from videojob_contract.assignment import Assignment
    from videojob_contract.errors import Reason
    from videojob_contract.queue.types import Demand, PoolSnapshot, QueueEntry
    from videojob_contract.resources.notifications import Notify, WebhookRules
    from videojob_contract.resources.renderpool import RenderPoolSpec, RenderPoolStatus
    from videojob_contract.resources.status import Condition, FixedTemplate, VideoJobStatus
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_contract.resources.videoschedule import VideoSchedule, VideoScheduleStatus
    from videojob_contract.resources.work import LearntRates, WorkKind
    from videojob_operator.decide.backlog import Backlog, Load
    from videojob_operator.decide.limits import AdmissionRequest, AdmissionVerdict
    from videojob_operator.decide.pool_size import ActiveWindow
    from videojob_operator.messages import PostResult, WebhookMessage

Spec = TypeVar("Spec")
"""`VideoJobSpec` or `RenderPoolSpec`."""


# --- what Kubernetes shows


@dataclass(frozen=True, slots=True)
class WorkerJob:
    """What matters of a worker's Kubernetes Job."""

    name: str
    uid: str
    pool: str
    serial: int
    """The number at the end of its name; see `naming.serial_of`."""
    template_hash: str
    """Label `LABEL_TEMPLATE`: which pod template it was made from."""
    owner_uid: str | None
    """UID of the VideoJob that adopted it; None while it belongs to the pool alone."""
    created_at: datetime
    pool_uid: str | None = None
    """UID of the RenderPool that it was made for; None once it is adopted."""
    deleting: bool = False
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    finished_at: datetime | None = None
    """When its condition Complete or Failed became true."""

    @property
    def is_finished(self) -> bool:
        """Whether its one pod has ended, or will never run."""
        return self.finished_at is not None or self.succeeded > 0 or self.failed > 0

    @property
    def is_spent(self) -> bool:
        """Whether a VideoJob owned it and it has ended: nothing of its pool depends on it but that it came up."""
        return self.is_finished and self.owner_uid is not None


@dataclass(frozen=True, slots=True)
class WorkerPod:
    """What matters of a worker's pod."""

    name: str
    job: str
    """Name of its Job."""
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
    ready: bool = False
    started_at: datetime | None = None
    """When its container started; None while it has not."""
    exit_code: int | None = None
    """Of the worker's container, once it has ended."""
    reason: str = ""
    """The most telling one: of the pod (Evicted, NodeLost, Unschedulable), of the ended container
    (OOMKilled, Error), or of the waiting one (ImagePullBackOff, CreateContainerConfigError)."""
    disrupted: str = ""
    """Reason of its condition DisruptionTarget when that is true, such as PreemptionByScheduler."""
    message: str = ""
    """The message that belongs to `reason` or `disrupted`."""
    job_uid: str | None = None
    """UID of its Job; None when no Job made it."""
    deleting: bool = False
    termination_message: str = ""
    """What the worker left in its termination log: the JSON of a `Result`."""

    result_uid: str | None = None
    """UID of the VideoJob that it is of, by its own word."""

    @property
    def is_ended(self) -> bool:
        """Whether it runs nothing any more."""
        return self.phase in {"Succeeded", "Failed"} or self.exit_code is not None


# --- specs


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a spec cannot be used: INVALID_SPEC or NOT_SUPPORTED, and everything that is wrong with it."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Accepted(Generic[Spec]):
    """What `specs` made of a spec: the same for the whole life of a generation."""

    spec: Spec | None
    """The spec, or None when it cannot be read, or is a pool's and refused."""
    refusal: Refusal | None = None
    """Why it is refused, when it is."""
    template: FixedTemplate | None = None
    """What its template had, of a VideoJob that has one."""
    missing_template: str = ""
    """Name of its template, when that is not there: nothing can be said of the spec until it is."""
    left_out: str = ""
    """Which fields of a later version were left out of it, in words."""
    packed: bytes = b""
    """The spec with its timeline, of which `spec` then has none; see `specs.pack_spec`."""


# --- VideoJobs


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an attempt should take by the rates that all programs know; see `prediction`."""

    work_s: Mapping[WorkKind, float]
    """Seconds of one core, of each kind of work that there is."""
    memory_bytes: int
    """Of the renderer, with one encoder of each stream at a time."""
    guessed: bool
    """Whether its length is that of sources that nobody has opened."""


@dataclass(frozen=True, slots=True)
class UnlastingUrl:
    """Of an output in an object store: a URL that expires, or none."""

    uri: str
    """The output's."""
    expires_at: datetime | None
    """None where there is no URL."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the operator remembers of a job between decisions, and may forget at any restart.

    The caller keeps `Decision.memory` and gives it back in the next observation; a new process starts with
    `Memory()`.
    """

    patched_at: datetime | None = None
    """When the status was last written for the sake of progress alone, or for a transition."""
    missing_since: datetime | None = None
    """Since when nothing was heard of the running attempt: the queue lost it, or its lease has expired."""
    cancelled_at: datetime | None = None
    """When the worker was told to stop."""
    told: frozenset[Reason] = frozenset()
    """Why it waits in its queue, as far as an Event has told since it came there."""
    estimate: Estimate | None = None
    """Of the attempt that was queued last."""


@dataclass(frozen=True, slots=True)
class Observation:
    """All that a decision on one VideoJob rests on."""

    raw: Mapping[str, Any]
    """The object as the API server has it."""
    accepted: Accepted[VideoJobSpec]
    """`specs.accept_videojob(raw)`, kept for its UID and generation."""
    now: datetime
    pool_name: str = "default"
    """Where it waits or runs, or else is to."""
    pool_gone: bool = False
    """Whether there is no RenderPool of that name."""
    pool: RenderPoolSpec | None = None
    """Its RenderPool, or None when there is none that can be used; not before the pools have been listed."""
    terms: str = ""
    """By which assignments are made in that pool; see `Assignment.terms`."""
    pool_refusal: Refusal | None = None
    """Why the spec of its RenderPool was refused, when that is why it cannot be used."""
    other_pools: tuple[str, ...] = ()
    """Names of the RenderPools that the namespace has, when its own is not there."""
    pool_ready: Condition | None = None
    """The condition Ready of its pool: why no worker comes for what waits."""
    pool_busy: int = 0
    """How many workers of its pool render, as the pool's status has it."""
    queue_known: bool = False
    """Whether `entry` can be believed: the queue can be reached, and its grace is over if it was found empty,
    in which running workers restore themselves. When it comes to be true, every job of the pool that has not
    finished is to be looked at."""
    queue_connecting: bool = False
    """Whether the queue will be there in a moment: it is too early to say that it is not."""
    queue_full: bool = False
    """Whether the queue takes nothing new: Redis is out of memory."""
    may_carry: bool = False
    """Whether it is its turn to begin without the queue."""
    entry: QueueEntry | None = None
    """What the queue has of this UID, read after `worker_job` and `pod` were taken from their caches: a
    worker finishes in the queue before its pod ends, so an ended pod with a claimed entry has crashed."""
    worker_job: WorkerJob | None = None
    """The Job named by `entry.job`, or without an entry by `status.job`, or that carries its next attempt."""
    pod: WorkerPod | None = None
    """The pod of that Job."""
    posting: frozenset[str] = frozenset()
    """Ids of its messages to webhooks that are being sent."""
    posted: Mapping[str, PostResult] = field(default_factory=dict)
    """What became of those that were, by their ids, until the status says it."""
    asked: AdmissionRequest | None = None
    """What it was last found to ask of its pool, if it is to wait there."""
    verdict: AdmissionVerdict | None = None
    """What was decided on that; None while nothing was."""
    unlasting_urls: tuple[UnlastingUrl, ...] = ()
    """Of its outputs, when it has finished."""
    held_outputs: Mapping[str, str] = field(default_factory=dict)
    """Places of its outputs that another VideoJob of the pool holds, with that one's name; see `Output.overwrite`."""
    learnt: LearntRates = NOTHING_LEARNT
    """What its pool has learnt of how long things take."""
    backlog: Backlog | None = None
    """The work of its pool; None when there is no pool."""
    patch_interval_s: float = 3.0
    """Least time between two writes of mere progress, from the budget of the whole operator."""
    spacing: float = 1.0
    """How many times as rarely as they could places in queues are written, from the same budget."""
    jitter: float = 0.5
    """A random number from 0 to 1, for the backoff; the caller's, so that decisions stay pure."""
    memory: Memory = Memory()


@dataclass(frozen=True, slots=True)
class Post:
    """Send a message to a webhook, in the background; nothing happens when it is being sent already."""

    message: WebhookMessage
    receiver: Notify
    rules: WebhookRules
    """The pool's."""
    keeps: bool = True
    """Whether its result is to be kept until it is settled; that of others is of no interest."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Let go of what became of a message, which the status says now."""

    message: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Put an attempt into its queue. Nothing happens when it is there already."""

    queue: str
    assignment: Assignment
    since: datetime
    """When the job came to wait: its place."""
    demand: Demand
    """What it asks of the queue, and for whom."""
    again: bool = False
    """Whether the queue may have been told to forget the job: it is rendered once more."""


@dataclass(frozen=True, slots=True)
class Carry:
    """Make the worker Job that carries an attempt. Nothing happens when it is there already."""

    job: str
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take an attempt out of its queue, to be enqueued again later; nothing happens when it was claimed."""

    uid: str
    attempt: int
    strictly: bool = False
    """Whether nothing else may be done when it is not there to be taken out."""


@dataclass(frozen=True, slots=True)
class CancelInQueue:
    """Take the job out of its queue for good, or tell the worker that has it to stop."""

    uid: str


@dataclass(frozen=True, slots=True)
class Release:
    """End an attempt in the queue: whoever still holds it is refused from now on."""

    uid: str
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove everything the queue has of the job, save for a tombstone that refuses stale workers."""

    uid: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Give a worker Job to the VideoJob that it renders, by owner reference; one that is gone is no error."""

    job: str
    videojob: str


@dataclass(frozen=True, slots=True)
class DeleteWorkerJob:
    """Delete a worker Job and its pod; one that is gone, or is another by that name, is no error."""

    job: str
    uid: str
    """UID of the Job: a precondition, because names come back."""


@dataclass(frozen=True, slots=True)
class DeleteVideoJob:
    """Delete a VideoJob; its outputs stay."""

    uid: str
    """A precondition, as above."""
    name: str


@dataclass(frozen=True, slots=True)
class RenewUrls:
    """Have the URLs of its outputs signed anew, soon."""


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Post a Kubernetes Event on the object."""

    type: Literal["Normal", "Warning"]
    reason: Reason
    message: str


Action = (
    Enqueue
    | Carry
    | Withdraw
    | CancelInQueue
    | Release
    | Forget
    | Adopt
    | DeleteWorkerJob
    | DeleteVideoJob
    | Post
    | Settle
    | RenewUrls
    | EmitEvent
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a VideoJob."""

    status: VideoJobStatus | None
    """The whole new status, or None when it stays as it is: no write."""
    before: tuple[Action, ...] = ()
    """To be done before the status is written, in order; when one fails, nothing further is done and the
    key is retried."""
    after: tuple[Action, ...] = ()
    """To be done once it is written: Events, and letting go of what the status now holds."""
    requeue_after_s: float | None = None
    """When to look again though nothing happens; None: only when something does."""
    asks: AdmissionRequest | None = None
    """What it asks of its pool, to be handed to it afterwards; None when nothing, or no more."""
    memory: Memory = Memory()


# --- VideoSchedules


@dataclass(frozen=True, slots=True)
class ScheduleObservation:
    """All that a decision on one VideoSchedule rests on."""

    schedule: VideoSchedule | None
    """What it is, or None when it was refused."""
    status: VideoScheduleStatus
    generation: int
    created_at: datetime
    now: datetime
    refusal: Refusal | None = None
    """Why it was refused."""
    left_out: str = ""
    """Which fields of a later version were left out of it, in words."""
    active: tuple[DeleteVideoJob, ...] = ()
    """Its VideoJobs that have not finished, by when they were made: each as it would be deleted."""
    finished: Mapping[str, Sequence[FinishedVideoJob]] = field(default_factory=dict)
    """Those that have, by the kind of their end (`history.KINDS`)."""
    name_taken: bool = False
    """Whether the name that its next VideoJob was to have was just found to be another's."""
    create_refused: str = ""
    """Why the API server has just refused its next VideoJob; empty when it did not."""
    deleting: bool = False
    """Whether its deletion was asked for, and what it owns goes first."""


@dataclass(frozen=True, slots=True)
class ScheduleDecision:
    """What to do about a VideoSchedule."""

    status: VideoScheduleStatus | None
    """The whole new status, or None when it stays as it is. Written last."""
    delete: tuple[DeleteVideoJob, ...] = ()
    """VideoJobs to delete, before another is made."""
    create: Mapping[str, Any] | None = None
    """The VideoJob to make; one that exists already is no error, if this made it."""
    events: tuple[EmitEvent, ...] = ()
    requeue_after_s: float | None = None


# --- RenderPools


@dataclass(frozen=True, slots=True)
class Trace:
    """What is remembered of one worker."""

    came_up: bool = False
    """Whether it was ever registered in the queue: when it is not any more, it does not start, it leaves."""
    retiring: bool = False
    """Whether it was to retire when it was last there."""
    absent_since: datetime | None = None
    """Since when it was found not to be registered; None while it is."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What Kubernetes was last found to say of a worker that does not start."""

    job: str
    message: str
    """Its own words; empty when it says nothing."""
    at: datetime
    """When it was asked."""


@dataclass(frozen=True, slots=True)
class PoolMemory:
    """What the operator remembers of a pool between decisions, and may forget at any restart."""

    last_serial: int = 0
    """Highest serial ever seen, so that the name of a Job deleted meanwhile does not come back."""
    traces: Mapping[str, Trace] = field(default_factory=dict)
    """Of each worker, by the name of its Job."""
    replaced: int = 0
    """Workers in a row that were replaced because they did not register."""
    explanation: Explanation | None = None
    refusal: str = ""
    """Why the API server refused a worker's Job at the last look; empty when it did not."""
    troubled: int = 0
    """Serial of the worker that trouble was last told of: one that comes up after it ends that."""
    patched_at: datetime | None = None
    """When the status was last written."""
    active_window: ActiveWindow | None = None
    """Which of its windows was found to be on."""


@dataclass(frozen=True, slots=True)
class FinishedVideoJob:
    """What matters of a VideoJob of a pool that has finished."""

    name: str
    uid: str
    finished_at: datetime
    untold: bool
    """Whether a webhook is still to be told of it."""


@dataclass(frozen=True, slots=True)
class ActiveVideoJob:
    """What matters of a VideoJob that waits or runs while its pool does without the queue."""

    uid: str
    queue: str
    user: str
    project: str
    priority: int
    since: datetime
    """Since when it waits."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PoolObservation:
    """All that a decision on one RenderPool rests on."""

    name: str
    spec: RenderPoolSpec | None
    """Its spec, or None when it was refused; see `specs.accept_pool`. The pool then stays as it is."""
    generation: int
    status: RenderPoolStatus
    now: datetime
    template_hash: str
    """Of the pod template that a worker would be made from now."""
    refusal: Refusal | None = None
    """Why there is no spec."""
    left_out: str = ""
    """Which fields of a later version were left out of it, in words."""
    jobs: tuple[WorkerJob, ...] = ()
    """Every worker Job of the pool, adopted and just created ones included; of those that are spent, the newest."""
    pods: Mapping[str, WorkerPod] = field(default_factory=dict)
    """Their pods, by the name of the Job."""
    taken_serial: int = 0
    """Highest serial in the name of any Job that looks like this pool's, also of one that others made."""
    running: frozenset[str] = frozenset()
    """Names of the Jobs that VideoJobs in phase Running have as theirs (`status.job.name`)."""
    finished: Mapping[str, Sequence[FinishedVideoJob]] = field(default_factory=dict)
    """VideoJobs that have finished, by the kind of their end (`history.KINDS`), of each kind of which there are more
    than the pool keeps."""
    snapshot: PoolSnapshot | None = None
    """What the queue says; None while it cannot be believed: the pool then stays as it is."""
    queue_full: bool = False
    """Whether the queue takes nothing new: Redis is out of memory."""
    queue_trouble: str = ""
    """Why the queue cannot be reached, for people; empty when it can, or is being restored."""
    silent_s: float = 0.0
    """For how long the queue has not been reached, in seconds; 0 while it can be."""
    waiting: Sequence[ActiveVideoJob] = ()
    """VideoJobs that wait for the queue alone, or in it; only while the pool does without."""
    at_work: Sequence[ActiveVideoJob] = ()
    """Those that run, and those of `turns`; as above."""
    turns: frozenset[str] = frozenset()
    """UIDs of those whose turn it is to begin without the queue, and that have not."""
    learnt: LearntRates | None = None
    """What it has learnt of how long things take; None when nothing."""
    running_s: float = 0.0
    """What should be left of what runs, in seconds, of all together."""
    loads: Mapping[str, Load] = field(default_factory=dict)
    """What waits, by queue, as the VideoJobs say."""
    shares_redis_user: bool = False
    """Whether its workers share a Redis user with those of other pools, as the operator may make none for it."""
    memory: PoolMemory = PoolMemory()


@dataclass(frozen=True, slots=True)
class PoolDecision:
    """What to do about a RenderPool."""

    status: RenderPoolStatus | None
    """The whole new status, or None when it stays as it is."""
    create: tuple[str, ...] = ()
    """Names of worker Jobs to create; one that exists already is no error, it was this one."""
    delete_jobs: tuple[DeleteWorkerJob, ...] = ()
    """Jobs that are finished, or never came up."""
    delete_videojobs: tuple[DeleteVideoJob, ...] = ()
    """The oldest of those that have finished, beyond what the pool keeps."""
    retire: tuple[str, ...] = ()
    """Workers (pod names) to retire by token: a busy one stays."""
    carry: tuple[str, ...] = ()
    """UIDs of VideoJobs whose turn it is now to begin without the queue."""
    explain: str | None = None
    """Job of a worker that does not start: Kubernetes is to be asked why, and the answer put into the memory."""
    events: tuple[EmitEvent, ...] = ()
    """Events on the RenderPool, after its status is written."""
    requeue_after_s: float | None = None
    memory: PoolMemory = PoolMemory()
