"""A plan as it is shown: what `videojob plan` prints, the renderer process answers with, and the gateway hands on.

Numbers, names of kinds and reasons, and nothing of a source but what its header says. Frames count from the start of
the timeline; a span or segment is `start <= frame < start + frames`. Costs are in the unit
of `timeline/cost.py`.
"""

from typing import Annotated

from pydantic import Field

from videojob_contract.resources.base import Fps, Model
from videojob_contract.resources.status import Warnings
from videojob_contract.resources.work import WorkKind

Count = Annotated[int, Field(ge=0)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Reason = Annotated[str, Field(max_length=2000)]


class ClipEntry(Model):
    """When a clip is seen."""

    kind: str
    """What it is of: image, video, color, gradient or title."""
    start: Count
    frames: Count
    entry_frames: Count
    """For how many frames it comes in over the clip before."""


class SpanEntry(Model):
    """Frames that are made in one way."""

    start: Count
    frames: Count
    samples: Count
    """Samples of the sound under it, at 48 kHz."""
    kind: str
    """How: still, blend, animated, decoded or effect."""
    clips: list[Count]
    """The clip that is seen, or the two of a transition; they count from 0."""
    overlays: list[Count]
    """The overlays that are seen; they count from 0."""
    captions: bool
    """Whether subtitles are drawn."""
    memory_bytes: Count
    """What its pictures take."""
    cost: Cost
    why: Reason
    """Why it is made in this way."""


class SegmentEntry(Model):
    """Consecutive spans that are encoded by one encoder."""

    start: Count
    frames: Count
    cost: Cost


class SoundEntry(Model):
    """A sound in the mix, over `start_sample <= sample < start_sample + samples` at 48 kHz."""

    field: str
    """Where the spec names it."""
    start_sample: Count
    samples: Count
    """At most: of some sources, only decoding them tells where they end."""
    why: Reason


class OutputEntry(Model):
    """A file that is made."""

    name: str
    format: str
    codec: str | None = None
    width: Count | None = None
    height: Count | None = None
    fps: Fps | None = None
    why: Reason


class Plan(Model):
    """All that is known before the first frame."""

    width: Count
    height: Count
    fps: Fps
    frames: Count
    samples: Count
    """Of the whole sound, at 48 kHz."""
    duration_s: Seconds
    threads: Count
    encoders: Count
    """How many segments are encoded at a time."""
    cost: Cost
    """Of all spans together, each made once."""
    memory_bytes: Count
    """Predicted peak of the renderer process."""
    clips: list[ClipEntry]
    sounds: list[SoundEntry]
    outputs: list[OutputEntry]
    segments: list[SegmentEntry]
    spans: list[SpanEntry]
    work_s: Annotated[dict[WorkKind, Seconds], Field(max_length=len(WorkKind))] = {}
    """What each kind of work is to take by the rates that all programs know, in seconds of one core."""
    warnings: Warnings = ()
