"""What is kept of VideoJobs and RenderPools, and of each what its spec was found to be.

They are small: of a VideoJob that was looked at, the timeline stays as compressed text, and of a finished one only the
fields of its record, so that 10,000 of them cost a few MB.
"""

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from videojob_contract.defaults import terms_of
from videojob_contract.errors import Reason
from videojob_contract.labels import ANNOTATION_RESTORED, ANNOTATION_TRACEPARENT
from videojob_contract.problems import SpecError
from videojob_contract.queue.types import DEFAULT_DEMAND, PoolKey
from videojob_contract.resources import (
    RenderPoolSpec,
    RenderPoolStatus,
    VideoJobSpec,
    VideoSchedule,
    VideoScheduleStatus,
)
from videojob_contract.resources.base import read_status
from videojob_contract.resources.object_stores import OBJECT_SCHEMES
from videojob_contract.resources.status import FixedTemplate, Phase, VideoJobStatus
from videojob_contract.resources.videojob import TIMELINE_FIELDS
from videojob_contract.template_refs import fix, name_of_template
from videojob_operator.decide import notifications, rerun, waits
from videojob_operator.decide.attempt import current_number
from videojob_operator.decide.specs import accept_pool, accept_schedule, accept_videojob, pack_spec, template_of
from videojob_operator.decide.types import Accepted, Memory, PoolMemory, UnlastingUrl
from videojob_operator.projections import owner_uid, parse_time
from videojob_operator.store import Raw


class VideoJobKey(NamedTuple):
    """Names one VideoJob."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class TemplateKey(NamedTuple):
    """Names one VideoTemplate."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class TemplateRecord:
    """What is known of one VideoTemplate."""

    key: TemplateKey
    uid: str
    version: int
    fixed: FixedTemplate
    """What is kept of it with each VideoJob; of one that is too large nothing, which is refused as such."""


@dataclass(slots=True)
class VideoJobRecord:
    """What is known of one VideoJob."""

    key: VideoJobKey
    uid: str
    version: int
    generation: int
    pool: PoolKey
    phase: Phase
    wants_template: TemplateKey | None
    """The VideoTemplate that it is to be made from and that its status does not have yet."""
    waits: Reason | None
    """Why it waits; None when it does not."""
    queue: str
    predicted_s: float
    """What an attempt should take, in seconds."""
    ends_at: datetime | None
    """When it should be done that runs."""
    job: str | None
    """Name of its current worker Job."""
    finished_at: datetime | None
    ttl: str | None
    """`spec.ttlAfterFinished`."""
    schedule_uid: str | None
    """UID of the VideoSchedule that made it; None when a person or another program did."""
    raw: Raw | None
    """The object, without its timeline once `accepted` has that; None when it is finished and webhooks were told."""
    accepted: Accepted[VideoJobSpec] | None = None
    """What `accept` found; None while it was not asked."""
    unlasting_urls: tuple[UnlastingUrl, ...] = ()
    """Of its outputs, when it has finished."""
    memory: Memory = field(default_factory=Memory)

    def accept(self, template: FixedTemplate | None = None) -> Accepted[VideoJobSpec]:
        """Read and check its spec, once a generation; that of a finished one matters no more.

        `template` is the VideoTemplate that it wants, as it is now: what is found without it is not kept.
        """
        if self.accepted is not None:
            return self.accepted
        assert self.raw is not None  # noqa: S101 - as long as it is not finished
        found = accept_videojob(self.raw, template)
        if not found.missing_template:
            self.accepted = found
        return found

    @property
    def status(self) -> VideoJobStatus:
        """Its status; what a later version has in it is passed over, and one that cannot be read is written anew."""
        return read_status(VideoJobStatus, self.object.get("status"))

    @property
    def number(self) -> int:
        """The number of its current attempt, or of its next one while it waits."""
        return current_number(self.status)

    @property
    def object(self) -> Raw:
        """The object, or of a finished one as much as is still of use."""
        if self.raw is not None:
            return self.raw
        spec = {"pool": self.pool.name, "ttlAfterFinished": self.ttl}
        status: dict[str, Any] = {"phase": self.phase.value}
        if self.finished_at:
            status["finishedAt"] = self.finished_at.isoformat()
        if self.job:
            status["job"] = {"name": self.job}
        metadata = {
            "namespace": self.key.namespace,
            "name": self.key.name,
            "uid": self.uid,
            "generation": self.generation,
        }
        return {
            "metadata": metadata,
            "spec": {k: v for k, v in spec.items() if v is not None},
            "status": status,
        }


