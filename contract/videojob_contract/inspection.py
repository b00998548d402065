"""What idle workers are asked to look at, and what they answer: probes, plans and previews, before anything is queued.

Workers read untrusted media. So all that they answer is bounded, and read as carefully as anything from outside.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from videojob_contract.assignment import Assignment, Said
from videojob_contract.errors import Reason
from videojob_contract.plan_report import Plan
from videojob_contract.resources.base import Duration, Model
from videojob_contract.resources.status import Count, Seconds

MAX_PICTURE_WIDTH = 1920
"""Of a preview, in pixels; and its height."""
MAX_LOOK_S = 15
"""How long a look may take at most, fetching included."""
MAX_FRAMES = 48
"""Frames of a sheet."""
MAX_PICTURE_BYTES = 3 * 1024**2
"""Longest picture that is answered with."""
MAX_SPANS = 200
"""Spans, segments and sounds of a plan that is answered with."""

Text = Annotated[str, Field(max_length=256)]
Pixels = Annotated[int, Field(ge=0, le=100_000)]


class Look(StrEnum):
    """What is looked for."""

    PROBE = "probe"
    """What a source is."""
    PLAN = "plan"
    """How a VideoJob would be rendered."""
    PREVIEW = "preview"
    """A frame of it, or several."""


class PictureFormat(StrEnum):
    """Format of a preview."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """As HTTP has it."""
        return f"image/{self.value}"


class Frames(Model):
    """Which frames are previewed, and how."""

    at: Duration | None = None
    """Of one: which moment of the timeline. Default: 1s, or the middle of a shorter one."""
    count: Annotated[int, Field(ge=1, le=MAX_FRAMES)] = 1
    """How many; several are a sheet of frames, evenly spread."""
    width: Annotated[int, Field(ge=16, le=MAX_PICTURE_WIDTH)] = 640
    """Of the picture; what the shape of the canvas makes its height, at most as much."""
    format: PictureFormat = PictureFormat.JPEG


class Inspection(Model):
    """One look, of which its assignment says the sources, what the pool allows, and how long it may take."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    look: Look
    assignment: Assignment
    """For a probe, with a spec of whose sources the first is probed."""
    frames: Frames | None = None
    """Of a preview."""

    @model_validator(mode="after")
    def _is_one_look(self) -> Self:
        if self.assignment.uid != self.id or self.assignment.attempt != 1:
            raise ValueError("its assignment is another's")
        if self.assignment.deadline > MAX_LOOK_S:
            raise ValueError(f"it may take {MAX_LOOK_S} s")
        return self


class ProbeReport(Model):
    """What a source is."""

    model_config = ConfigDict(extra="ignore")  # a later worker may say more

    file_kind: Text
    """What its bytes are, such as JPEG or MP4."""
    usable_as: Annotated[list[Literal["image", "video", "audio", "subtitles", "font"]], Field(max_length=5)] = []
    """Where a spec may name it."""
    problems: Annotated[list[Said], Field(max_length=8)] = []
    """What a VideoJob that names it would be refused with."""
    warnings: Annotated[list[Said], Field(max_length=16)] = []
    """What may surprise."""
    size_bytes: Count = 0
    width: Pixels | None = None
    """Upright, in square pixels."""
    height: Pixels | None = None
    duration_s: Seconds | None = None
    fps: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None = None
    """Mean rate."""
    has_alpha: bool = False
    has_sound: bool = False


class PictureReport(Model):
    """A picture that was made; its bytes come beside it."""

    model_config = ConfigDict(extra="ignore")

    format: PictureFormat
    width: Pixels
    height: Pixels
    frames: Annotated[list[Count], Field(max_length=MAX_FRAMES)]
    """Which frames of the timeline it shows."""


class Unseen(Model):
    """Why there is nothing to see."""

    reason: Reason
    message: Said


class Findings(Model):
    """What came of a look: one of these."""

    model_config = ConfigDict(extra="ignore")

    again: bool = False
    """The worker was given a VideoJob meanwhile: another may look."""
    refusal: Unseen | None = None
    probe: ProbeReport | None = None
    plan: Plan | None = None
    """With its first spans, segments and sounds."""
    spans: Count = 0
    """How many the plan has."""
    segments: Count = 0
    picture: PictureReport | None = None
