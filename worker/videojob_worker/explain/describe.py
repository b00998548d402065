"""Turns the render plan into the plan that is shown: every count exact, nothing opened."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.plan_report import ClipEntry, OutputEntry, Plan, SegmentEntry, SoundEntry, SpanEntry
from videojob_contract.resources.work import BEGIN_S, SOUND_S, WorkKind
from videojob_worker.clock import SAMPLE_RATE, to_frame
from videojob_worker.explain.reasons import why
from videojob_worker.outputs.formats import formats_of
from videojob_worker.outputs.passes import passes_of
from videojob_worker.plan.copies import COPIED_FRAME, is_copied
from videojob_worker.plan.memory import encoders_of, peak_bytes, span_bytes
from videojob_worker.timeline.cost import span_cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videojob_contract.resources.audio import Track
    from videojob_worker.audio.sound_plan import Part
    from videojob_worker.outputs.formats.base import OutputFormat
    from videojob_worker.plan.render_plan import RenderPlan
    from videojob_worker.timeline.spans import Span

_SAMPLES_A_SECOND: Final = Fraction(SAMPLE_RATE)
_COPIED: Final = "copied"
"""The kind of spans whose frames are taken from a source as they are."""
MOST_SPANS: Final = 100_000
"""More than these are not described: nobody reads them, and each takes memory in two processes."""


def describe(plan: RenderPlan) -> Plan:
    """Describe a render plan.

    Raises:
        PermanentError: it has more than `MOST_SPANS` spans.
    """
    if len(plan.spans) > MOST_SPANS:
        raise PermanentError(
            f"the plan has {len(plan.spans)} spans, more than the {MOST_SPANS} that can be shown",
            Reason.INVALID_SPEC,
        )
    canvas, timeline = plan.canvas, plan.timeline
    segments = () if is_copied(plan) else plan.segments
    spans = [_span(plan, span) for span in plan.spans]
    return Plan(
        width=canvas.width,
        height=canvas.height,
        fps=timeline.fps,
        frames=timeline.frames,
        samples=timeline.samples,
        duration_s=float(timeline.length_s),
        threads=plan.settings.threads,
        encoders=min(len(segments), encoders_of(plan)),
        cost=sum(span.cost for span in spans),
        memory_bytes=peak_bytes(plan),
        clips=[
            ClipEntry(
                kind=clip.kind, start=times.start, frames=times.frames, entry_frames=max(times.settled - times.start, 0)
            )
            for clip, times in zip(plan.clips, timeline.clips, strict=True)
        ],
        sounds=list(_sounds(plan)),
        outputs=[_output(each) for each in formats_of(plan)],
        segments=[SegmentEntry(start=segment.start, frames=segment.frames, cost=segment.cost) for segment in segments],
        spans=spans,
        work_s=_work(plan),
        warnings=plan.sources.warnings.said,
    )


def _work(plan: RenderPlan) -> dict[WorkKind, float]:
    """Return what all passes over the frames, and what is done beside them, are to take."""
    work: defaultdict[WorkKind, float] = defaultdict(float)
    for run in () if is_copied(plan) else passes_of(plan):
        for kind, seconds in run.planned_s(plan).items():
            work[WorkKind(kind)] += seconds
    work[WorkKind.OVERHEAD] = BEGIN_S + SOUND_S * float(plan.timeline.length_s)
    return dict(work)


def _span(plan: RenderPlan, span: Span) -> SpanEntry:
    copied = is_copied(plan)
    first, end = (_sample_at(plan, frame) for frame in (span.start, span.end))
    return SpanEntry(
        start=span.start,
        frames=span.frames,
        samples=end - first,
        kind=_COPIED if copied else span.kind,
        clips=list(span.clips),
        overlays=[plan.overlays[place].number for place in span.overlays],
        captions=span.captions,
        memory_bytes=0 if copied else span_bytes(plan, span),
        cost=COPIED_FRAME * span.frames if copied else span_cost(span),
        why=why(plan, span),
    )


def _sample_at(plan: RenderPlan, frame: int) -> int:
    """Return the first sample of a frame; of the one after the last, how many samples there are."""
    timeline = plan.timeline
    return timeline.samples if frame == timeline.frames else to_frame(frame / timeline.fps, _SAMPLES_A_SECOND)


def _sounds(plan: RenderPlan) -> Iterator[SoundEntry]:
    for part in plan.sounds:
        yield SoundEntry(
            field=part.source.field.removesuffix(".uri"),
            start_sample=part.start,
            samples=_end(plan, part) - part.start,
            why="; ".join(_sound_ways(plan, part)),
        )


def _end(plan: RenderPlan, part: Part) -> int:
    """Return where a sound ends: with its source at the latest, as far as that is known."""
    length_s = plan.sources.probed[part.source.uri].duration_s
    if part.track is None or part.loop or length_s is None:
        return part.end
    return max(part.start, min(part.end, part.start + to_frame(length_s, _SAMPLES_A_SECOND) - part.samples.start))


def _sound_ways(plan: RenderPlan, part: Part) -> Iterator[str]:
    if part.is_narration:
        yield "speech over the clip"
    else:
        yield "mixed over the whole timeline" if part.track is not None else "the video's own sound"
    if part.volume != 1:
        yield f"gain {part.volume:g}"
    if part.speed != 1:
        yield f"at {float(part.speed):g}x in its own pitch"
    if part.backwards:
        yield "played backwards"
    if part.loop:
        yield "repeated"
    if part.clip is not None:
        times = plan.timeline.clips[part.clip]
        if times.entry_s:
            yield f"crossfaded for {_seconds(times.entry_s)} at its start"
        if times.departure_s:
            yield f"crossfaded for {_seconds(times.departure_s)} at its end"
    if part.track is not None:
        yield from _track_ways(part.track)


def _track_ways(track: Track) -> Iterator[str]:
    if track.fade_in:
        yield f"fades in for {_seconds(track.fade_in)}"
    if track.fade_out:
        yield f"fades out for {_seconds(track.fade_out)}"
    if track.envelope:
        yield f"follows an envelope of {len(track.envelope)} points"
    if track.duck:
        yield "quieter while other sound plays"


def _output(made: OutputFormat) -> OutputEntry:
    output = made.output
    track = output.tracks[0] if output.tracks else None
    width, height = output.size or (None, None)
    return OutputEntry(
        name=output.name,
        format=output.spec.format,
        codec=None if track is None or not output.spec.format.codecs else track.settings.codec,
        width=width,
        height=height,
        fps=None if track is None else track.settings.fps,
        why="; ".join(made.ways()),
    )


def _seconds(seconds: Fraction) -> str:
    return f"{float(seconds):g}s"
