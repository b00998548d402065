"""What a worker is given and what it answers: the payloads of the queue, files and termination messages.

Workers read untrusted media. So all that they answer is bounded to what a status can hold, and the API server takes.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from videojob_contract.errors import Reason
from videojob_contract.resources.base import Duration, Model
from videojob_contract.resources.encoding import Encoding
from videojob_contract.resources.object_stores import MAX_STORES, ObjectStore
from videojob_contract.resources.status import MAX_LOG, OutputStatus, Seconds, Stage, Warnings
from videojob_contract.resources.videojob import VideoJobSpec

MAX_ATTEMPT = 1000
"""Far more attempts than any job has."""

_LONGEST_MESSAGE = 2048

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
    """One attempt to render one VideoJob; its spec has every default filled in and every output a URI."""

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
    encoding: Encoding = Encoding()
    terms: Annotated[str, Field(max_length=64)] = ""
    """A digest of all that it has of its pool; see `defaults.terms_of`."""


class Progress(Model):
    """How far an attempt is."""

    stage: Stage
    percent: Annotated[float, Field(ge=0, le=100)]
    """Share of the whole attempt's predicted cost; never goes back."""
    message: Said = ""
    """Such as "frame 321 of 765, 84 fps"."""
    eta_s: Seconds | None = None
    """Seconds until the end, predicted."""


class Result(Model):
    """How an attempt ended: with outputs, or with a reason."""

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
