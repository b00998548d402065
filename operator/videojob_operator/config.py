"""The operator's settings: read once from the environment, typed, each with its unit and default."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, Self, get_args, get_origin

PREFIX = "VIDEOJOB_"


class ConfigError(ValueError):
    """A setting has a value that cannot be used; the message names its environment variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting. Field `redis_url` is the variable `VIDEOJOB_REDIS_URL`, and so on."""

    redis_url: str = "redis://localhost:6379/0"
    """Redis of the queues; `rediss://` for TLS. No password in it: Events and logs may show it."""
    redis_user: str = ""
    """Redis user; empty for the default user."""
    redis_password: str = field(default="", repr=False)
    """Password of that user; empty for none."""
    worker_redis_url: str = ""
    """Redis as workers reach it; empty for `redis_url`."""
    worker_redis_secret: str = ""
    """Secret in a pool's namespace with the keys `username` and `password` of the workers' user; empty for
    none."""
    worker_image: str = "videojob-worker:dev"
    """Image of workers, unless their pool names one."""
    worker_image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When nodes pull it."""
    worker_job_ttl_s: int = 600
    """Seconds that a finished worker Job is kept: what it reported must outlive an outage of the operator and
    Redis."""
    worker_grace_s: int = 30
    """Seconds between a worker's SIGTERM and SIGKILL."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to serve; none for all."""
    metrics_port: int = 8080
    """Port of /metrics and /healthz; 0 for any free one."""
    log_format: Literal["json", "text"] = "json"
    """Lines for programs or for people."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged."""
    reconcilers: int = 16
    """VideoJobs reconciled at a time."""
    retry_initial_s: float = 0.2
    """Seconds before a failed reconcile is tried again; doubled at each failure."""
    retry_max_s: float = 60.0
    """Longest wait between two tries."""
    pool_interval_s: float = 0.05
    """Shortest time between two reconciles of one pool, so that a burst of events costs one; longer for hundreds of
    workers."""
    progress_interval_s: float = 3.0
    """Shortest time between two status writes of one VideoJob that only tell of progress."""
    progress_writes_per_s: float = 20.0
    """Such writes a second by the whole operator; with many running, each is told of less often."""
    resync_s: float = 300.0
    """Seconds between two comparisons of everything known with the API server and Redis, give or take a
    tenth."""
    stall_s: float = 90.0
    """Seconds for which a work queue may stand still, or a watch be in doubt, before /healthz fails."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read every setting from `env`.

        Raises:
            ConfigError: a value has the wrong form, or is none of the possible ones.
        """
        values = {}
        for setting in fields(cls):
            name = PREFIX + setting.name.upper()
            if name in env:
                values[setting.name] = _convert(name, env[name], setting.type)
        return cls(**values)  # type: ignore[arg-type]  # each was converted by the type of its own field

    @property
    def redis_url_for_workers(self) -> str:
        """URL of Redis that worker pods are given."""
        return self.worker_redis_url or self.redis_url


def _convert(name: str, text: str, kind: object) -> object:
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise ConfigError(f'{name} is one of {", ".join(get_args(kind))}; not "{text}"')
        return text
    if get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind in (int, float):
        try:
            number = kind(text)
        except ValueError as error:
            raise ConfigError(f'{name} is a number; not "{text}"') from error
        if number < 0:
            raise ConfigError(f"{name} is not negative; not {text}")
        return number
    return text
