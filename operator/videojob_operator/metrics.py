"""Every metric of the operator, declared here alone, behind functions named for what happened.

No label grows with the number of VideoJobs, users or files: names of jobs are for logs. `METRICS` is what
docs/metrics.md is generated from.
"""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase

REGISTRY = CollectorRegistry(auto_describe=True)

_JOBS = Gauge(
    "videojob_jobs",
    "VideoJobs by phase; the pool is empty where the one that they name is not there",
    ["namespace", "pool", "phase"],
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
    "Status writes, by resource and whether they told of progress alone",
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
_REDIS_RESETS = Counter(
    "videojob_redis_resets", "Times that Redis was found empty and was filled again", registry=REGISTRY
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

METRICS: tuple[MetricWrapperBase, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricWrapperBase)
)
"""Every metric declared above, in that order."""


def exposition() -> bytes:
    """Every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)


def jobs_by_phase(namespace: str, pool: str, counts: Mapping[str, int]) -> None:
    """How many VideoJobs of a pool are in each phase."""
    for phase, count in counts.items():
        _JOBS.labels(namespace, pool, phase).set(count)


def jobs_without_pool(counts: Mapping[str, Mapping[str, int]]) -> None:
    """How many VideoJobs of each namespace name a pool that is not there, by phase.

    What they name is for users to make up, and so is no label.
    """
    told = {(namespace, "", phase) for namespace, phases in counts.items() for phase in phases}
    for namespace in {values[0] for values in _JOBS._metrics if values[1] == ""}:  # noqa: SLF001 - as in `_series`
        for labels in _series(_JOBS, namespace, ""):
            if tuple(labels) not in told:
                _JOBS.remove(*labels)
    for namespace, phases in counts.items():
        jobs_by_phase(namespace, "", phases)


def queue_depth(namespace: str, pool: str, depths: Mapping[str, int], oldest_wait_s: float) -> None:
    """How many wait in each queue of a pool, and how long the first of them has."""
    for labels in _series(_QUEUED, namespace, pool):
        if labels[2] not in depths:
            _QUEUED.remove(*labels)  # the pool has no such queue any more
    for queue, depth in depths.items():
        _QUEUED.labels(namespace, pool, queue).set(depth)
    _OLDEST_WAIT.labels(namespace, pool).set(oldest_wait_s)


def claimed(namespace: str, pool: str, queue: str, wait_s: float) -> None:
    """A worker took a first attempt from its queue."""
    _QUEUE_WAIT.labels(namespace, pool, queue).observe(wait_s)


def workers(namespace: str, pool: str, counts: Mapping[str, int]) -> None:
    """How many workers a pool has, by state."""
    for state, count in counts.items():
        _WORKERS.labels(namespace, pool, state).set(count)


def attempt_ended(namespace: str, pool: str, result: str, reason: str) -> None:
    """An attempt ended: `result` is succeeded, failed, cancelled or suspended."""
    _ATTEMPTS.labels(namespace, pool, result, reason).inc()


def rendered(namespace: str, pool: str, render_s: float, video_s: float) -> None:
    """An attempt succeeded: `render_s` wall seconds for `video_s` seconds of video."""
    _RENDER.labels(namespace, pool).observe(render_s)
    if render_s > 0:
        _REALTIME.labels(namespace, pool).observe(video_s / render_s)


def reconcile_started(queue: str, waited_s: float) -> None:
    """A key got its reconciler."""
    _RECONCILE_WAIT.labels(queue).observe(waited_s)


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


def watch_missed(resource: str, count: int) -> None:
    """A resync found objects that changed without an event."""
    _WATCH_MISSED.labels(resource).inc(count)


def queue_event(event: str) -> None:
    """A worker sent an event by Redis."""
    _QUEUE_EVENTS.labels(event).inc()


def queue_unreadable(namespace: str, pool: str, kind: str) -> None:
    """Something in Redis could not be read."""
    _QUEUE_UNREADABLE.labels(namespace, pool, kind).inc()


def part_failed(part: str) -> None:
    """A part of the operator failed in a way that nobody thought of."""
    _PART_FAILURES.labels(part).inc()


def redis_was_empty() -> None:
    """Redis had lost everything."""
    _REDIS_RESETS.inc()


def redis_up(namespace: str, pool: str, *, up: bool) -> None:
    """Whether a pool's queues can be reached."""
    _REDIS_UP.labels(namespace, pool).set(1 if up else 0)


def redis_full(namespace: str, pool: str, *, full: bool) -> None:
    """Whether a pool's queues take nothing new."""
    _REDIS_FULL.labels(namespace, pool).set(1 if full else 0)


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
