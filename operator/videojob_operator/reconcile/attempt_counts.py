"""What the metrics are told of an attempt that starts or ends with a write of its VideoJob's status."""

from videojob_contract.errors import Reason
from videojob_contract.resources.status import Phase, VideoJobStatus
from videojob_operator import metrics
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.types import Observation
from videojob_operator.records import VideoJobRecord


def count_attempt(record: VideoJobRecord, observation: Observation, new: VideoJobStatus, trace_id: str | None) -> None:
    """Tell the metrics of an attempt that started or ended with this write."""
    pool, entry = record.pool, observation.entry
    old = observation.raw.get("status", {})
    if new.phase is Phase.RUNNING and record.phase is not Phase.RUNNING:
        if new.attempts == new.earlier_attempts + 1 and entry and entry.claimed_at and entry.queued_at:
            wait_s = (entry.claimed_at - entry.queued_at).total_seconds()
            metrics.claimed(pool.namespace, pool.name, entry.queue, wait_s, trace_id)
        return
    lost = new.failures + new.interruptions > old.get("failures", 0) + old.get("interruptions", 0)
    attempted = new.attempts >= current_number(new)  # a spec that is refused is no attempt
    if not (lost or (new.phase.is_final and attempted)) or record.phase.is_final:
        return
    spent_s = _spent_s(observation)
    if new.phase is Phase.SUCCEEDED:
        metrics.attempt_ended(pool.namespace, pool.name, "succeeded", Reason.SUCCEEDED, spent_s)
        if entry and entry.result:
            predicted_s = new.predicted.seconds if new.predicted else None
            took = entry.result.render_s, entry.result.video_s
            metrics.rendered(pool.namespace, pool.name, *took, predicted_s=predicted_s, trace_id=trace_id)
    elif new.reason is Reason.SUSPENDED:
        metrics.attempt_ended(pool.namespace, pool.name, "suspended", Reason.SUSPENDED, spent_s)
    elif new.phase is Phase.CANCELLED:
        metrics.attempt_ended(pool.namespace, pool.name, "cancelled", Reason.CANCELLED, spent_s)
    elif new.failure is not None:
        metrics.attempt_ended(pool.namespace, pool.name, "failed", new.failure.reason, spent_s)


def _spent_s(observation: Observation) -> float:
    """Return how long an attempt that has ended took its worker, which says so if it can."""
    entry = observation.entry
    if entry is None or entry.claimed_at is None:
        return 0.0
    return entry.result.render_s if entry.result else (observation.now - entry.claimed_at).total_seconds()
