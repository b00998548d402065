"""The resources as pydantic models: the one source of the CRDs, of validation and of the reference page.

`VideoJob` is in `videojob` (its timeline in `timeline`, `text`, `motion` and `audio`, outputs in `outputs`, status in
`status`), `RenderPool` in `renderpool`, `VideoSchedule` in `videoschedule`, `VideoTemplate` in `videotemplate`,
`VideoHook` in `videohook`. Names are camelCase on the wire and snake_case here. Every string, list and map is bounded,
because the API server estimates the cost of validation rules from those bounds.
"""

from videojob_contract.resources.renderpool import RenderPool, RenderPoolSpec, RenderPoolStatus
from videojob_contract.resources.status import VideoJobStatus
from videojob_contract.resources.videohook import VideoHook, VideoHookSpec
from videojob_contract.resources.videojob import VideoJob, VideoJobSpec
from videojob_contract.resources.videoschedule import VideoSchedule, VideoScheduleSpec, VideoScheduleStatus
from videojob_contract.resources.videotemplate import VideoTemplate, VideoTemplateSpec

GROUP = "videojob.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

__all__ = [
    "API_VERSION",
    "GROUP",
    "VERSION",
    "RenderPool",
    "RenderPoolSpec",
    "RenderPoolStatus",
    "VideoHook",
    "VideoHookSpec",
    "VideoJob",
    "VideoJobSpec",
    "VideoJobStatus",
    "VideoSchedule",
    "VideoScheduleSpec",
    "VideoScheduleStatus",
    "VideoTemplate",
    "VideoTemplateSpec",
]
