"""Segments described so that another process can make them: all that the bytes of their packets depend on.

Whoever has the same spec and sources plans the job again, and makes a segment only where its own description of it is
the one that it was given. What a description cannot say is how a processor does its sums: machines that share the
segments of a job have to be of one kind, as they have to have one image.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any, Self

import av
from pydantic import JsonValue, ValidationError

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.base import Model
from videojob_contract.resources.uris import Use, iter_uris
from videojob_contract.version import __version__
from videojob_worker.plan.outputs import VideoTrack
from videojob_worker.plan.render_plan import RenderPlan
from videojob_worker.timeline.segments import Segment
from videojob_worker.timeline.spans import Span

_NOT_SEEN = {"outputs", "audio"}
"""Fields of a spec that have no say in a picture of the canvas; tracks say what of the outputs has one in the bytes."""


class TrackDescription(Model):
    """One stream of pictures of a segment."""

    name: str
    start: int
    """The segment's first frame, in frames of the track."""
    frames: int
    settings: dict[str, JsonValue]
    """All of `VideoSettings`."""

    @property
    def numbers(self) -> range:
        """The frames of the track that are in the segment."""
        return range(self.start, self.start + self.frames)


class SegmentDescription(Model):
    """A segment of a job, to be made anywhere."""

    engine: dict[str, str]
    """Versions of what makes it, by name."""
    spec: str
    """Digest of what the spec says of pictures."""
    number: int
    """Place among the segments of the timeline, from 0."""
    start: int
    frames: int
    spans: list[dict[str, JsonValue]]
    """All of each `Span`."""
    keypoints: list[int]
    longest_run: int
    encoder_threads: int
    """Threads of each encoder."""
    tracks: list[TrackDescription]
    sources: dict[str, str]
    """SHA-256 of each source that is seen in it, by URI."""

    @property
    def digest(self) -> str:
        """What the packet files that are made from it say of it."""
        return _sha256(self.to_dict())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a description.

        Raises:
            PermanentError: it is none.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise PermanentError(f"the description of a segment is none: {error}", Reason.INVALID_SPEC) from error

    def check(self, here: "SegmentDescription") -> None:
        """Compare it with the one of the same segment that was made here.

        Raises:
            PermanentError: they differ; the message names the fields.
        """
        if different := [name for name in type(self).model_fields if getattr(self, name) != getattr(here, name)]:
            raise PermanentError(
                f"segment {self.number} would be another one here: {', '.join(different)} differ from its description",
                Reason.INVALID_SPEC,
            )


def describe_segment(
    plan: RenderPlan, number: int, tracks: Sequence[VideoTrack], encoder_threads: int, digests: "Digests"
) -> SegmentDescription:
    """Describe a segment of a plan.

    Args:
        plan: the job.
        number: which, from 0.
        tracks: those that are encoded in segments.
        encoder_threads: threads of each encoder.
        digests: the plan's.
    """
    segment = plan.segments[number]
    shown = [(track, track.rate.segment(segment)) for track in tracks]
    return SegmentDescription(
        engine={"videojob": __version__, "pyav": av.__version__, **_libraries()},
        spec=digests.spec,
        number=number,
        start=segment.start,
        frames=segment.frames,
        spans=[_plain(asdict(span)) for span in segment.spans],
        keypoints=list(segment.keypoints),
        longest_run=segment.longest_run,
        encoder_threads=encoder_threads,
        tracks=[_track(track, part) for track, part in shown if part is not None],
        sources=digests.sources(segment.spans),
    )


def _track(track: VideoTrack, shown: Segment) -> TrackDescription:
    return TrackDescription(
        name=track.name, start=shown.start, frames=shown.frames, settings=_plain(asdict(track.settings))
    )


class Digests:
    """Of a plan's spec, and of its sources, each read once."""

    def __init__(self, plan: RenderPlan) -> None:
        self._plan = plan
        self._known: dict[str, str] = {}
        self.spec = _sha256(plan.settings.spec.model_dump(mode="json", by_alias=True, exclude=_NOT_SEEN))

    def sources(self, spans: Sequence[Span]) -> dict[str, str]:
        """Return those of what is seen in spans; every font counts, for a glyph may come from any of them."""
        numbers = {self._plan.overlays[place].number for span in spans for place in span.overlays}
        fields = {f"spec.clips[{clip}]" for span in spans for clip in span.clips}
        fields |= {f"spec.overlays[{number}]" for number in numbers}
        captions = any(span.captions for span in spans)
        return {
            uri: self._file(uri)
            for field, uri, use in iter_uris(self._plan.settings.spec)
            if use is Use.SOURCE
            and (
                field.partition("]")[0] + "]" in fields
                or field.endswith(".font")
                or (captions and field == "spec.subtitles.uri")
            )
        }

    def _file(self, uri: str) -> str:
        if uri not in self._known:
            with self._plan.sources.files[uri].open("rb") as file:
                self._known[uri] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[uri]


def _libraries() -> dict[str, str]:
    return {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}


def _plain(values: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return a dataclass' values as JSON has them."""
    return {name: json.loads(json.dumps(value, default=_text)) for name, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
