"""Every metric of the gateway, declared here alone; no label grows with the number of VideoJobs, users or files."""

from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from videojob_contract.inspection import Look
from videojob_contract.version import __version__

REGISTRY = CollectorRegistry(auto_describe=True)

_REQUESTS = Counter(
    "videojob_gateway_requests",
    "Requests that were answered, by route and status",
    ["method", "route", "code"],
    registry=REGISTRY,
)
_SECONDS = Histogram(
    "videojob_gateway_request_seconds",
    "Seconds from a request to its whole answer; without live streams",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
    registry=REGISTRY,
)
_JOBS = Gauge("videojob_gateway_jobs", "VideoJobs that lists are made of", registry=REGISTRY)
_READY = Gauge(
    "videojob_gateway_ready", "1 once all VideoJobs are known, so that requests can be answered", registry=REGISTRY
)
_WATCH_FAILURES = Counter(
    "videojob_gateway_watch_failures",
    "Times that the VideoJobs could not be listed or watched: what lists and streams tell stands still",
    registry=REGISTRY,
)
_STREAMS = Gauge("videojob_gateway_streams", "Live streams that are open", registry=REGISTRY)
_DROPPED = Counter(
    "videojob_gateway_streams_dropped", "Live streams whose clients took too long to take something", registry=REGISTRY
)
_LOOKS = Counter(
    "videojob_gateway_looks",
    "Looks that workers were asked for, by what for and what came of it: "
    "seen, refused, failed, nobody (was idle) or unavailable (Redis)",
    ["look", "outcome"],
    registry=REGISTRY,
)
OUTCOMES = ("seen", "refused", "failed", "nobody", "unavailable")
for _each in product(Look, OUTCOMES):
    _LOOKS.labels(*map(str, _each))  # from zero on, so that the first of them is an increase
_RECEIVED = Counter("videojob_gateway_received_bytes", "Bytes of media that users brought", registry=REGISTRY)
_SENT = Counter("videojob_gateway_sent_bytes", "Bytes of outputs that were sent from volumes", registry=REGISTRY)
_DELIVERIES = Counter(
    "videojob_gateway_hook_deliveries",
    "Deliveries to VideoHooks, by what came of them: accepted, ignored, refused, unverified or failed",
    ["hook", "outcome"],
    registry=REGISTRY,
)
_LIMITED = Counter(
    "videojob_gateway_limited",
    "Requests that were refused by a limit of rates: submissions, requests, or refusals of an address",
    ["limit"],
    registry=REGISTRY,
)
_INFO = Gauge("videojob_gateway_info", "1, with the version", ["version"], registry=REGISTRY)
_INFO.labels(__version__).set(1)

METRICS = (
    *(_REQUESTS, _SECONDS, _JOBS, _READY, _WATCH_FAILURES),
    *(_STREAMS, _DROPPED, _LOOKS, _RECEIVED, _SENT, _DELIVERIES, _LIMITED, _INFO),
)


def request_answered(method: str, route: str, code: int, seconds: float | None) -> None:
    """A request was answered; a stream that ended says no seconds."""
    _REQUESTS.labels(method, route, str(code)).inc()
    if seconds is not None:
        _SECONDS.labels(method, route).observe(seconds)


def jobs(count: int) -> None:
    """So many VideoJobs are known."""
    _JOBS.set(count)


def is_ready() -> None:
    """All VideoJobs are known."""
    _READY.set(1)


def watch_failed() -> None:
    """The VideoJobs could not be listed or watched."""
    _WATCH_FAILURES.inc()


def stream_dropped() -> None:
    """A live stream was ended because its client is too slow."""
    _DROPPED.inc()


def looked(look: str, outcome: str) -> None:
    """A worker was asked, and something came of it."""
    _LOOKS.labels(look, outcome).inc()


def received(size: int) -> None:
    """So many bytes of media came."""
    _RECEIVED.inc(size)


def sent(size: int) -> None:
    """So many bytes of outputs went."""
    _SENT.inc(size)


def streams(more: int) -> None:
    """So many live streams were opened, or closed."""
    _STREAMS.inc(more)


def delivered(hook: str, outcome: str) -> None:
    """Something was delivered to a VideoHook that there is."""
    _DELIVERIES.labels(hook, outcome).inc()


def limited(limit: str) -> None:
    """A request was refused by a limit of rates."""
    _LIMITED.labels(limit).inc()


def exposition() -> bytes:
    """Return all of them, as Prometheus reads them."""
    return generate_latest(REGISTRY)
