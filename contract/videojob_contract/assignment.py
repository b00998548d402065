"""What a worker is given and what it answers: the payloads of the queue, files and termination messages.

Workers read untrusted media. So all that they answer is bounded to what a status can hold, and the API server takes.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from videojob_contract.errors import Reason
from videojob_contract.resources.base import Duration, Model
from videojob_contract.resources.encoding import Encoding
from videojob_contract.resources.object_stores import MAX_STORES, ObjectStore
from videojob_contract.resources.status import MAX_LOG, Count, OutputStatus, Seconds, Stage, Warnings
from videojob_contract.resources.uploads import Uploads
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_contract.resources.work import WorkReport

MAX_ATTEMPT = 1000
"""Far more attempts than any job has."""

_LONGEST_MESSAGE = 2048
_ALMOST = 99
"""Only what has succeeded is at 100 %."""

Attempt = Annotated[int, Field(ge=0, le=MAX_ATTEMPT)]
Said = Annotated[
    str,
    AfterValidator(lambda said: said if len(said) <= _LONGEST_MESSAGE else f"{said[: _LONGEST_MESSAGE - 1]}…"),
]
"""A message for people, cut to what a status can hold."""


class SourceLimits(Model):
    """What sources of this pool may be."""

    allow_private_networks: bool = False
    allow_hosts: list[str] | None = None
    max_source_bytes: int = 4 * 1024**3


class Assignment(Model):
    """One attempt to render one VideoJob; its spec has every default filled in and every output a URI.

    A worker passes over what a later operator says beside the fields that are here; what it may not pass over, such as
    how a clip looks, is in one of them, and there a field that it does not know has it give the attempt back.
    """

    model_config = ConfigDict(extra="ignore")

    uid: str
    namespace: str
    name: str
    attempt: Annotated[int, Field(ge=1, le=MAX_ATTEMPT)]
    spec: VideoJobSpec
    deadline: Duration
    soft_deadline: Duration
    sources: SourceLimits = SourceLimits()
    objects: Annotated[list[ObjectStore], Field(max_length=MAX_STORES)] = []
    """The pool's object stores, without credentials: the worker has those as files."""
    uploads: Uploads | None = None
    """The pool's, to be cleaned up afterwards."""
    encoding: Encoding = Encoding()
    terms: Annotated[str, Field(max_length=64)] = ""
    """A digest of all that it has of its pool; see `defaults.terms_of`."""
    trace_id: Annotated[str, Field(pattern="^([0-9a-f]{32})?$")] = ""
    """Of the trace that it is part of, for logs; empty where there is none."""


class Progress(Model):
    """How far an attempt is."""

    stage: Stage
    percent: Annotated[float, Field(ge=0, le=100)]
    """Share of the whole attempt's predicted cost; never goes back."""
    message: Said = ""
    """Such as "frame 321 of 765, 84 fps"."""
    eta_s: Seconds | None = None
    """Seconds until the end, predicted."""

    def percent_after(self, told: int) -> int:
        """Return the whole percent to tell of it: no less than was told, and 100 only at the end."""
        return max(told, min(int(self.percent), _ALMOST))


class Result(Model):
    """How an attempt ended: with outputs, or with a reason."""

    model_config = ConfigDict(extra="ignore")  # a later worker may say more

    uid: Annotated[str, Field(max_length=256)]
    attempt: Attempt
    result: Literal["succeeded", "failed", "cancelled"]
    outputs: Annotated[list[OutputStatus], Field(max_length=64)] = []
    warnings: Warnings = ()
    reason: Reason | None = None
    message: Said = ""
    log: Annotated[str, Field(max_length=MAX_LOG)] = ""
    """Of one that failed: the last lines that its worker logged."""
    render_s: Seconds = 0.0
    """Wall seconds from claim to the end."""
    video_s: Seconds = 0.0
    """Seconds of video made."""
    work: WorkReport = ()
    """What its kinds of work took."""
    peak_bytes: Count = 0
    """Most memory that its renderer had; 0 where that is not known."""
    stages: Annotated[dict[Stage, Seconds], Field(max_length=len(Stage))] = {}
    """What its stages took, in their order."""
