"""A job made ready to render: its plan, its sources and its outputs, resolved once and frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from videojob_contract.effects import effects_are_still
from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.encoding import Encoding
from videojob_contract.resources.timeline import Clip, Overlay, Video
from videojob_contract.resources.videojob import VideoJobSpec
from videojob_worker.engine import RenderRequest
from videojob_worker.media.probe import Facts, check_stretch, video_clip_length
from videojob_worker.media.source import Source
from videojob_worker.outputs.plan import PlannedOutput, plan_outputs
from videojob_worker.plan.above import PlacedOverlay, place_cues, place_overlays
from videojob_worker.plan.corners import corners
from videojob_worker.plan.cost import Segment, cut_segments
from videojob_worker.plan.spans import Kind, Span, compile_spans
from videojob_worker.plan.timeline import Timeline, build_timeline
from videojob_worker.text.captions import Captions, open_captions
from videojob_worker.text.fonts import Fonts
from videojob_worker.text.opening import open_fonts

_MOVING = ("animation", "video")


@dataclass(frozen=True, slots=True)
class Look:
    """The canvas: its size in pixels and its colour, `#rrggbb`."""

    width: int
    height: int
    background: str


@dataclass(frozen=True, slots=True)
class Project:
    """All that rendering needs; no picture, video or sound is opened yet."""

    spec: VideoJobSpec
    name: str
    look: Look
    timeline: Timeline
    spans: tuple[Span, ...]
    segments: tuple[Segment, ...]
    overlays: tuple[PlacedOverlay, ...]
    """What spans mean by the numbers in `overlays`."""
    files: Mapping[str, Path]
    """The local file of each URI."""
    facts: Mapping[str, Facts]
    """What is known of each picture, video and sound, by URI."""
    fonts: Fonts
    captions: Captions | None
    """Subtitles, drawn or kept as a track of their own."""
    outputs: tuple[PlannedOutput, ...]
    scratch: Path
    threads: int
    encoding: Encoding
    """Which encoders the pool wants used."""

    @property
    def clips(self) -> list[Clip]:
        """The clips of the timeline, in order."""
        return self.spec.clips

    def source(self, field: str, uri: str) -> Source:
        """Return the source that a field of the spec names by its URI."""
        return Source(field, uri, self.files[uri])


def build_project(request: RenderRequest, facts: Mapping[str, Facts]) -> Project:
    """Plan a request whose spec has its defaults filled in.

    Raises:
        PermanentError: it cannot be rendered as it is; the message names the field.
    """
    spec, canvas = request.spec, request.spec.canvas
    if canvas is None or canvas.width is None or canvas.height is None or canvas.fps is None or spec.outputs is None:
        raise PermanentError("spec.canvas: the defaults are not filled in", Reason.INVALID_SPEC)
    look = Look(canvas.width, canvas.height, canvas.background or "#000000")
    lengths = [_length(f"spec.clips[{index}]", clip, facts) for index, clip in enumerate(spec.clips)]
    for index, clip in enumerate(spec.clips):
        _check_length(request, f"spec.clips[{index}]", clip.video, facts, lengths[index])
    timeline = build_timeline(spec.clips, lengths, canvas.fps)
    overlays = place_overlays(spec.overlays or [], timeline, lambda overlay: _moves(overlay, facts))
    for placed in overlays:
        seen_s = (placed.end - placed.start) / timeline.fps
        _check_length(request, f"spec.overlays[{placed.number}]", placed.overlay.video, facts, seen_s)
    fonts = open_fonts(spec, request.sources, look.width, look.height)
    captions = _captions(request, look, fonts)
    cues = place_cues(captions.cues, timeline.fps) if captions and spec.subtitles and not spec.subtitles.soft else []
    spans = compile_spans(timeline, [clip_kind(clip, facts) for clip in spec.clips], overlays, cues)
    return Project(
        spec=spec,
        name=request.name,
        look=look,
        timeline=timeline,
        spans=spans,
        segments=cut_segments(spans, request.threads, _corners(spec.clips, timeline)),
        overlays=overlays,
        files=request.sources,
        facts=facts,
        fonts=fonts,
        captions=captions,
        outputs=plan_outputs(spec.outputs, look, timeline, request.scratch, request.encoding),
        scratch=request.scratch,
        threads=request.threads,
        encoding=request.encoding,
    )


def clip_kind(clip: Clip, facts: Mapping[str, Facts]) -> Kind:
    """Tell how a clip's own frames come about."""
    kind = Kind.ANIMATED if clip.motion is not None else Kind.STILL
    if _moves(clip, facts):
        kind = Kind.DECODED
    if clip.effects and (kind is not Kind.STILL or not effects_are_still(clip.effects)):
        return Kind.EFFECT
    return kind


def _corners(clips: Sequence[Clip], timeline: Timeline) -> list[int]:
    """Return the frames at which transitions do not go on as they did, in order."""
    pairs = zip(clips, timeline.clips, strict=True)
    return [frame for clip, times in pairs if clip.transition for frame in corners(clip.transition, times)]


def _length(field: str, clip: Clip, facts: Mapping[str, Facts]) -> Fraction:
    """Return how many seconds a clip lasts."""
    if isinstance(clip.duration, Fraction):
        return clip.duration
    if clip.video is None:
        raise PermanentError(f"{field}.duration: a {clip.kind} needs a duration", Reason.INVALID_SPEC)
    return video_clip_length(clip.video, facts[clip.video.uri])


def _check_length(
    request: RenderRequest, field: str, video: Video | None, facts: Mapping[str, Facts], wanted_s: Fraction
) -> None:
    """Refuse a video that is too short for where it is to be seen, before any work."""
    if video is not None:
        source = Source(f"{field}.video.uri", video.uri, request.sources[video.uri])
        check_stretch(source, video, facts[video.uri], wanted_s)


def _captions(request: RenderRequest, look: Look, fonts: Fonts) -> Captions | None:
    subtitles = request.spec.subtitles
    if subtitles is None:
        return None
    source = Source("spec.subtitles.uri", subtitles.uri, request.sources[subtitles.uri])
    return open_captions(source, subtitles, look, fonts)


def _moves(layer: Clip | Overlay, facts: Mapping[str, Facts]) -> bool:
    """Tell whether its source plays: a video, or an animated image."""
    if layer.video is not None:
        return True
    return layer.image is not None and facts[layer.image.uri].kind in _MOVING
