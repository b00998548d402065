"""Words of the queue protocol: what its two sides are given and answer.

An *entry* is what the queue knows of one VideoJob, by the VideoJob's uid: its newest attempt and where
that is. All times are Redis' own (`TIME`), so that the clocks of nodes do not matter; here they are
`datetime` in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a worker registers before it takes the time to import the models
    from collections.abc import Mapping
    from datetime import datetime

    from videojob_contract.assignment import Assignment, Progress, Result

LEASE_S = 15.0
"""How long a claim holds without being renewed, in seconds."""

RENEW_S = 5.0
"""How often a worker renews its lease, and an idle one says that it lives, in seconds."""

GRACE_S = RENEW_S + 1.0
"""How long the operator waits, once it found Redis empty, before it enqueues again, in seconds.

Running workers renew in that time, and so restore their claims first."""

TOMBSTONE_S = 3600.0
"""How long a forgotten or cancelled uid, and a released attempt, are refused, in seconds."""


@dataclass(frozen=True, slots=True)
class PoolKey:
    """Which RenderPool: every key in Redis belongs to one."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class EntryState(StrEnum):
    """Where an entry is."""

    QUEUED = "queued"
    """It waits in its queue."""
    CLAIMED = "claimed"
    """A worker holds it under a lease, which may have expired."""
    FINISHED = "finished"
    """The attempt ended; its result waits for the operator."""
    CANCELLED = "cancelled"
    """It will not run, and is refused while its tombstone stands."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """What the queue knows of one VideoJob."""

    uid: str
    state: EntryState
    attempt: int
    """Its newest attempt; 0 when it was cancelled before any was enqueued."""
    queue: str = ""
    """Name of its queue; empty when it was cancelled before it was enqueued."""
    user: str = ""
    """For whom; as `Demand.user`."""
    priority: int = 0
    terms: str = ""
    """By which it was enqueued; see `Assignment.terms`."""
    position: int | None = None
    """How many of its queue are before it, about; exact for a user's next. None unless queued."""
    queued_at: datetime | None = None
    """When this attempt was enqueued; None when a worker restored it after Redis was emptied."""
    claimed_at: datetime | None = None
    lease_expires_at: datetime | None = None
    """When the lease ends or ended; None unless claimed."""
    expired: bool = False
    """Whether the lease has ended, by Redis' own clock."""
    read_at: datetime | None = None
    """The time of Redis' own clock when this was read: its other times are only to be compared with that."""
    worker: str | None = None
    """Id of the worker that claimed it: its pod's name."""
    job: str | None = None
    """Name of that worker's Kubernetes Job."""
    token: str | None = field(default=None, repr=False)
    """The attempt token, which fences what the worker says."""
    cancelling: bool = False
    """Whether its worker was told to stop."""
    progress: Progress | None = None
    """The worker's latest word."""
    result: Result | None = None
    """How the attempt ended; None unless finished."""
    waits_for: LimitReached | None = None
    """Why it is not claimed though it is its turn; None unless queued."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an attempt asks of its queue, and for whom."""

    user: str = ""
    """Whose part it takes; those without a user are one."""
    project: str = ""
    priority: int = 0
    """Among the user's own, -100 to 100: the highest is first."""
    fifo: bool = False
    """Whether it is to be in the order of `Sharing.fifo`. Its pool's terms tell which, so it comes with them."""
    predicted_s: float = 60.0
    """How long it should render, in seconds."""

    @property
    def cost_ms(self) -> int:
        """What is predicted, in whole milliseconds: at least one, and at most 115 days."""
        return round(min(max(self.predicted_s * 1000, 1), 1e10))


DEFAULT_DEMAND = Demand()
LOWEST_RANK = 100
"""Less the priority, this is a rank: the lowest comes first."""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A limit under which no more may run."""

    kind: str
    """As in `Sharing.running`."""
    running: int
    most: int


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the users of a pool share its queues."""

    fifo: bool = False
    """Whether what has waited longest is first, whoever it is of."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """Of users, 1 to 1000; 1 of those that are not there."""
    running: Mapping[str, int] = field(default_factory=dict)
    """How many attempts may run at a time of each `user` (those without one are one), of each `project`, and of the
    whole `pool`; any number of what is not there."""


DEFAULT_SHARING = Sharing()


class EnqueueState(StrEnum):
    """What became of a request to enqueue."""

    QUEUED = "queued"
    """The attempt waits: it was added, or was there already."""
    CLAIMED = "claimed"
    """A worker holds this very attempt already."""
    FINISHED = "finished"
    """This very attempt has ended already."""
    STALE = "stale"
    """Refused: a newer attempt is known, or this one was released."""
    CANCELLED = "cancelled"
    """Refused: the uid was cancelled or forgotten."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """Answer to a request to enqueue."""

    state: EnqueueState
    position: int | None = None
    """As `QueueEntry.position`."""

    @property
    def accepted(self) -> bool:
        """Whether the queue knows this attempt now."""
        return self.state not in {EnqueueState.STALE, EnqueueState.CANCELLED}


class CancelOutcome(StrEnum):
    """What a cancel met; the same when it is repeated."""

    CANCELLED = "cancelled"
    """Nothing runs: it waited, or was not known. It is refused from now on."""
    SIGNALLED = "signalled"
    """A worker holds it and was told; it ends with a result, or loses its lease."""
    FINISHED = "finished"
    """Too late: the attempt has ended."""


class RenewOutcome(StrEnum):
    """Whether a worker still holds its attempt."""

    HELD = "held"
    CANCELLED = "cancelled"
    """Still held, but the user wants it to end: stop, then finish."""
    LOST = "lost"
    """Held no more: stop, and publish nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on one attempt."""

    assignment: Assignment
    token: str = field(repr=False)
    """Fences everything that the worker says of this attempt."""
    queue: str
    """The queue that it was taken from."""
    claimed_at: datetime
    lease_s: float = LEASE_S
    """How long it holds without being renewed, in seconds."""


@dataclass(frozen=True, slots=True)
class Retired:
    """Answer to a claim: this worker is no longer needed and exits."""


class WorkerState(StrEnum):
    """What a registered worker does."""

    IDLE = "idle"
    BUSY = "busy"
    RETIRING = "retiring"
    """It will exit at its next claim, and takes no more work."""


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker that is known to live."""

    id: str
    """Its pod's name."""
    job: str
    """Name of its Kubernetes Job."""
    state: WorkerState
    since: datetime
    """When it came to this state."""
    last_seen: datetime
    uid: str | None = None
    """The VideoJob that it renders; None unless busy."""


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """A pool at one moment."""

    at: datetime
    queued: Mapping[str, int]
    """Entries that wait, by queue; every configured queue is there."""
    oldest_wait_s: Mapping[str, float]
    """How long the first of each queue has waited, in seconds; only queues in which something waits."""
    claimed: int
    """Entries under a lease, expired ones included."""
    workers: tuple[WorkerInfo, ...]
    """Workers seen within the last lease, by id."""
    resting: int = 0
    """Of those that wait where nothing is stopped, how many wait for room under a limit, as far as a worker has met
    them."""

    @property
    def total_queued(self) -> int:
        """Entries that wait, in all queues together."""
        return sum(self.queued.values())
