"""Every metric of the gateway, declared here alone; no label grows with the number of VideoJobs, users or files."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

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
_STREAMS = Gauge("videojob_gateway_streams", "Live streams that are open", registry=REGISTRY)
_INFO = Gauge("videojob_gateway_info", "1, with the version", ["version"], registry=REGISTRY)
_INFO.labels(__version__).set(1)

METRICS = (_REQUESTS, _SECONDS, _JOBS, _STREAMS, _INFO)


def request_answered(method: str, route: str, code: int, seconds: float | None) -> None:
    """A request was answered; a stream that ended says no seconds."""
    _REQUESTS.labels(method, route, str(code)).inc()
    if seconds is not None:
        _SECONDS.labels(method, route).observe(seconds)


def jobs(count: int) -> None:
    """So many VideoJobs are known."""
    _JOBS.set(count)


def streams(more: int) -> None:
    """So many live streams were opened, or closed."""
    _STREAMS.inc(more)


def exposition() -> bytes:
    """Return all of them, as Prometheus reads them."""
    return generate_latest(REGISTRY)
