"""Events that workers' scripts put into the pool's stream, and how they are read from its fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import TypeAdapter

from videojob_contract.assignment import Attempt
from videojob_contract.queue.bounds import JobName, PodName, Uid


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker claimed an attempt, or restored its claim after Redis was emptied."""

    type: ClassVar[str] = "claimed"
    """Its name in the stream, as those of the others."""

    id: str
    """Id in the stream, for `ack`."""
    uid: Uid
    attempt: Attempt
    worker: PodName
    job: JobName


@dataclass(frozen=True, slots=True)
class StageChanged:
    """An attempt came to another stage; the entry's progress says which."""

    type: ClassVar[str] = "stage"

    id: str
    uid: Uid
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt ended; the entry's result says how."""

    type: ClassVar[str] = "finished"

    id: str
    uid: Uid
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Registered:
    """A worker became idle for the first time, or again after Redis was emptied."""

    type: ClassVar[str] = "registered"

    id: str
    worker: PodName
    job: JobName


@dataclass(frozen=True, slots=True)
class WorkerRetired:
    """An idle worker took its retirement and exits."""

    type: ClassVar[str] = "retired"

    id: str
    worker: PodName
    job: JobName


Event = Claimed | StageChanged | Finished | Registered | WorkerRetired

_ADAPTERS: dict[str, TypeAdapter[Event]] = {
    Claimed.type: TypeAdapter(Claimed),
    StageChanged.type: TypeAdapter(StageChanged),
    Finished.type: TypeAdapter(Finished),
    Registered.type: TypeAdapter(Registered),
    WorkerRetired.type: TypeAdapter(WorkerRetired),
}


def parse_event(event_id: str, fields: Mapping[str, str]) -> Event:
    """Read one message of the stream.

    Raises:
        ValueError: it is none, or of a type that a newer version writes.
    """
    adapter = _ADAPTERS.get(fields.get("type", ""))
    if adapter is None:
        raise ValueError("there is no event of this type")
    return adapter.validate_python({**fields, "id": event_id})
