"""The resources and Events as the client gives them: frozen, with the contract's models.

An operator may be newer than its clients. What a status has that this version does not know is left out of `status`,
and stays in `manifest`; it is never an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import ValidationError

from videojob_client.errors import UnreadableError
from videojob_contract.resources import RenderPoolStatus, VideoJobStatus, VideoScheduleStatus
from videojob_contract.validation import (
    SpecError,
    parse_renderpool,
    parse_videohook,
    parse_videojob,
    parse_videoschedule,
    parse_videotemplate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from videojob_contract.resources import (
        RenderPoolSpec,
        VideoHookSpec,
        VideoJobSpec,
        VideoScheduleSpec,
        VideoTemplateSpec,
    )
    from videojob_contract.resources.base import Model
    from videojob_contract.resources.status import Condition, ConditionType

    _Model = TypeVar("_Model", bound=Model)
    _Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What Kubernetes has of every object."""

    name: str
    namespace: str
    uid: str
    """Of this object alone, while a name can be used again."""
    resource_version: str
    """Changes at every write."""
    generation: int
    """Changes when the spec does."""
    created_at: datetime
    deleted_at: datetime | None
    """When its deletion was asked for; None unless it was."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an object as the API server has it."""
        metadata = manifest["metadata"]
        return cls(
            name=metadata["name"],
            namespace=metadata.get("namespace", ""),
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            generation=metadata.get("generation", 0),
            created_at=_time(metadata["creationTimestamp"]),
            deleted_at=_time(metadata["deletionTimestamp"]) if "deletionTimestamp" in metadata else None,
            labels=metadata.get("labels") or {},
            annotations=metadata.get("annotations") or {},
        )


@dataclass(frozen=True)
class VideoJob:
    """A VideoJob at one moment."""

    metadata: Metadata
    status: VideoJobStatus
    """What is known of it; Pending while the operator has not seen it."""
    manifest: Mapping[str, Any] = field(repr=False)
    """The whole object as the API server has it."""

    @cached_property
    def spec(self) -> VideoJobSpec:
        """What is to be rendered, with the parameters put in place of its templates.

        Raises:
            UnreadableError: it is wrong, as the operator says too, or has what this version does not know.
        """
        return _read(parse_videojob, self.manifest).spec

    def condition(self, kind: ConditionType) -> Condition | None:
        """Return the condition of a kind, or None while nothing is known of it."""
        return next((condition for condition in self.status.conditions if condition.type == kind), None)

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an object as the API server has it."""
        return cls(Metadata.of(manifest), _known(VideoJobStatus, manifest.get("status") or {}), manifest)


@dataclass(frozen=True)
class RenderPool:
    """A RenderPool at one moment."""

    metadata: Metadata
    status: RenderPoolStatus
    """How many workers it has and how many VideoJobs wait for them."""
    manifest: Mapping[str, Any] = field(repr=False)
    """The whole object as the API server has it."""

    @cached_property
    def spec(self) -> RenderPoolSpec:
        """How it scales, and what its workers have.

        Raises:
            UnreadableError: it is wrong, or has what this version does not know.
        """
        return _read(parse_renderpool, self.manifest).spec

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an object as the API server has it."""
        return cls(Metadata.of(manifest), _known(RenderPoolStatus, manifest.get("status") or {}), manifest)


@dataclass(frozen=True)
class VideoSchedule:
    """A VideoSchedule at one moment."""

    metadata: Metadata
    status: VideoScheduleStatus
    """What it has made and when it makes the next."""
    manifest: Mapping[str, Any] = field(repr=False)
    """The whole object as the API server has it."""

    @cached_property
    def spec(self) -> VideoScheduleSpec:
        """When VideoJobs are made, and which.

        Raises:
            UnreadableError: it is wrong, as the operator says too, or has what this version does not know.
        """
        return _read(parse_videoschedule, self.manifest).spec

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an object as the API server has it."""
        return cls(Metadata.of(manifest), _known(VideoScheduleStatus, manifest.get("status") or {}), manifest)


@dataclass(frozen=True)
class VideoTemplate:
    """A VideoTemplate at one moment."""

    metadata: Metadata
    manifest: Mapping[str, Any] = field(repr=False)
    """The whole object as the API server has it."""

    @cached_property
    def spec(self) -> VideoTemplateSpec:
        """Its timeline and its parameters.

        Raises:
            UnreadableError: it is wrong, or has what this version does not know.
        """
        return _read(parse_videotemplate, self.manifest).spec

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an object as the API server has it."""
        return cls(Metadata.of(manifest), manifest)


@dataclass(frozen=True)
class VideoHook:
    """A VideoHook at one moment."""

    metadata: Metadata
    manifest: Mapping[str, Any] = field(repr=False)
    """The whole object as the API server has it."""

    @cached_property
    def spec(self) -> VideoHookSpec:
        """Whose deliveries are taken, and what is made of them.

        Raises:
            UnreadableError: it is wrong, or has what this version does not know.
        """
        return _read(parse_videohook, self.manifest).spec

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an object as the API server has it."""
        return cls(Metadata.of(manifest), manifest)


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event: what happened to a VideoJob, for people."""

    type: str
    """`Normal` or `Warning`."""
    reason: str
    """Why, as one word for programs."""
    message: str
    at: datetime

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Read it from an Event of `events.k8s.io/v1`."""
        at = manifest.get("eventTime") or manifest["metadata"]["creationTimestamp"]
        return cls(manifest.get("type", ""), manifest.get("reason", ""), manifest.get("note", ""), _time(at))


def _read(parse: Callable[[Mapping[str, Any]], _Read], manifest: Mapping[str, Any]) -> _Read:
    """Read an object; raises `UnreadableError` for what its parser does not take."""
    try:
        return parse(manifest)
    except SpecError as error:
        raise UnreadableError(error.problems) from error


def _known(model: type[_Model], status: Mapping[str, Any]) -> _Model:
    """Read what is known of a status: an item of a list, or a field, that cannot be read is left out."""
    try:
        return model.model_validate(status, extra="ignore")
    except ValidationError as error:
        left = dict(status)
        unknown: dict[str, set[int]] = {}
        for detail in error.errors(include_url=False, include_input=False):
            match detail["loc"]:
                case (str(name), int(index), *_):
                    unknown.setdefault(name, set()).add(index)
                case (name, *_):
                    left.pop(str(name), None)
        for name, indexes in unknown.items():
            if name in left:
                left[name] = [item for index, item in enumerate(left[name]) if index not in indexes]
        return model.model_validate(left, extra="ignore")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
