"""What is sent and answered, for the OpenAPI document alone.

Answers are the API server's own JSON, and bodies are read by the contract, whose problems say more than a schema's.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads annotations
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from videojob_contract.resources.renderpool import Order, Queue
from videojob_contract.resources.videotemplate import TemplateParameter  # noqa: TC001 - the same
from videojob_gateway.auth.caller import Role  # noqa: TC001 - the same

REFERENCE = "x-component"
"""Key of a schema that stands for a component which pydantic does not know: `openapi` puts it in place."""

Labels = dict[str, str]


class WireModel(BaseModel):
    """Names as JSON has them."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True, validate_by_name=True)


class FieldProblem(WireModel):
    """One field that is wrong."""

    path: str = Field(examples=["spec.clips[0].duration"])
    """Where: in the body, or the name of a parameter."""
    message: str = Field(examples=["must be longer than 0s"])
    """What to do about it."""


class RateLimitReached(WireModel):
    """A limit of rates that a caller has reached."""

    policy: str = Field(examples=["submissions-minute"])
    """As `RateLimit-Policy` has it."""
    quota: int
    """Most in a window."""
    window_seconds: int
    """How long a window is."""
    retry_after_seconds: int
    """In how long there is enough of it again."""


class ProblemDetails(WireModel):
    """What is wrong (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Entity"])
    """The HTTP status in words."""
    status: int = Field(examples=[422])
    """The HTTP status."""
    reason: str = Field(examples=["Invalid"])
    """Why, as one word for programs."""
    detail: str
    """Why, for people."""
    errors: list[FieldProblem] = Field(default_factory=list)
    """Every field that is wrong."""
    limit: RateLimitReached | None = None
    """Which limit was reached, with `RateLimited`."""


class NewJob(WireModel):
    """A VideoJob that is asked for."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)] | None = None
    """Its name. Default: one that is made for it."""
    labels: Labels | None = None
    """To find it by."""
    spec: Annotated[dict[str, Any], WithJsonSchema({REFERENCE: "NewSpec"})]
    """What to render, and how it is scheduled; `templateRef` and `parameters` in place of `clips` for a template."""


class NewJobs(WireModel):
    """VideoJobs that are asked for at once."""

    jobs: Annotated[list[NewJob], Field(min_length=1, max_length=100)]
    """Each of them."""


class _Shown(WireModel):
    id: str = Field(examples=["7b1d4a7e-6a5e-4d3c-9f0e-2f8f0c1d2e3f"])
    """Its UID: of this VideoJob alone, while a name can be used again."""
    name: str
    """Its name."""
    created_at: datetime
    """When it was made."""
    labels: Labels
    """What it can be found by."""


class Job(_Shown):
    """A VideoJob."""

    spec: Annotated[dict[str, Any], WithJsonSchema({REFERENCE: "Spec"})]
    """What is rendered, and how it is scheduled."""
    status: Annotated[dict[str, Any], WithJsonSchema({REFERENCE: "Status"})]
    """What is known of it."""


class ListedJob(_Shown):
    """A VideoJob in a list: without what is rendered."""

    spec: Annotated[dict[str, Any], WithJsonSchema({REFERENCE: "ListedSpec"})]
    """How it is scheduled."""
    status: Annotated[dict[str, Any], WithJsonSchema({REFERENCE: "ListedStatus"})]
    """What is known of it."""


class JobList(WireModel):
    """A page of a list."""

    items: list[ListedJob]
    """VideoJobs."""
    next: str | None
    """`cursor` of the next page; null when there is none."""


class BatchItem(WireModel):
    """What came of one VideoJob."""

    job: Job | None
    """The VideoJob, if it was made, or has been before."""
    error: ProblemDetails | None
    """Why not, if not."""


class BatchResult(WireModel):
    """What came of each VideoJob, in the order in which they were asked for."""

    items: list[BatchItem]
    """One for each."""


