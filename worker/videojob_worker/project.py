"""A job made ready to render: its plan, its sources and its outputs, resolved once and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.audio import Track
from videojob_contract.resources.outputs import Format, Output
from videojob_contract.resources.timeline import Clip
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_worker.compose.transitions import TRANSITIONS
from videojob_worker.encode.settings import VideoSettings, video_settings
from videojob_worker.media.source import Source
from videojob_worker.plan.cost import Segment, cut_segments
from videojob_worker.plan.spans import Span, compile_spans
from videojob_worker.plan.timeline import Timeline, build_timeline

_PICTURES = (Format.JPG, Format.PNG)


@dataclass(frozen=True, slots=True)
class Look:
    """The canvas: its size in pixels and its colour, `#rrggbb`."""

    width: int
    height: int
    background: str


@dataclass(frozen=True, slots=True)
class Sound:
    """A track and its source."""

    track: Track
    source: Source


@dataclass(frozen=True, slots=True)
class ProjectOutput:
    """One file to make; `settings` are those of a video, None for a poster."""

    name: str
    spec: Output
    path: Path
    settings: VideoSettings | None


@dataclass(frozen=True, slots=True)
class Project:
    """All that rendering needs; nothing in it is opened yet."""

    look: Look
    timeline: Timeline
    clips: tuple[Clip, ...]
    spans: tuple[Span, ...]
    segments: tuple[Segment, ...]
    images: Mapping[int, Source]
    """The source of each image clip, by the clip's number."""
    sounds: tuple[Sound, ...]
    outputs: tuple[ProjectOutput, ...]
    scratch: Path
    threads: int


def build_project(spec: VideoJobSpec, files: Mapping[str, Path], scratch: Path, threads: int) -> Project:
    """Resolve a spec whose defaults are filled in.

    Raises:
        PermanentError: it cannot be rendered as it is; the message names the field.
    """
    canvas = spec.canvas
    if canvas is None or canvas.width is None or canvas.height is None or canvas.fps is None or spec.outputs is None:
        raise PermanentError("spec.canvas: the defaults are not filled in", Reason.INVALID_SPEC)
    look = Look(canvas.width, canvas.height, canvas.background or "#000000")
    for index, clip in enumerate(spec.clips):
        if clip.transition is not None and clip.transition.type not in TRANSITIONS:
            raise PermanentError(
                f"spec.clips[{index}].transition.type: {clip.transition.type} is not supported yet",
                Reason.NOT_SUPPORTED,
            )
    timeline = build_timeline(spec.clips, canvas.fps)
    spans = compile_spans(timeline)
    return Project(
        look=look,
        timeline=timeline,
        clips=tuple(spec.clips),
        spans=spans,
        segments=cut_segments(spans, threads),
        images={
            index: Source(f"spec.clips[{index}].image.uri", clip.image.uri, files[clip.image.uri])
            for index, clip in enumerate(spec.clips)
            if clip.image is not None
        },
        sounds=tuple(
            Sound(track, Source(f"spec.audio.tracks[{index}].uri", track.uri, files[track.uri]))
            for index, track in enumerate(spec.audio.tracks if spec.audio else ())
        ),
        outputs=tuple(_output(index, output, look, timeline, scratch) for index, output in enumerate(spec.outputs)),
        scratch=scratch,
        threads=threads,
    )


def _output(index: int, output: Output, look: Look, timeline: Timeline, scratch: Path) -> ProjectOutput:
    field = f"spec.outputs[{index}]"
    path = scratch / f"{output.name}.{output.format}"
    if output.format is Format.MP4:
        settings = video_settings(field, output, look.width, look.height, timeline.fps)
        return ProjectOutput(output.name, output, path, settings)
    if output.format in _PICTURES:
        return ProjectOutput(output.name, output, path, None)
    raise PermanentError(f"{field}.format: {output.format} is not supported yet", Reason.NOT_SUPPORTED)
