"""A job made ready to render: its plan, its sources and its outputs, resolved once and frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import Subtitles
from videojob_contract.resources.timeline import Clip
from videojob_contract.semantics.damage import on_damage_of
from videojob_worker.audio.sound_plan import Part, arrange
from videojob_worker.canvas import Canvas
from videojob_worker.compose.clips import clip_kind, span_kind
from videojob_worker.compose.composition import Composition
from videojob_worker.media.probe import ProbedSource, narrated_length
from videojob_worker.media.probed import ProbedSources
from videojob_worker.media.sound.sound_container import open_sound
from videojob_worker.plan.outputs import PlannedOutput
from videojob_worker.render_settings import RenderSettings
from videojob_worker.request import RenderRequest
from videojob_worker.text.captions import Captions, open_captions
from videojob_worker.text.fonts import Fonts
from videojob_worker.text.preflight import open_fonts
from videojob_worker.timeline.keypoints import keypoints
from videojob_worker.timeline.overlays import PlacedOverlay, place_cues, place_overlays
from videojob_worker.timeline.segments import Segment, cut_segments
from videojob_worker.timeline.spans import Span, SpanKind, compile_spans
from videojob_worker.timeline.times import Timeline, build_timeline


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """All that rendering needs; no picture, video or sound is opened yet."""

    settings: RenderSettings
    canvas: Canvas
    timeline: Timeline
    spans: tuple[Span, ...]
    segments: tuple[Segment, ...]
    overlays: tuple[PlacedOverlay, ...]
    """What spans mean by the numbers in `overlays`."""
    sources: ProbedSources
    sounds: tuple[Part, ...]
    """All that is heard: of clips, of overlays, of tracks."""
    fonts: Fonts
    captions: Captions | None
    """Subtitles, drawn or kept as a track of their own."""
    scratch: Path
    outputs: tuple[PlannedOutput, ...] = ()
    """None until `outputs/formats` has planned them."""

    @property
    def clips(self) -> list[Clip]:
        """The clips of the timeline, in order."""
        return self.settings.spec.clips

    @property
    def composition(self) -> Composition:
        """What is seen."""
        return Composition(
            self.canvas, self.timeline, self.clips, self.overlays, self.captions, self.sources, self.fonts
        )

    @property
    def loudness(self) -> float | None:
        """How loud the sound is wanted, in LUFS, where that is."""
        audio = self.settings.spec.audio
        return audio.loudness if audio else None


def build_render_plan(request: RenderRequest, probed: Mapping[str, ProbedSource]) -> RenderPlan:
    """Plan a request whose spec has its defaults filled in, all but its outputs.

    Raises:
        PermanentError: it cannot be rendered as it is; the message names the field.
    """
    settings, spec, wanted = request.settings, request.settings.spec, request.settings.spec.canvas
    sources = ProbedSources(request.sources, probed, request.warnings, on_damage_of(spec))
    if wanted is None or wanted.width is None or wanted.height is None or wanted.fps is None or spec.outputs is None:
        raise PermanentError("spec.canvas: the defaults are not filled in", Reason.INVALID_SPEC)
    canvas = Canvas(wanted.width, wanted.height, wanted.background or "#000000")
    lengths = [_length(f"spec.clips[{index}]", clip, probed) for index, clip in enumerate(spec.clips)]
    for index, clip in enumerate(spec.clips):
        clip_kind(clip, probed).check_length(sources, f"spec.clips[{index}]", lengths[index], 1 / wanted.fps)
    timeline = build_timeline(spec.clips, lengths, wanted.fps)
    overlays = place_overlays(
        spec.overlays or [], timeline, lambda overlay: clip_kind(overlay, probed).span_kind is not SpanKind.STILL
    )
    for placed in overlays:
        seen_s = (placed.end - placed.start) / timeline.fps
        field = f"spec.overlays[{placed.number}]"
        clip_kind(placed.overlay, probed).check_length(sources, field, seen_s, 1 / wanted.fps)
    fonts = open_fonts(spec, request.sources, canvas.width, canvas.height)
    captions = _captions(spec.subtitles, sources, canvas, fonts)
    cues = place_cues(captions.cues, timeline.fps) if captions and spec.subtitles and not spec.subtitles.soft else []
    spans = compile_spans(timeline, [span_kind(clip, probed) for clip in spec.clips], overlays, cues)
    sounds = tuple(arrange(spec, timeline, overlays, sources))
    _check_tracks(sounds)
    return RenderPlan(
        settings=settings,
        canvas=canvas,
        timeline=timeline,
        spans=spans,
        segments=cut_segments(spans, _keypoints(spec.clips, timeline)),
        overlays=overlays,
        sources=sources,
        sounds=sounds,
        fonts=fonts,
        captions=captions,
        scratch=request.scratch,
    )


def _keypoints(clips: Sequence[Clip], timeline: Timeline) -> list[int]:
    """Return the frames at which transitions do not go on as they did, in order."""
    pairs = zip(clips, timeline.clips, strict=True)
    return [frame for clip, times in pairs if clip.transition for frame in keypoints(clip.transition, times)]


def _check_tracks(sounds: Sequence[Part]) -> None:
    """Check that sources have the tracks that are asked for, before any work."""
    for source in {part.source for part in sounds if part.source.track is not None}:
        open_sound(source).close()


def _length(field: str, clip: Clip, probed: Mapping[str, ProbedSource]) -> Fraction:
    """Return how many seconds a clip lasts."""
    if isinstance(clip.duration, Fraction):
        return clip.duration
    length_s = clip_kind(clip, probed).length_s()
    if length_s is None and clip.narration is not None:
        return narrated_length(clip.narration, probed[clip.narration.uri])
    if length_s is None:
        raise PermanentError(f"{field}.duration: a {clip.kind} needs a duration", Reason.INVALID_SPEC)
    return length_s


def _captions(subtitles: Subtitles | None, sources: ProbedSources, canvas: Canvas, fonts: Fonts) -> Captions | None:
    if subtitles is None:
        return None
    return open_captions(sources.source("spec.subtitles.uri", subtitles.uri), subtitles, canvas, fonts)
