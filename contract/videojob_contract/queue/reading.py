"""How replies of the reading scripts become the types of the protocol."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from videojob_contract.assignment import Progress, Result
from videojob_contract.errors import Reason
from videojob_contract.queue.types import EntryState, PoolSnapshot, QueueEntry, WorkerInfo, WorkerState

_STATES = frozenset(EntryState)


def at(milliseconds: float | str | None) -> datetime | None:
    """Return the moment of a time in Redis, which has milliseconds."""
    return None if milliseconds is None else datetime.fromtimestamp(float(milliseconds) / 1000, UTC)


def entry(reply: Sequence[Any] | None) -> QueueEntry | None:
    """Read one reply of `lib/read.lua`; None for nothing, and for tombstones other than a cancel's."""
    if reply is None:
        return None
    uid, raw, lease_end, is_past, position, progress, result = reply
    record = json.loads(raw)
    if record["state"] not in _STATES:
        return None
    return QueueEntry(
        uid=uid,
        state=EntryState(record["state"]),
        attempt=record["attempt"],
        queue=record.get("queue", ""),
        position=position,
        queued_at=at(record.get("queued_at")),
        claimed_at=at(record.get("claimed_at")),
        lease_expires_at=at(lease_end),
        expired=bool(is_past),
        worker=record.get("worker"),
        job=record.get("job"),
        token=record.get("token"),
        cancelling=record.get("cancelling", False),
        progress=read_progress(progress) if progress else None,
        result=read_result(result, uid, record["attempt"]) if result else None,
    )


def read_progress(text: str) -> Progress | None:
    """Read what a worker reported; None when it makes no sense."""
    try:
        return Progress.model_validate_json(text)
    except ValidationError:
        return None


def read_result(text: str, uid: str, attempt: int) -> Result:
    """Read what a worker handed in.

    Workers read untrusted media, so the operator trusts none of them to write what can be read: the attempt has then
    failed, and nobody else is harmed.
    """
    try:
        return Result.model_validate_json(text)
    except ValidationError:
        message = "what the worker handed in cannot be read"
        return Result(uid=uid, attempt=attempt, result="failed", reason=Reason.RENDER_FAILED, message=message)


def snapshot(reply: Sequence[Any]) -> PoolSnapshot:
    """Read the reply of `snapshot.lua`."""
    now_ms, queues, claimed, alive = reply
    waiting = list(zip(queues[::3], queues[1::3], queues[2::3], strict=True))
    workers = (_worker(*worker) for worker in zip(alive[::3], alive[1::3], alive[2::3], strict=True))
    return PoolSnapshot(
        at=datetime.fromtimestamp(now_ms / 1000, UTC),
        queued={queue: count for queue, count, _ in waiting},
        oldest_wait_s={queue: max(0, now_ms - first) / 1000 for queue, _, first in waiting if first >= 0},
        claimed=claimed,
        workers=tuple(sorted((worker for worker in workers if worker), key=lambda worker: worker.id)),
    )


def _worker(name: str, raw: str, seen_ms: str) -> WorkerInfo | None:
    record = json.loads(raw)
    if record["state"] == "retired":
        return None
    return WorkerInfo(
        id=name,
        job=record["job"],
        state=WorkerState(record["state"]),
        since=datetime.fromtimestamp(record["since"] / 1000, UTC),
        last_seen=datetime.fromtimestamp(float(seen_ms) / 1000, UTC),
        uid=record.get("uid"),
    )
