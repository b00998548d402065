"""A typed async client of VideoJobs and of what they are made by, for programs that have videos rendered.

async with Client() as client:
    await client.videojobs.create("holiday", {"clips": [{"color": "#204060", "duration": "3s"}]})
    job = await client.videojobs.wait("holiday", timeout_s=600)
"""

from videojob_client.client import Client
from videojob_client.collection import RenderPools, VideoHooks, VideoSchedules, VideoTemplates
from videojob_client.errors import (
    AlreadyExistsError,
    ClientError,
    ConfigurationError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NoPodError,
    NotFoundError,
    Problem,
    RequestError,
    UnauthorizedError,
    UnavailableError,
    UnreadableError,
)
from videojob_client.resources import Event, Metadata, RenderPool, VideoHook, VideoJob, VideoSchedule, VideoTemplate
from videojob_client.videojobs import VideoJobs
from videojob_client.wait_errors import (
    JobCancelledError,
    JobDeletedError,
    JobFailedError,
    JobFinishedError,
    WaitError,
    WaitTimeoutError,
)
from videojob_client.watching import EventType, WatchEvent
from videojob_contract.resources import (
    RenderPoolSpec,
    RenderPoolStatus,
    VideoHookSpec,
    VideoJobSpec,
    VideoJobStatus,
    VideoScheduleSpec,
    VideoScheduleStatus,
    VideoTemplateSpec,
)
from videojob_contract.resources.status import Condition, ConditionType, Phase, Stage

__all__ = [
    "AlreadyExistsError",
    "Client",
    "ClientError",
    "Condition",
    "ConditionType",
    "ConfigurationError",
    "ConflictError",
    "Event",
    "EventType",
    "ExpiredError",
    "ForbiddenError",
    "InvalidError",
    "JobCancelledError",
    "JobDeletedError",
    "JobFailedError",
    "JobFinishedError",
    "Metadata",
    "NoPodError",
    "NotFoundError",
    "Phase",
    "Problem",
    "RenderPool",
    "RenderPoolSpec",
    "RenderPoolStatus",
    "RenderPools",
    "RequestError",
    "Stage",
    "UnauthorizedError",
    "UnavailableError",
    "UnreadableError",
    "VideoHook",
    "VideoHookSpec",
    "VideoHooks",
    "VideoJob",
    "VideoJobSpec",
    "VideoJobStatus",
    "VideoJobs",
    "VideoSchedule",
    "VideoScheduleSpec",
    "VideoScheduleStatus",
    "VideoSchedules",
    "VideoTemplate",
    "VideoTemplateSpec",
    "VideoTemplates",
    "WaitError",
    "WaitTimeoutError",
    "WatchEvent",
]
