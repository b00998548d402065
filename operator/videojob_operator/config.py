"""The operator's settings: read once from the environment, typed, each with its unit and default."""

import socket
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, StringConstraints

from videojob_common.settings import CommaSeparated, EnvironmentSettings


class Settings(EnvironmentSettings):
    """Every setting of the operator."""

    redis_url: str = "redis://localhost:6379/0"
    """Redis of the queues, or `redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB` for what Sentinels name; `rediss` for
    TLS. No password in it: Events and logs may show it."""
    redis_ca: str = ""
    """Certificates in PEM of which one has signed that of Redis, with `rediss`; empty for those of the system."""
    cluster: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,63}$")] = ""
    """Tells this cluster's queues in Redis from those of another; empty for the UID of the namespace kube-system."""
    redis_user: str = ""
    """Redis user; empty for the default user."""
    redis_password: str = Field(default="", repr=False)
    """Password of that user; empty for none."""
    redis_sentinel_password: str = Field(default="", repr=False)
    """Password of the Sentinels; empty for none."""
    worker_redis_url: str = ""
    """Redis as workers reach it; empty for `redis_url`."""
    worker_redis_key: str = Field(default="", repr=False)
    """What the passwords of the pools' Redis users are made from; empty for no such users."""
    worker_redis_previous_key: str = Field(default="", repr=False)
    """The one before it, with whose passwords workers may still log in; empty for none."""
    worker_redis_secret: str = ""
    """Secret in a pool's namespace with the keys `username` and `password` of the user that all workers share where
    pools have none of their own; empty for none."""
    worker_image: str = "videojob-worker:dev"
    """Image of workers, unless their pool names one."""
    worker_image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When nodes pull it."""
    worker_job_ttl_s: NonNegativeInt = 600
    """Seconds that a finished worker Job is kept: what it reported must outlive an outage of the operator and
    Redis."""
    worker_grace_s: NonNegativeInt = 30
    """Seconds between a worker's SIGTERM and SIGKILL."""
    identity: str = Field(default_factory=socket.gethostname, min_length=1, max_length=253)
    """Names this operator among those that may serve the same pools; by default the host's name, which is the pod's."""
    election: Annotated[str, StringConstraints(pattern=r"^([a-z0-9-]{1,63}/[a-z0-9.-]{1,253})?$")] = ""
    """The Lease, NAMESPACE/NAME, by which the replicas of a release elect the one that acts; empty where there is one
    replica alone. To other releases they are one, of this name."""
    lease_s: PositiveFloat = 30.0
    """Seconds that an operator which vanished goes on owning its pools; they are renewed three times in that."""
    namespaces: CommaSeparated = ()
    """Namespaces to serve; none for all."""
    metrics_port: NonNegativeInt = 8080
    """Port of /metrics and /healthz; 0 for any free one."""
    log_format: Literal["json", "text"] = "json"
    """Lines for programs or for people."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged."""
    reconcilers: NonNegativeInt = 16
    """VideoJobs reconciled at a time."""
    retry_initial_s: NonNegativeFloat = 0.2
    """Seconds before a failed reconcile is tried again; doubled at each failure."""
    retry_max_s: NonNegativeFloat = 60.0
    """Longest wait between two tries."""
    pool_interval_s: NonNegativeFloat = 0.05
    """Shortest time between two reconciles of one pool, so that a burst of events costs one; longer for hundreds of
    workers."""
    progress_interval_s: NonNegativeFloat = 5.0
    """Shortest time between two status writes of one VideoJob that only tell of progress."""
    progress_writes_per_s: PositiveFloat = 40.0
    """Such writes a second by the whole operator; with many running, each is told of less often: of a thousand, every
    25 s."""
    resync_s: NonNegativeFloat = 300.0
    """Seconds between two comparisons of everything known with the API server and Redis, give or take a
    tenth."""
    stall_s: NonNegativeFloat = 90.0
    """Seconds for which a work queue may stand still, or a watch be in doubt, before /healthz fails."""

    @property
    def redis_url_for_workers(self) -> str:
        """URL of Redis that worker pods are given."""
        return self.worker_redis_url or self.redis_url
