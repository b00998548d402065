"""The resources that are watched, each declared once: which objects, by what key, and what is kept of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from videojob_contract import api_paths
from videojob_contract.labels import LABEL_ROLE, ROLE_WORKER
from videojob_contract.queue.types import PoolKey
from videojob_operator.decide.types import WorkerJob, WorkerPod
from videojob_operator.projections import ObjectKey, project_job, project_pod
from videojob_operator.records import (
    PoolRecord,
    TemplateKey,
    TemplateRecord,
    VideoJobKey,
    VideoJobRecord,
    VideoScheduleKey,
    VideoScheduleRecord,
    project_pool,
    project_schedule,
    project_template,
    project_videojob,
)
from videojob_operator.store import Key, Raw, Store, Value


@dataclass(frozen=True, slots=True, eq=False)
class Watched(Generic[Key, Value]):
    """One watched resource."""

    resource: api_paths.Resource
    key_of: Callable[[str, str], Key]
    """From namespace and name."""
    project: Callable[[Raw, Value | None], Value]
    """From an object, and what was kept of it before, to what is kept."""
    selector: str = ""
    """Label selector that the API server filters by: in a large cluster, workers are few among many."""

    def store(self) -> Store[Key, Value]:
        """Return an empty store of it."""
        return Store(self.key_of, self.project)


_WORKERS = f"{LABEL_ROLE}={ROLE_WORKER}"

VIDEOJOBS: Watched[VideoJobKey, VideoJobRecord] = Watched(api_paths.VIDEOJOBS, VideoJobKey, project_videojob)
RENDERPOOLS: Watched[PoolKey, PoolRecord] = Watched(api_paths.RENDERPOOLS, PoolKey, project_pool)
JOBS: Watched[ObjectKey, WorkerJob] = Watched(api_paths.JOBS, ObjectKey, lambda raw, _: project_job(raw), _WORKERS)
PODS: Watched[ObjectKey, WorkerPod] = Watched(api_paths.PODS, ObjectKey, lambda raw, _: project_pod(raw), _WORKERS)

SCHEDULES: Watched[VideoScheduleKey, VideoScheduleRecord] = Watched(
    api_paths.VIDEOSCHEDULES, VideoScheduleKey, project_schedule
)

TEMPLATES: Watched[TemplateKey, TemplateRecord] = Watched(api_paths.VIDEOTEMPLATES, TemplateKey, project_template)

WATCHED: tuple[Watched[Any, Any], ...] = (TEMPLATES, VIDEOJOBS, RENDERPOOLS, JOBS, PODS, SCHEDULES)
"""In the order in which they are listed at the start."""
