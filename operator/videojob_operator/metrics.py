"""Every metric of the operator, declared here alone, behind functions named for what happened.

No label grows with the number of VideoJobs, users or files: names of jobs are for logs. `METRICS` is what
docs/metrics.md is generated from.
"""

from collections.abc import Mapping, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics import MetricWrapperBase

from videojob_contract.errors import FAILURE_CLASS, Reason
from videojob_contract.queue.reading import Kind
from videojob_contract.version import __version__

REGISTRY = CollectorRegistry(auto_describe=True)
UNREADABLE_KINDS: tuple[str, ...] = get_args(Kind)

_JOBS = Gauge(
    "videojob_jobs",
    "VideoJobs by phase; the pool is empty where the one that they name is not there",
    ["namespace", "pool", "phase"],
    registry=REGISTRY,
)
_KEPT_OUT = Gauge(
    "videojob_admission_held",
    "VideoJobs that a pool does not let in yet, by the limit that they met",
    ["namespace", "pool", "limit"],
    registry=REGISTRY,
)
_WAITING = Gauge(
    "videojob_waiting",
    "VideoJobs that wait, by the reason why; the pool is empty where the one that they name is not there",
    ["namespace", "pool", "reason"],
    registry=REGISTRY,
)
_QUEUED = Gauge(
    "videojob_queue_depth",
    "VideoJobs that wait in a queue of Redis",
    ["namespace", "pool", "queue"],
    registry=REGISTRY,
)
_OLDEST_WAIT = Gauge(
    "videojob_queue_oldest_wait_seconds",
    "Seconds that the longest waiting VideoJob of a pool has waited",
    ["namespace", "pool"],
    registry=REGISTRY,
)
_BACKLOG = Gauge(
    "videojob_backlog_seconds",
    "Seconds that what waits and runs will take the workers that there may be, predicted",
    ["namespace", "pool"],
    registry=REGISTRY,
)
_QUEUE_WEIGHT = Gauge(
    "videojob_queue_weight",
    "Weight of a queue, by which it shares its pool's workers with the others",
    ["namespace", "pool", "queue"],
    registry=REGISTRY,
)
_QUEUE_WAIT = Histogram(
    "videojob_queue_wait_seconds",
    "Seconds from the queue to a worker's claim, of first attempts",
    ["namespace", "pool", "queue"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000),
    registry=REGISTRY,
)
_WORKERS = Gauge(
    "videojob_workers",
    "Workers of a pool: starting, idle or busy, and how many are desired",
    ["namespace", "pool", "state"],
    registry=REGISTRY,
)
_ATTEMPTS = Counter(
    "videojob_attempts",
    "Attempts that ended, by result and reason",
    ["namespace", "pool", "result", "reason"],
    registry=REGISTRY,
)
_CARRIED = Counter(
    "videojob_attempts_carried",
    "Attempts that began without Redis, as their Jobs carry them",
    ["namespace", "pool"],
    registry=REGISTRY,
)
_ATTEMPT_SECONDS = Counter(
    "videojob_attempt_seconds",
    "Seconds that workers spent on attempts that ended, by result and reason",
    ["namespace", "pool", "result", "reason"],
    registry=REGISTRY,
)
_VIDEO_SECONDS = Counter(
    "videojob_video_seconds",
    "Seconds of video, or of sound alone, that was made",
    ["namespace", "pool"],
    registry=REGISTRY,
)
_RENDER = Histogram(
    "videojob_render_seconds",
    "Seconds from claim to end of attempts that succeeded",
    ["namespace", "pool"],
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10000),
    registry=REGISTRY,
)
_REALTIME = Histogram(
    "videojob_realtime_ratio",
    "Seconds of video made per second of attempt: above 1 is faster than it plays",
    ["namespace", "pool"],
    buckets=(0.1, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 30, 50, 100),
    registry=REGISTRY,
)
_PREDICTION = Histogram(
    "videojob_prediction_ratio",
    "Seconds that an attempt took per second that was predicted: 1 is exact",
    ["namespace", "pool"],
    buckets=(0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2, 3, 5, 10),
    registry=REGISTRY,
)
_RECONCILE = Histogram(
    "videojob_reconcile_seconds",
    "Seconds that a reconcile took",
    ["queue"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    registry=REGISTRY,
)
_RECONCILE_WAIT = Histogram(
    "videojob_reconcile_wait_seconds",
    "Seconds that a key waited for a reconciler",
    ["queue"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
    registry=REGISTRY,
)
_RECONCILE_ERRORS = Counter(
    "videojob_reconcile_errors", "Reconciles that failed and were tried again", ["queue"], registry=REGISTRY
)
_OLDEST_KEY = Gauge(
    "videojob_workqueue_oldest_key_seconds",
    "Age of the oldest key in a work queue",
    ["queue"],
    registry=REGISTRY,
)
_STATUS_WRITES = Counter(
    "videojob_status_writes",
    "Status writes, by resource and whether they told of progress, or why something waits, alone",
    ["resource", "kind"],
    registry=REGISTRY,
)
_API_REQUESTS = Counter(
    "videojob_api_requests",
    "Requests to the API server other than kopf's watches, by verb, resource and status code",
    ["verb", "resource", "code"],
    registry=REGISTRY,
)
_WATCH_EVENTS = Counter(
    "videojob_watch_events", "Events that watches delivered, by resource", ["resource"], registry=REGISTRY
)
_WATCH_AGE = Gauge(
    "videojob_watch_age_seconds",
    "Seconds since a resource's watch last delivered an event, or a resync found nothing that it had missed",
    ["resource"],
    registry=REGISTRY,
)
_WATCH_MISSED = Counter(
    "videojob_watch_missed",
    "Objects that a resync found changed without an event",
    ["resource"],
    registry=REGISTRY,
)
_QUEUE_EVENTS = Counter(
    "videojob_queue_events",
    "Events that workers sent by Redis, by type: claimed, stage, finished, registered or retired",
    ["event"],
    registry=REGISTRY,
)
_QUEUE_UNREADABLE = Counter(
    "videojob_queue_unreadable",
    "What was found in Redis and cannot be read, by kind: event, entry, progress, result or worker",
    ["namespace", "pool", "kind"],
    registry=REGISTRY,
)
_PART_FAILURES = Counter(
    "videojob_part_failures",
    "Times that a part of the operator failed unexpectedly and was started again",
    ["part"],
    registry=REGISTRY,
)
_LEADER = Gauge(
    "videojob_operator_leader",
    "Whether this replica of the operator acts; of those of a release, one does",
    registry=REGISTRY,
)
_REDIS_RESETS = Counter(
    "videojob_redis_resets",
    "Times that Redis was found empty, or a replica in its place, and was filled again",
    registry=REGISTRY,
)
_REDIS_UP = Gauge(
    "videojob_redis_up", "1 while a pool's queues can be reached", ["namespace", "pool"], registry=REGISTRY
)
_REDIS_FULL = Gauge(
    "videojob_redis_full",
    "1 while Redis is out of memory, and a pool's queues take nothing new",
    ["namespace", "pool"],
    registry=REGISTRY,
)
_WEBHOOK = Histogram(
    "videojob_webhook_seconds",
    "Seconds that sending a message to a webhook took, by result: delivered, failed (and tried again), or gone",
    ["result"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 15),
    registry=REGISTRY,
)

_INFO = Gauge(
    "videojob_operator_info",
    "1, with the version of the operator",
    ["version"],
    registry=REGISTRY,
)
_INFO.labels(__version__).set(1)

METRICS: tuple[MetricWrapperBase, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricWrapperBase)
)
"""Every metric declared above, in that order."""


def exposition(accept: str = "") -> tuple[bytes, str]:
    """Every metric in the format that `accept` asks for, and its content type: OpenMetrics, or Prometheus' text.

    Exemplars, which lead from a bucket to the trace of a VideoJob, are in the former alone.
    """
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type


def _exemplar(trace_id: str | None) -> dict[str, str] | None:
    return {"trace_id": trace_id} if trace_id else None


def jobs_by_phase(namespace: str, pool: str, counts: Mapping[str, int]) -> None:
    """How many VideoJobs of a pool are in each phase."""
    for phase, count in counts.items():
        _JOBS.labels(namespace, pool, phase).set(count)


def kept_out(namespace: str, pool: str, counts: Mapping[str, int]) -> None:
    """How many VideoJobs a pool keeps out, by limit."""
    for limit, count in counts.items():
        _KEPT_OUT.labels(namespace, pool, limit).set(count)


def jobs_by_wait(namespace: str, pool: str, counts: Mapping[str, int]) -> None:
    """How many VideoJobs of a pool wait, by reason."""
    for reason, count in counts.items():
        _WAITING.labels(namespace, pool, reason).set(count)


def jobs_without_pool(phases: Mapping[str, Mapping[str, int]], waits: Mapping[str, Mapping[str, int]]) -> None:
    """How many VideoJobs of each namespace name a pool that is not there, by phase, and of those that wait by reason.

    What they name is for users to make up, and so is no label.
    """
    for metric, counts in ((_JOBS, phases), (_WAITING, waits)):
        told = {(namespace, "", each) for namespace, found in counts.items() for each in found}
        for namespace in {values[0] for values in metric._metrics if values[1] == ""}:  # noqa: SLF001 - as in `_series`
            for labels in _series(metric, namespace, ""):
                if tuple(labels) not in told:
                    metric.remove(*labels)
        for namespace, found in counts.items():
            for each, count in found.items():
                metric.labels(namespace, "", each).set(count)


def queue_weights(namespace: str, pool: str, weights: Mapping[str, int]) -> None:
    """Which queues a pool has, and their weights."""
    _only(_QUEUE_WEIGHT, namespace, pool, weights)


def _only(metric: Gauge, namespace: str, pool: str, values: Mapping[str, int]) -> None:
    """Set a pool's values by queue; a queue that it has no more leaves none."""
    for labels in _series(metric, namespace, pool):
        if labels[2] not in values:
            metric.remove(*labels)
    for queue, value in values.items():
        metric.labels(namespace, pool, queue).set(value)


def queue_depth(namespace: str, pool: str, depths: Mapping[str, int], oldest_wait_s: float) -> None:
    """How many wait in each queue of a pool, and how long the first of them has."""
    _only(_QUEUED, namespace, pool, depths)
    _OLDEST_WAIT.labels(namespace, pool).set(oldest_wait_s)


def backlog(namespace: str, pool: str, backlog_s: float) -> None:
    """How long a pool's work will take it."""
    _BACKLOG.labels(namespace, pool).set(backlog_s)


def claimed(namespace: str, pool: str, queue: str, wait_s: float, trace_id: str | None = None) -> None:
    """A worker took a first attempt from its queue."""
    _QUEUE_WAIT.labels(namespace, pool, queue).observe(wait_s, _exemplar(trace_id))


def pool_known(namespace: str, pool: str) -> None:
    """Have a pool's counters begin at zero, so that the first thing to count is seen as one more."""
    for reason in FAILURE_CLASS:
        result = "cancelled" if reason is Reason.CANCELLED else "failed"
        _ATTEMPTS.labels(namespace, pool, result, reason)
        _ATTEMPT_SECONDS.labels(namespace, pool, result, reason)
    for result, reason in (("succeeded", Reason.SUCCEEDED), ("suspended", Reason.SUSPENDED)):
        _ATTEMPTS.labels(namespace, pool, result, reason)
        _ATTEMPT_SECONDS.labels(namespace, pool, result, reason)
    for metric in (_RENDER, _REALTIME, _PREDICTION, _VIDEO_SECONDS, _REDIS_FULL, _CARRIED):
        metric.labels(namespace, pool)
    for kind in UNREADABLE_KINDS:
        _QUEUE_UNREADABLE.labels(namespace, pool, kind)


def workers(namespace: str, pool: str, counts: Mapping[str, int]) -> None:
    """How many workers a pool has, by state."""
    for state, count in counts.items():
        _WORKERS.labels(namespace, pool, state).set(count)


def attempt_ended(namespace: str, pool: str, result: str, reason: str, seconds: float) -> None:
    """An attempt ended after `seconds`: `result` is succeeded, failed, cancelled or suspended."""
    _ATTEMPTS.labels(namespace, pool, result, reason).inc()
    _ATTEMPT_SECONDS.labels(namespace, pool, result, reason).inc(max(0.0, seconds))


def rendered(
    namespace: str,
    pool: str,
    render_s: float,
    video_s: float,
    *,
    predicted_s: float | None,
    trace_id: str | None = None,
) -> None:
    """An attempt succeeded: `render_s` wall seconds for `video_s` seconds of video."""
    _RENDER.labels(namespace, pool).observe(render_s, _exemplar(trace_id))
    _VIDEO_SECONDS.labels(namespace, pool).inc(max(0.0, video_s))
    if render_s > 0:
        _REALTIME.labels(namespace, pool).observe(video_s / render_s)
    if predicted_s:
        _PREDICTION.labels(namespace, pool).observe(render_s / predicted_s)


def reconcile_started(queue: str, waited_s: float) -> None:
    """A key got its reconciler."""
    _RECONCILE_WAIT.labels(queue).observe(waited_s)
    _RECONCILE_ERRORS.labels(queue)


def reconcile_finished(queue: str, seconds: float, *, failed: bool) -> None:
    """A reconcile ended."""
    _RECONCILE.labels(queue).observe(seconds)
    if failed:
        _RECONCILE_ERRORS.labels(queue).inc()


def oldest_key(queue: str, age_s: float) -> None:
    """How long the oldest key of a work queue has been in it."""
    _OLDEST_KEY.labels(queue).set(age_s)


def status_written(resource: str, *, progress_only: bool) -> None:
    """A status was patched."""
    _STATUS_WRITES.labels(resource, "progress" if progress_only else "transition").inc()


def api_request(verb: str, resource: str, code: int) -> None:
    """A request to the API server ended; 0 is a request without an answer."""
    _API_REQUESTS.labels(verb, resource, str(code)).inc()


def watch_event(resource: str) -> None:
    """A watch delivered an event."""
    _WATCH_EVENTS.labels(resource).inc()


def watch_age(resource: str, age_s: float) -> None:
    """How long ago a resource's watch was last known to be alive."""
    _WATCH_AGE.labels(resource).set(age_s)
    _WATCH_MISSED.labels(resource)


def watch_missed(resource: str, count: int) -> None:
    """A resync found objects that changed without an event."""
    _WATCH_MISSED.labels(resource).inc(count)


def queue_event(event: str) -> None:
    """A worker sent an event by Redis."""
    _QUEUE_EVENTS.labels(event).inc()


def queue_unreadable(namespace: str, pool: str, kind: str) -> None:
    """Something in Redis could not be read."""
    _QUEUE_UNREADABLE.labels(namespace, pool, kind).inc()


def part_started(part: str) -> None:
    """A part of the operator began."""
    _PART_FAILURES.labels(part)


def part_failed(part: str) -> None:
    """A part of the operator failed in a way that nobody thought of."""
    _PART_FAILURES.labels(part).inc()


def attempt_carried(namespace: str, pool: str) -> None:
    """An attempt began without Redis."""
    _CARRIED.labels(namespace, pool).inc()


def redis_was_empty() -> None:
    """Redis had lost everything."""
    _REDIS_RESETS.inc()


def redis_up(namespace: str, pool: str, *, up: bool) -> None:
    """Whether a pool's queues can be reached."""
    _REDIS_UP.labels(namespace, pool).set(1 if up else 0)


def redis_full(namespace: str, pool: str, *, full: bool) -> None:
    """Whether a pool's queues take nothing new."""
    _REDIS_FULL.labels(namespace, pool).set(1 if full else 0)


def leads(*, leads: bool) -> None:
    """Whether this replica acts."""
    _LEADER.set(1 if leads else 0)


def stand_by() -> None:
    """Leave it to the replica that leads to tell how pools are; what happened here stays counted."""
    for metric in METRICS:
        if isinstance(metric, Gauge) and metric._labelnames[:2] == ("namespace", "pool"):  # noqa: SLF001 - as below
            metric.clear()


def forget_pool(namespace: str, pool: str) -> None:
    """Drop the series of a pool that is gone, so that its last values do not stay for ever."""
    for metric in METRICS:
        for labels in _series(metric, namespace, pool):
            metric.remove(*labels)


def _series(metric: MetricWrapperBase, namespace: str, pool: str) -> list[Sequence[str]]:
    """Label values of a metric's series that belong to a pool."""
    names = metric._labelnames  # noqa: SLF001 - prometheus-client has no public way to tell a metric's label names
    if names[:2] != ("namespace", "pool"):
        return []
    return [values for values in metric._metrics if values[:2] == (namespace, pool)]  # noqa: SLF001 - nor its children


def webhook_tried(result: str, seconds: float) -> None:
    """A message was sent to a webhook: `result` is delivered, failed or gone."""
    _WEBHOOK.labels(result).observe(seconds)
