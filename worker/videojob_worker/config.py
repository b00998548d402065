"""Settings of a worker, read once from its environment.

Not on `videojob_common.settings`: importing pydantic-settings takes several times as long as all else that a worker
needs before it can be claimed.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from videojob_common.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """What a worker needs to know of its surroundings; each is the variable `VIDEOJOB_…` of the same name."""

    namespace: str
    """Namespace of the pool and its jobs."""
    pool: str
    """The RenderPool that this worker belongs to."""
    cluster: str
    """The Kubernetes cluster, in the keys of Redis; empty where Redis serves no other."""
    worker: str
    """This worker's id: the name of its pod."""
    job: str
    """The Kubernetes Job of the pod."""
    redis_url: str
    """Where Redis is, without a password. Empty where there is none, and the assignment comes from a file."""
    redis_ca: str | None
    """Certificates in PEM of which one has signed that of Redis; None for those of the system."""
    redis_user: str | None
    redis_password: str | None = field(repr=False)
    redis_sentinel_password: str | None = field(repr=False)
    """Password of the Sentinels that the URL names."""
    assignment: Path | None
    """A file with the one assignment to work on, which is not to be claimed."""
    scratch: Path
    """Folder for what lies around during an attempt; emptied after it."""
    volumes: Path
    """Folder in which each volume of the pool is mounted under its name."""
    objects: Path
    """Folder in which the credentials of each object store of the pool are mounted under its name."""
    cache: Path
    """Folder in which downloaded sources are kept."""
    cache_bytes: int | None
    """How much of them; None where the pool has no volume for them."""
    termination_log: Path
    """Where the result is written for the kubelet."""
    threads: int
    """Threads to render with: the CPU limit, rounded up."""
    memory_limit_bytes: int | None
    """Memory limit of the container; None when it has none."""
    log_level: str
    """Least level that is logged."""

    def mounted_volumes(self) -> dict[str, Path]:
        """Find the volumes by the folders that are mounted."""
        if not self.volumes.is_dir():
            return {}
        return {entry.name: entry for entry in self.volumes.iterdir() if entry.is_dir()}


def from_environment(env: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: naming the variable that is missing or wrong.
    """
    assignment = env.get("VIDEOJOB_ASSIGNMENT")
    return Settings(
        namespace=_required(env, "VIDEOJOB_NAMESPACE"),
        pool=_required(env, "VIDEOJOB_POOL"),
        cluster=env.get("VIDEOJOB_CLUSTER", ""),
        worker=_required(env, "VIDEOJOB_WORKER"),
        job=_required(env, "VIDEOJOB_JOB"),
        redis_url=env.get("VIDEOJOB_REDIS_URL", "") if assignment else _required(env, "VIDEOJOB_REDIS_URL"),
        redis_ca=env.get("VIDEOJOB_REDIS_CA") or None,
        redis_user=env.get("VIDEOJOB_REDIS_USER") or None,
        redis_password=env.get("VIDEOJOB_REDIS_PASSWORD") or None,
        redis_sentinel_password=env.get("VIDEOJOB_REDIS_SENTINEL_PASSWORD") or None,
        assignment=Path(assignment) if assignment else None,
        scratch=Path(env.get("VIDEOJOB_SCRATCH", "/scratch")),
        volumes=Path(env.get("VIDEOJOB_VOLUMES", "/volumes")),
        objects=Path(env.get("VIDEOJOB_OBJECTS", "/objects")),
        cache=Path(env.get("VIDEOJOB_CACHE", "/cache")),
        cache_bytes=_integer(env, "VIDEOJOB_CACHE_BYTES"),
        termination_log=Path(env.get("VIDEOJOB_TERMINATION_LOG", "/dev/termination-log")),
        threads=max(1, _integer(env, "VIDEOJOB_CPU_LIMIT") or os.cpu_count() or 1),
        memory_limit_bytes=_integer(env, "VIDEOJOB_MEMORY_LIMIT_BYTES"),
        log_level=env.get("VIDEOJOB_LOG_LEVEL", "INFO").upper(),
    )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set")
    return value


def _integer(env: Mapping[str, str], name: str) -> int | None:
    value = env.get(name, "")
    if not value:
        return None
    try:
        return int(value)
    except ValueError as error:
        raise ConfigError(f"{name} is not a whole number: {value}") from error