class VideoScheduleKey(NamedTuple):
    """Names one VideoSchedule."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(slots=True)
class VideoScheduleRecord:
    """What is known of one VideoSchedule."""

    key: VideoScheduleKey
    uid: str
    version: int
    generation: int
    created_at: datetime
    pool: PoolKey
    """The pool of its VideoJobs: whoever serves that makes them."""
    raw: Raw
    accepted: Accepted[VideoSchedule] | None = None
    """What `accept` found; None while it was not asked."""

    def accept(self) -> Accepted[VideoSchedule]:
        """Read and check it, once a generation."""
        if self.accepted is None:
            self.accepted = accept_schedule(self.raw)
        return self.accepted

    @property
    def raw_status(self) -> Raw:
        """Its status, as the API server has it."""
        status: Raw = self.raw["status"]
        return status

    @property
    def status(self) -> VideoScheduleStatus:
        """Its status; what a later version has in it is passed over, and one that cannot be read is written anew."""
        return read_status(VideoScheduleStatus, self.raw_status)


@dataclass(slots=True)
class PoolRecord:
    """What is known of one RenderPool."""

    key: PoolKey
    uid: str
    version: int
    generation: int
    raw: Raw
    accepted: Accepted[RenderPoolSpec] | None = None
    """What `accept` found; None while it was not asked."""
    known_status: RenderPoolStatus | None = None
    """What `status` found; None while it was not asked."""
    memory: PoolMemory = field(default_factory=PoolMemory)
    known_terms: str | None = None
    """What `terms` found; None while it was not asked."""

    def accept(self) -> Accepted[RenderPoolSpec]:
        """Read and check its spec, once a generation."""
        if self.accepted is None:
            self.accepted = accept_pool(self.raw)
        return self.accepted

    @property
    def terms(self) -> str:
        """By which assignments are made; empty while its spec is refused."""
        if self.known_terms is None:
            spec = self.accept().spec
            self.known_terms = terms_of(spec) if spec else ""
        return self.known_terms

    @property
    def raw_status(self) -> Raw:
        """Its status, as the API server has it."""
        status: Raw = self.raw["status"]
        return status

    @property
    def status(self) -> RenderPoolStatus:
        """Its status; what a later version has in it is passed over, and one that cannot be read is written anew."""
        if self.known_status is None:
            self.known_status = read_status(RenderPoolStatus, self.raw_status)
        return self.known_status


_OBJECTS = tuple(f"{scheme}://" for scheme in OBJECT_SCHEMES)
_IN_A_POOL = {Phase.QUEUED, Phase.RUNNING}
_METADATA = frozenset({"namespace", "name", "uid", "generation", "creationTimestamp", "deletionTimestamp"})
_ANNOTATIONS = frozenset({ANNOTATION_RESTORED, ANNOTATION_TRACEPARENT})


def project_videojob(raw: Raw, before: VideoJobRecord | None) -> VideoJobRecord:
    """Return what is kept of a VideoJob; `before` is what was kept of the same UID."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status", {})
    phase = Phase(status.get("phase", Phase.PENDING))
    same = None if phase.is_final else before
    accepted = same.accepted if same and same.generation == metadata["generation"] else None
    kept = _without_bulk(raw)
    again = phase.is_final and rerun.is_wanted(spec, status)
    predicted_s = status.get("predicted", {}).get("seconds", DEFAULT_DEMAND.predicted_s)
    if phase.is_final and not again:
        accepted, kept = Accepted(None), _without_timeline(kept)
    elif accepted is not None:
        accepted, kept = pack_spec(accepted, kept), _without_timeline(kept)
    return VideoJobRecord(
        key=VideoJobKey(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        version=int(metadata["resourceVersion"]),
        generation=metadata["generation"],
        # What waits or runs in a pool is that pool's until it has left it, whatever its spec wants by now.
        pool=PoolKey(
            metadata["namespace"], (phase in _IN_A_POOL and status.get("pool")) or spec.get("pool", "default")
        ),
        phase=phase,
        wants_template=_wanted_template(raw) if not phase.is_final else None,
        waits=waits.reason_of(phase, status.get("reason")),
        queue=spec.get("queue", "default"),
        predicted_s=predicted_s,
        ends_at=_ends_at(status, predicted_s) if phase is Phase.RUNNING else None,
        job=status.get("job", {}).get("name"),
        finished_at=parse_time(status.get("finishedAt")),
        ttl=spec.get("ttlAfterFinished"),
        schedule_uid=owner_uid(raw, "VideoSchedule"),
        # Of a finished one, its webhooks and its status matter until those were told, and then nothing does.
        raw=None if phase.is_final and not (again or notifications.is_pending(status)) else kept,
        accepted=accepted,
        unlasting_urls=_unlasting_urls(status) if phase.is_final else (),
        memory=same.memory if same else Memory(),
    )


def project_schedule(raw: Raw, before: VideoScheduleRecord | None) -> VideoScheduleRecord:
    """Return what is kept of a VideoSchedule; `before` is what was kept of the same UID."""
    metadata = raw["metadata"]
    template = raw["spec"].get("template", {}).get("spec", {})
    return VideoScheduleRecord(
        key=VideoScheduleKey(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        version=int(metadata["resourceVersion"]),
        generation=metadata["generation"],
        created_at=parse_time(metadata["creationTimestamp"]) or datetime.now(UTC),
        pool=PoolKey(metadata["namespace"], template.get("pool", "default")),
        raw=_without_bulk(raw),
        accepted=before.accepted if before and before.generation == metadata["generation"] else None,
    )


def project_template(raw: Raw, _: TemplateRecord | None) -> TemplateRecord:
    """Return what is kept of a VideoTemplate."""
    metadata = raw["metadata"]
    try:
        fixed = fix(raw)
    except SpecError:
        fixed = FixedTemplate(name=metadata["name"], generation=metadata["generation"], content="")
    return TemplateRecord(
        TemplateKey(metadata["namespace"], metadata["name"]), metadata["uid"], int(metadata["resourceVersion"]), fixed
    )


def project_pool(raw: Raw, before: PoolRecord | None) -> PoolRecord:
    """Return what is kept of a RenderPool; `before` is what was kept of the same UID."""
    metadata = raw["metadata"]
    return PoolRecord(
        key=PoolKey(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        version=int(metadata["resourceVersion"]),
        generation=metadata["generation"],
        raw=_without_bulk(raw),
        accepted=before.accepted if before and before.generation == metadata["generation"] else None,
        memory=before.memory if before else PoolMemory(),
    )


def _unlasting_urls(status: Raw) -> tuple[UnlastingUrl, ...]:
    return tuple(
        UnlastingUrl(output["uri"], parse_time(output.get("urlExpiresAt")))
        for output in status.get("outputs") or ()
        if "urlExpiresAt" in output or ("url" not in output and output["uri"].startswith(_OBJECTS))
    )


def _wanted_template(raw: Raw) -> TemplateKey | None:
    name = name_of_template(raw)
    return TemplateKey(raw["metadata"]["namespace"], name) if name is not None and template_of(raw) is None else None


def _ends_at(status: Raw, predicted_s: float) -> datetime | None:
    started_at = parse_time(status.get("startedAt"))
    return parse_time(status.get("eta")) or (started_at and started_at + timedelta(seconds=predicted_s))


def _without_bulk(raw: Raw) -> Raw:
    """Leave out what nobody asks for: above all the copy of the whole object that kubectl keeps in an annotation."""
    metadata = {key: value for key, value in raw["metadata"].items() if key in _METADATA}
    annotations = raw["metadata"].get("annotations") or {}
    if ours := {name: value for name, value in annotations.items() if name in _ANNOTATIONS}:
        metadata["annotations"] = ours
    return {"metadata": metadata, "spec": raw["spec"], "status": _sharing(raw.get("status", {}))}


def _sharing(status: Raw) -> Raw:
    """Keep what many VideoJobs have of one template once."""
    template = status.get("template")
    if not template:
        return status
    return {**status, "template": {**template, "content": sys.intern(template["content"])}}


def _without_timeline(raw: Raw) -> Raw:
    """Leave out what only `accept` reads, and has read."""
    spec = {key: value for key, value in raw["spec"].items() if key not in TIMELINE_FIELDS}
    return {**raw, "spec": spec}