class Move(WireModel):
    """Where a VideoJob is to wait; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})

    pool: Annotated[str, Field(max_length=63)] | None = None
    """A RenderPool."""
    queue: Annotated[str, Field(max_length=63)] | None = None
    """One of its queues."""
    priority: Annotated[int, Field(ge=-100, le=100)] | None = None
    """Among the VideoJobs of its user."""


class Ignored(WireModel):
    """Why a delivery to a VideoHook makes no VideoJob."""

    ignored: str
    """Which of its filters it does not pass."""


class Validity(WireModel):
    """Whether a VideoJob would be accepted."""

    valid: bool
    """Whether it would."""
    errors: list[FieldProblem]
    """Every field that is wrong."""


class SecondsSpread(WireModel):
    """Seconds, of several VideoJobs."""

    mean: float
    """On average."""
    p50: float
    """What half of them are not above."""
    p90: float
    """What nine of ten are not above."""
    p99: float
    """What 99 of 100 are not above."""


class Numbers(WireModel):
    """What became of VideoJobs."""

    jobs: int
    """How many there are."""
    phases: dict[str, int]
    """How many are in each phase."""
    success_rate: float | None
    """Share of those that succeeded in those that succeeded or failed."""
    wait_seconds: SecondsSpread | None
    """From when they were made to when their last attempt started."""
    render_seconds: SecondsSpread | None
    """From there to their end, of those that succeeded."""


class Group(Numbers):
    """VideoJobs that have something in common."""

    key: str = Field(examples=["2026-01-01"])
    """What that is; empty for nothing."""


class Statistics(WireModel):
    """What became of VideoJobs, all and in groups."""

    total: Numbers
    """Of all."""
    groups: list[Group]
    """By what was asked for, the largest first, and no more than a thousand."""


class JobEvent(WireModel):
    """What happened to a VideoJob."""

    type: str = Field(examples=["Normal"])
    """`Normal` or `Warning`."""
    reason: str
    """Why, as one word for programs."""
    message: str
    """Why, for people."""
    at: datetime
    """When."""


class JobEvents(WireModel):
    """What happened to a VideoJob in the last hour."""

    items: list[JobEvent]
    """The oldest first."""


class Identity(WireModel):
    """Who a caller is known as."""

    user: str = Field(examples=["ana"])
    """As `spec.user` has it; empty where nobody is asked."""
    role: Role
    """What it may do."""
    tier: str | None
    """The tier of what it makes."""
    manages_pools: bool
    """Whether it may stop, drain and resume pools."""


class ListedTemplate(WireModel):
    """What VideoJobs can be made of."""

    name: str
    """Its name."""
    description: str
    """What it is for."""
    parameters: list[TemplateParameter]
    """What a VideoJob gives it."""


class TemplateList(WireModel):
    """The templates that there are."""

    items: list[ListedTemplate]
    """By name."""


class ListedPool(WireModel):
    """A pool of workers that renders VideoJobs."""

    name: str
    """Its name."""
    queues: list[Queue]
    """Its queues."""
    volumes: list[str]
    """Names of volumes, as URIs have them: `volume://NAME/…`."""
    uploads: bool
    """Whether it has a place for assets."""
    order: Order = Order.FAIR
    """How a queue gives out what waits in it."""
    min_idle: int = 0
    """Workers that wait warm."""
    max_workers: int = 10
    """Most workers at a time."""
    drain: bool = False
    """Whether it starts nothing."""
    queued: int | None
    """VideoJobs that wait; null, as all of these, while nothing is known of it."""
    starting: int | None
    """Workers that start."""
    idle: int | None
    """Workers that wait for work."""
    busy: int | None
    """Workers that render."""
    desired: int | None
    """Workers that there should be."""
    backlog_seconds: int | None
    """How long what waits and runs will take, predicted."""
    ready: bool | None
    """Whether workers come up."""
    message: str
    """Why, for people."""


class PoolList(WireModel):
    """The pools that there are."""

    items: list[ListedPool]
    """By name."""


class Readiness(WireModel):
    """Whether requests can be answered."""

    ready: bool
    """Whether they can."""
    jobs: int
    """VideoJobs that are known."""
    queued: int
    """Of them those that wait for a worker."""
    running: int
    """Of them those that are rendered."""
    idle: int | None
    """Workers that wait; null when the API server does not say."""
    busy: int | None
    """Workers that render; likewise."""
    redis: bool | None
    """Whether Redis answers; null where the gateway knows none."""
    operator_seconds: float | None
    """Seconds since the operator last said that it lives; null when the gateway cannot see it."""
    problems: list[str]
    """What is not as it should be, though requests may be answered."""
