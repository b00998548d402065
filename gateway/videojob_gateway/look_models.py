"""What is asked and answered before anything is queued, for the OpenAPI document alone."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from videojob_gateway.models import WireModel


class ProbeQuestion(WireModel):
    """A source that is asked about."""

    model_config = ConfigDict(extra="forbid")

    uri: str = Field(max_length=2048, examples=["volume://media/photos/coffee.png"])
    """What a spec would call it."""
    pool: str = Field(default="default", max_length=63)
    """The pool whose workers look."""


class Probe(WireModel):
    """What a source is."""

    file_kind: str = Field(examples=["JPEG"])
    """What its bytes are."""
    usable_as: list[str] = Field(examples=[["image"]])
    """Where a spec may name it: image, video, audio, subtitles, font."""
    problems: list[str]
    """What a VideoJob that names it would be refused with."""
    warnings: list[str]
    """What may surprise."""
    size_bytes: int
    """How long it is."""
    width: int | None = None
    """Upright, in square pixels."""
    height: int | None = None
    """Upright, in square pixels."""
    duration_s: float | None = None
    """Seconds."""
    fps: float | None = None
    """Frames a second, on average."""
    has_alpha: bool
    """Whether it is transparent somewhere."""
    has_sound: bool
    """Whether there is sound in it."""


class ClipPlan(WireModel):
    """When a clip is seen."""

    kind: str = Field(examples=["image"])
    """Of what it is."""
    start: int
    """Its first frame."""
    frames: int
    """How many it has."""
    entry_frames: int
    """For how many it comes in over the clip before."""


class SpanPlan(WireModel):
    """Consecutive frames that are made in one way."""

    start: int
    """The first."""
    frames: int
    """How many."""
    kind: str = Field(examples=["still"])
    """How: still, blend, animated, decoded, effect or copied."""
    cost: float
    """What it costs, in the unit of the plan's cost."""
    why: str
    """Why it is made so."""


class OutputPlan(WireModel):
    """A file that would be made."""

    name: str
    """Of the output."""
    format: str = Field(examples=["mp4"])
    """Of the file."""
    codec: str | None = None
    """Of its pictures."""
    width: int | None = None
    """In pixels."""
    height: int | None = None
    """In pixels."""
    why: str
    """How it is made."""


class JobPlan(WireModel):
    """How a VideoJob would be rendered, and what it would take."""

    predicted_seconds: float
    """How long an attempt would take on the pool's workers."""
    predicted_wait_seconds: float | None
    """When it would begin, if it was made now; null where that cannot be told."""
    memory_bytes: int
    """What the renderer would take at most."""
    cost: float
    """Of all spans together, in frames of x264 at the canvas' size."""
    width: int
    """Of the canvas, in pixels."""
    height: int
    """Of the canvas, in pixels."""
    fps: str = Field(examples=["30"])
    """Frames a second."""
    frames: int
    """How many there are."""
    duration_seconds: float
    """How long the video lasts."""
    clips: list[ClipPlan]
    """When each clip is seen."""
    outputs: list[OutputPlan]
    """What would be made."""
    spans: list[SpanPlan]
    """The first 200 spans."""
    span_count: int
    """How many there are."""
    warnings: list[str]
    """What may surprise."""
