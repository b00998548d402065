"""How what Redis has becomes the types of the protocol: the one place where it is checked.

Workers write to Redis, and read untrusted media; so they are not trusted to write what can be read. What cannot be is
as if it were not there, and `on_unreadable` is told of it. It harms the VideoJob that it is of, and no other.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from videojob_contract.assignment import Attempt, Progress, Result
from videojob_contract.errors import Reason
from videojob_contract.queue.bounds import NAME, JobName, Milliseconds, PodName, QueueName, Token, Uid, User
from videojob_contract.queue.events import Event, parse_event
from videojob_contract.queue.types import (
    LOWEST_RANK,
    EntryState,
    LimitReached,
    PoolSnapshot,
    QueueEntry,
    WorkerInfo,
    WorkerState,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

NEWER = "is of a newer version"
"""Why a record is not read that a newer version wrote; as `lib/common.lua` says it."""
_MOST_QUEUES = 128
"""Four times what a pool may have: those that were taken out of it and drain are there, too."""
_LONGEST_WHY = 300


Kind = Literal["event", "entry", "progress", "result", "worker"]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in Redis that cannot be read."""

    kind: Kind
    name: str
    """Of an event its id, of a worker its name, of the others the uid; as ASCII, and cut short."""
    why: str


OnUnreadable = Callable[[Unreadable], None]


def log_unreadable(unreadable: Unreadable) -> None:
    """Log it."""
    log.warning("%s %s in Redis cannot be read: %s", unreadable.kind, unreadable.name, unreadable.why)


class _Entry(BaseModel):
    """An entry's record; `scripts/lib/common.lua` has the same bounds."""

    state: EntryState | Literal["released", "forgotten"]
    attempt: Attempt
    queue: QueueName = ""
    user: User = ""
    rank: Annotated[int, Field(ge=0, le=2 * LOWEST_RANK)] = LOWEST_RANK
    terms: Token = ""
    queued_at: Milliseconds | None = None
    claimed_at: Milliseconds | None = None
    worker: PodName | None = None
    job: JobName | None = None
    token: Token | None = None
    cancelling: bool = False


class _Worker(BaseModel):
    """A worker's record."""

    state: WorkerState | Literal["retired"]
    job: JobName
    since: Milliseconds
    uid: Uid | None = None


_POD_NAME: TypeAdapter[str] = TypeAdapter(PodName)


class QueueReader:
    """Reads what Redis has of one pool."""

    def __init__(self, on_unreadable: OnUnreadable) -> None:
        self._on_unreadable = on_unreadable

    def event(self, event_id: str, fields: Mapping[str, str]) -> Event | None:
        """Read a message of the stream."""
        return self._read("event", event_id, lambda: parse_event(event_id, fields))

    @staticmethod
    def is_newer(reply: Sequence[Any]) -> bool:
        """Whether a reply of `lib/read.lua` says that a newer version wrote the record."""
        return bool(reply[1] == NEWER)

    def entry(self, reply: Sequence[Any] | None) -> QueueEntry | None:
        """Read a reply of `lib/read.lua`; None too for tombstones other than a cancel's."""
        if reply is None:
            return None
        uid, why = reply[:2]
        if why:
            self._tell("entry", uid, why)
            return None
        return self._read("entry", uid, lambda: self._entry(reply))

    def snapshot(self, reply: Sequence[Any]) -> PoolSnapshot:
        """Read the reply of `snapshot.lua`."""
        now_ms, queues, claimed, alive, resting = reply
        found = list(zip(queues[::3], queues[1::3], queues[2::3], strict=True))[:_MOST_QUEUES]
        waiting = [row for row in found if NAME.fullmatch(row[0])]
        named = zip(alive[::3], alive[1::3], alive[2::3], strict=True)
        workers = (self._worker(*worker) for worker in named)
        return PoolSnapshot(
            at=_at(now_ms),
            queued={queue: count for queue, count, _ in waiting},
            oldest_wait_s={queue: max(0, now_ms - first) / 1000 for queue, _, first in waiting if first >= 0},
            claimed=claimed,
            resting=resting,
            workers=tuple(sorted((worker for worker in workers if worker), key=lambda worker: worker.id)),
        )

    def _entry(self, reply: Sequence[Any]) -> QueueEntry | None:
        uid, _, raw, lease_end_ms, is_past, position, progress, result, now_ms, limit = reply
        record = _Entry.model_validate_json(raw)
        if not isinstance(record.state, EntryState):
            return None
        return QueueEntry(
            uid=uid,
            state=record.state,
            attempt=record.attempt,
            queue=record.queue,
            user=record.user,
            priority=LOWEST_RANK - record.rank,
            terms=record.terms,
            position=position,
            queued_at=_at_or_none(record.queued_at),
            claimed_at=_at_or_none(record.claimed_at),
            lease_expires_at=_at_or_none(lease_end_ms),
            expired=bool(is_past),
            read_at=_at(now_ms),
            worker=record.worker,
            job=record.job,
            waits_for=LimitReached(*limit) if limit else None,
            token=record.token,
            cancelling=record.cancelling,
            progress=None if progress is None else self._progress(uid, progress),
            result=None if result is None else self._result(uid, record.attempt, result),
        )

    def _progress(self, uid: str, text: str) -> Progress | None:
        return self._read("progress", uid, lambda: Progress.model_validate_json(text, extra="ignore"))

    def _result(self, uid: str, attempt: int, text: str) -> Result:
        """Read what a worker handed in; the attempt has failed when that cannot be read."""
        try:
            return Result.model_validate_json(text, extra="ignore")
        except ValueError as error:
            why = self._tell("result", uid, error)
            message = f"what the worker handed in cannot be read: {why}"
            return Result(uid=uid, attempt=attempt, result="failed", reason=Reason.RENDER_FAILED, message=message)

    def _worker(self, name: str, raw: str, seen_ms: float) -> WorkerInfo | None:
        if not raw.startswith("{"):
            self._tell("worker", name, raw)
            return None

        def read() -> WorkerInfo | None:
            record = _Worker.model_validate_json(raw)
            if not isinstance(record.state, WorkerState):
                return None
            return WorkerInfo(
                id=_POD_NAME.validate_python(name),
                job=record.job,
                state=record.state,
                since=_at(record.since),
                last_seen=_at(seen_ms),
                uid=record.uid,
            )

        return self._read("worker", name, read)

    def _read(self, kind: Kind, name: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ValueError as error:
            self._tell(kind, name, error)
            return None

    def _tell(self, kind: Kind, name: str, why: ValueError | str) -> str:
        said = _words(why) if isinstance(why, ValueError) else why
        self._on_unreadable(Unreadable(kind, ascii(name)[:80], said))
        return said


def _words(error: ValueError) -> str:
    """Return what was wrong first, without what was there."""
    if not isinstance(error, ValidationError):
        return str(error)[:_LONGEST_WHY]
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return ascii(f"{place}: {first['msg']}" if place else first["msg"])[1:-1][:_LONGEST_WHY]


def _at(milliseconds: float) -> datetime:
    """Return the moment of a time in Redis, which has milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _at_or_none(milliseconds: float | None) -> datetime | None:
    return None if milliseconds is None else _at(milliseconds)
