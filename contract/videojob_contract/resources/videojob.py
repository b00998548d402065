"""VideoJob: what to render, and how it is scheduled.

What is to be rendered cannot change after creation; how it is scheduled can.
"""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from videojob_contract.resources.audio import Audio
from videojob_contract.resources.base import BY_NAME, Duration, Label, Model, Name, Rule, Time, rules
from videojob_contract.resources.notifications import BY_URL, MAX_WEBHOOKS, Notify
from videojob_contract.resources.outputs import Output
from videojob_contract.resources.status import VideoJobStatus
from videojob_contract.resources.text import Subtitles
from videojob_contract.resources.timeline import Canvas, Clip, Overlay

TEMPLATED_FIELDS = ("canvas", "clips", "overlays", "subtitles", "audio", "outputs")
"""The fields in which parameters are put in place."""

TIMELINE_FIELDS = (*TEMPLATED_FIELDS, "parameters", "templateRef")
"""The fields that say what is rendered: immutable once the job exists."""

TEMPLATE_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"

ParameterValue = bool | int | float | Annotated[str, StringConstraints(max_length=4096)]


class Backoff(Model):
    """How long to wait before a retry: initial x factor^n, at most max, give or take jitter."""

    initial: Duration = Fraction(10)
    """Wait before the first retry."""
    factor: Annotated[float, Field(ge=1, le=10)] = 2
    """Each wait is this many times the one before."""
    max: Duration = Fraction(600)
    """Longest wait."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Random share added or taken, so that jobs that failed together do not return together."""


class Retry(Model):
    """How often a failed attempt is repeated."""

    limit: Annotated[int, Field(ge=0, le=20)] = 3
    """Retries of failures that another attempt could mend. Losses of nodes and pods are not counted."""
    backoff: Backoff = Backoff()
    """How long to wait in between."""


def _immutable(field: str) -> Rule:
    new, old = f"self.{field}", f"oldSelf.{field}"
    return Rule(
        f"has({new}) == has({old}) && (!has({new}) || {new} == {old})",
        "what is rendered cannot change once the job exists; make another VideoJob",
        f".{field}",
        "FieldValueForbidden",
    )


class TemplateRef(Model):
    """Names a VideoTemplate of the same namespace."""

    name: Annotated[str, StringConstraints(pattern=TEMPLATE_NAME_PATTERN, max_length=253)]
    """Its name."""


class VideoJobSpec(Model):
    """What to render, and how it is scheduled."""

    model_config = rules(
        Rule(
            "!oldSelf.cancel || self.cancel || self.rerun > oldSelf.rerun",
            "it cannot be taken back, unless rerun is raised with it",
            ".cancel",
            "FieldValueForbidden",
        ),
        Rule("self.rerun >= oldSelf.rerun", "it can only be raised", ".rerun", "FieldValueForbidden"),
        Rule(
            "!has(self.clips) || self.clips.size() == 0 || !has(self.clips[0].transition)",
            "the first clip has no transition, because none is before it to come from",
            ".clips",
            "FieldValueForbidden",
        ),
        Rule(
            "has(self.clips) != has(self.templateRef)",
            "give clips, or a templateRef that has them, and not both",
            ".clips",
            "FieldValueRequired",
        ),
        *(_immutable(field) for field in TIMELINE_FIELDS),
    )

    pool: Name = "default"
    """The RenderPool, in this namespace, that renders it."""
    queue: Name = "default"
    """One of the pool's queues."""
    user: Label | None = None
    """Whose fair share of the queue it takes. Default: that of all who say none."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Among the VideoJobs of one user that wait: the highest is first."""
    project: Label | None = None
    """Whose limit it counts against, and a label for listing."""
    tier: Name | None = None
    """Which of its pool's tiers of limits it is under; the pool says whose that may be. Default: none."""
    start_at: Time | None = None
    """Not before this moment."""
    suspend: bool = False
    """Keep it out of the queue until false; a running attempt is stopped, and what it has made so far is lost."""
    cancel: bool = False
    """Stop it for good; cannot be taken back, unless by a rerun."""
    rerun: Annotated[int, Field(ge=0, le=1000)] = 0
    """Raised when the job has finished: render it once more, with its own retries; the end before is in
    `status.history`."""
    deadline: Duration | None = None
    """Hard limit of one attempt. Default: the pool's, or 30m. A change holds from the next attempt on."""
    soft_deadline: Duration | None = None
    """When to warn that the deadline nears. Default: 5/6 of the deadline."""
    retry: Retry | None = None
    """How often a failed attempt is repeated. Default: the pool's, or three times."""
    ttl_after_finished: Duration | None = None
    """Delete the VideoJob this long after it finished; its outputs stay. Default: the pool's, or never."""
    parallelism: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = 1
    """How many workers render it side by side."""
    notify: Annotated[list[Notify] | None, Field(max_length=MAX_WEBHOOKS, json_schema_extra=BY_URL)] = None
    """Webhooks that are told when it has finished, or also when it starts and how far it is."""
    template_ref: TemplateRef | None = None
    """The VideoTemplate that has the timeline, in place of `clips`; what is given here of the rest stands in place of
    what the template has."""
    parameters: Annotated[
        dict[Annotated[str, StringConstraints(max_length=63)], ParameterValue] | None, Field(max_length=64)
    ] = None
    """Values for the templates in the timeline, `{{ name }}` or `{{ name | default(…) }}`: text, numbers, booleans.
    With `templateRef` those that the VideoTemplate declares."""
    canvas: Canvas | None = None
    """The picture: size, frame rate, background."""
    clips: Annotated[list[Clip], Field(min_length=1, max_length=500)]
    """The timeline, in order. Required without `templateRef`."""
    overlays: Annotated[list[Overlay] | None, Field(max_length=64)] = None
    """Drawn over the clips, in order."""
    subtitles: Subtitles | None = None
    """Subtitles for the whole timeline."""
    audio: Audio | None = None
    """The sound under the timeline."""
    outputs: Annotated[list[Output] | None, Field(min_length=1, max_length=32, json_schema_extra=BY_NAME)] = None
    """What to make. Default: `main`, an mp4, and `poster`, a jpg."""


class VideoJob(Model):
    """A video to render."""

    api_version: Literal["videojob.dev/v1alpha1"] = "videojob.dev/v1alpha1"
    kind: Literal["VideoJob"] = "VideoJob"
    metadata: dict[str, Any] = {}
    """Kubernetes' own."""
    spec: VideoJobSpec
    """What to render, and how it is scheduled."""
    status: VideoJobStatus | None = None
    """What is known of it; written by the operator."""
