"""The trace of a VideoJob as spans: one of its life, in it the wait and the run of each attempt, and each run's stages.

They are made once they are over, from the status and the worker's result; so nothing has to be kept for them, and a
restart loses none of what has not ended.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from videojob_contract.labels import ANNOTATION_TRACEPARENT
from videojob_contract.resources.status import Phase
from videojob_operator.decide.attempt import current_number, on_our_clock
from videojob_operator.spans import TraceSpan, VideoJobTrace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from videojob_contract.queue.types import QueueEntry
    from videojob_contract.resources.status import VideoJobStatus
    from videojob_operator.decide.types import Observation

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def trace_of(raw: Mapping[str, Any]) -> VideoJobTrace:
    """Return the trace of a VideoJob: that of its annotation, or one for each of its lives."""
    metadata = raw["metadata"]
    given = _TRACEPARENT.fullmatch(str((metadata.get("annotations") or {}).get(ANNOTATION_TRACEPARENT, "")))
    if given and int(given[1], 16) and int(given[2], 16):
        return VideoJobTrace(int(given[1], 16), int(given[2], 16), sampled=bool(int(given[3], 16) & 1))
    return VideoJobTrace(_digest(metadata["uid"], raw["status"].get("rerun", 0) if "status" in raw else 0, length=16))


def spans_of(observation: Observation, old: VideoJobStatus, new: VideoJobStatus) -> Iterator[TraceSpan]:
    """Yield what is over with a write of the status, of which `old` is before it."""
    if old.phase.is_final:
        return
    raw, entry, number = observation.raw, observation.entry, current_number(old)
    uid, life = raw["metadata"]["uid"], _digest(raw["metadata"]["uid"], old.rerun, length=8)
    if entry is not None and entry.attempt != number:
        entry = None
    # It may have begun and ended between two looks.
    claimed_at = on_our_clock(observation, entry, entry.claimed_at) if entry else None
    begun = old.started_at or new.started_at or claimed_at
    if begun is not None and old.phase is not Phase.RUNNING:
        queue = _digest(uid, old.rerun, "queue", number, length=8)
        of_queue = {"videojob.attempt": number, "videojob.queue": raw["spec"].get("queue", "default")}
        yield TraceSpan("queue", queue, life, min(old.queued_at or begun, begun), begun, of_queue)
    if begun is not None and new.phase is not Phase.RUNNING:
        end = max(begun, new.finished_at or observation.now)
        yield from _attempt(uid, old, new, entry, (begun, end))
    if new.phase.is_final and new.finished_at is not None:
        yield TraceSpan(
            "VideoJob", life, trace_of(raw).parent, min(_begun(raw, old), new.finished_at), new.finished_at,
            _subject(raw) | {"videojob.phase": new.phase, "videojob.attempts": new.attempts - new.earlier_attempts},
            new.message if new.phase is Phase.FAILED else "",
        )  # fmt: skip


def _attempt(
    uid: str, old: VideoJobStatus, new: VideoJobStatus, entry: QueueEntry | None, of: tuple[datetime, datetime]
) -> Iterator[TraceSpan]:
    number, result, (at, end) = current_number(old), entry.result if entry else None, of
    span, life = _digest(uid, old.rerun, "attempt", number, length=8), _digest(uid, old.rerun, length=8)
    failed = new.phase is Phase.FAILED or new.failures + new.interruptions > old.failures + old.interruptions
    job, worker = old.job.name if old.job else entry and entry.job, old.worker or (entry and entry.worker)
    known: dict[str, str | int | float] = {"videojob.attempt": number}
    known |= {name: value for name, value in {"k8s.pod.name": worker, "k8s.job.name": job}.items() if value}
    if failed and new.reason is not None:
        known["error.type"] = str(new.failure.reason if new.failure else new.reason)
    if result is not None:
        known |= {"videojob.video_seconds": result.video_s, "videojob.peak_bytes": result.peak_bytes}
    yield TraceSpan("attempt", span, life, at, end, known, new.message if failed else "")
    for stage, seconds in result.stages.items() if result else ():
        until = min(at + timedelta(seconds=seconds), end)
        yield TraceSpan(stage.lower(), _digest(uid, old.rerun, number, stage, length=8), span, at, until)
        at = until


def _begun(raw: Mapping[str, Any], status: VideoJobStatus) -> datetime:
    """Return when a life began: as the VideoJob was made, or as the last one ended."""
    made: str = raw["metadata"]["creationTimestamp"]
    last = status.history[-1].finished_at if status.history else None
    return last or datetime.fromisoformat(made)


def _subject(raw: Mapping[str, Any]) -> dict[str, str | int | float]:
    metadata, spec = raw["metadata"], raw["spec"]
    return {
        "k8s.namespace.name": metadata["namespace"],
        "videojob.name": metadata["name"],
        "videojob.uid": metadata["uid"],
        "videojob.pool": spec.get("pool", "default"),
        "videojob.queue": spec.get("queue", "default"),
    } | {f"videojob.{name}": spec[name] for name in ("user", "project") if spec.get(name)}


def _digest(*parts: object, length: int) -> int:
    """Return a number of so many bytes that is the same whenever it is asked for, and 0 for nothing that there is."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:length]) or 1
