"""Events that workers' scripts put into the pool's stream, and how they are read from its fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from videojob_contract.assignment import Result
from videojob_contract.queue.reading import read_result


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker claimed an attempt, or restored its claim after Redis was emptied."""

    type: ClassVar[str] = "claimed"
    """Its name in the stream, as those of the others."""

    id: str
    """Id in the stream, for `ack`."""
    uid: str
    attempt: int
    worker: str
    job: str


@dataclass(frozen=True, slots=True)
class StageChanged:
    """An attempt came to another stage; the entry's progress says which."""

    type: ClassVar[str] = "stage"

    id: str
    uid: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt ended."""

    type: ClassVar[str] = "finished"

    id: str
    uid: str
    attempt: int
    result: Result


@dataclass(frozen=True, slots=True)
class Registered:
    """A worker became idle for the first time, or again after Redis was emptied."""

    type: ClassVar[str] = "registered"

    id: str
    worker: str
    job: str


@dataclass(frozen=True, slots=True)
class WorkerRetired:
    """An idle worker took its retirement and exits."""

    type: ClassVar[str] = "retired"

    id: str
    worker: str
    job: str


Event = Claimed | StageChanged | Finished | Registered | WorkerRetired


def parse_event(event_id: str, fields: Mapping[str, str]) -> Event | None:
    """Read one message of the stream; None for a type that a newer version writes."""
    match fields["type"]:
        case Claimed.type:
            return Claimed(event_id, fields["uid"], int(fields["attempt"]), fields["worker"], fields["job"])
        case StageChanged.type:
            return StageChanged(event_id, fields["uid"], int(fields["attempt"]))
        case Finished.type:
            uid, attempt = fields["uid"], int(fields["attempt"])
            return Finished(event_id, uid, attempt, read_result(fields["result"], uid, attempt))
        case Registered.type:
            return Registered(event_id, fields["worker"], fields["job"])
        case WorkerRetired.type:
            return WorkerRetired(event_id, fields["worker"], fields["job"])
        case _:
            return None
