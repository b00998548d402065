"""The plan: exact times, spans that cover every frame once, segments and costs that add up."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import Format, Output
from videojob_contract.resources.timeline import Clip, Overlay, Transition
from videojob_worker.outputs.formats.still import poster_frame
from videojob_worker.timeline.cost import frame_costs, span_cost
from videojob_worker.timeline.overlays import FrameRange, PlacedOverlay, place_overlays
from videojob_worker.timeline.segments import cut_segments
from videojob_worker.timeline.spans import Span, SpanKind, compile_spans
from videojob_worker.timeline.times import Timeline, build_timeline

RATES = [
    Fraction(24000, 1001),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(50),
    Fraction(60000, 1001),
]


def clip(duration: Fraction, transition: Fraction | None = None) -> Clip:
    entry = Transition(type="crossfade", duration=transition) if transition else None
    return Clip(color="#000000", duration=duration, transition=entry)


def build(clips: list[Clip], fps: Fraction) -> Timeline:
    return build_timeline(clips, [clip.duration for clip in clips if isinstance(clip.duration, Fraction)], fps)


def stills(timeline: Timeline) -> tuple[Span, ...]:
    return compile_spans(timeline, [SpanKind.STILL] * len(timeline.clips))


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Any timeline that the contract lets through."""
    overlaps = draw(st.lists(st.integers(0, 2000), max_size=12))
    clips = []
    for index in range(len(overlaps) + 1):
        entry = overlaps[index - 1] if index else 0
        departure = overlaps[index] if index < len(overlaps) else 0
        solo = draw(st.integers(0, 5000))
        clips.append(clip(Fraction(max(entry + departure + solo, 40), 1000), Fraction(entry, 1000)))
    return build(clips, draw(st.sampled_from(RATES)))


@given(timelines())
def test_spans_cover_every_frame_once_in_order(timeline: Timeline) -> None:
    spans = stills(timeline)
    assert spans[0].start == 0
    assert all(a.end == b.start for a, b in pairwise(spans))
    assert spans[-1].end == timeline.frames
    assert all(span.frames > 0 for span in spans)
    assert abs(timeline.frames - timeline.length_s * timeline.fps) <= Fraction(1, 2)


@st.composite
def layered(draw: st.DrawFn) -> tuple[Timeline, list[SpanKind], tuple[PlacedOverlay, ...], list[FrameRange]]:
    """Any timeline with clips of all kinds, overlays and cues."""
    timeline = draw(timelines())
    of_clips = st.sampled_from([kind for kind in SpanKind if kind is not SpanKind.BLEND])
    kinds = draw(st.lists(of_clips, min_size=len(timeline.clips), max_size=len(timeline.clips)))
    times = st.integers(0, 6000).map(lambda ms: Fraction(ms, 1000))
    overlays = []
    for _ in range(draw(st.integers(0, 3))):
        fades = {"fade_in": draw(times | st.none()), "fade_out": draw(times | st.none())}
        image = {"uri": "volume://media/logo.png"}
        overlays.append(Overlay(image=image, from_=draw(times), to=draw(times | st.none()), **fades))
    placed = place_overlays(overlays, timeline, lambda _: draw(st.booleans()))
    cues = draw(st.lists(st.builds(FrameRange, st.integers(0, 200), st.integers(0, 200), st.booleans()), max_size=5))
    return timeline, kinds, placed, cues


@given(layered())
def test_spans_show_what_is_over_the_clips_for_just_its_frames(
    plan: tuple[Timeline, list[SpanKind], tuple[PlacedOverlay, ...], list[FrameRange]],
) -> None:
    timeline, kinds, placed, cues = plan
    spans = compile_spans(timeline, kinds, placed, cues)
    assert [number for span in spans for number in range(span.start, span.end)] == list(range(timeline.frames))
    for span in spans:
        for frame in {span.start, span.end - 1}:
            seen = [index for index, clip in enumerate(timeline.clips) if clip.start <= frame < clip.end]
            assert list(span.clips) == seen
            assert list(span.overlays) == [n for n, each in enumerate(placed) if each.start <= frame < each.end]
            assert span.captions == any(cue.start <= frame < cue.end for cue in cues)
            fading = [placed[n] for n in span.overlays if placed[n].opacity(frame) < placed[n].overlay.opacity]
            moves = any(placed[n].moving for n in span.overlays) or fading
            moves = moves or any(cue.moving for cue in cues if cue.start <= frame < cue.end)
            assert not (moves and span.kind in {SpanKind.STILL, SpanKind.BLEND})
        assert span.kind is not SpanKind.STILL or (len(span.clips) == 1 and kinds[span.clips[0]] is SpanKind.STILL)


@given(layered())
def test_segments_cover_all_spans_and_cut_no_transition(
    plan: tuple[Timeline, list[SpanKind], tuple[PlacedOverlay, ...], list[FrameRange]],
) -> None:
    spans = compile_spans(*plan)
    segments = cut_segments(spans)
    kept = [span for segment in segments for span in segment.spans]
    assert all(a.end == b.start for a, b in pairwise(kept))
    for span in spans:
        parts = [part for part in kept if span.start <= part.start < span.end]
        assert sum(part.frames for part in parts) == span.frames
        assert len(parts) == 1 or span.kind in {SpanKind.ANIMATED, SpanKind.DECODED, SpanKind.EFFECT}
    assert sum(segment.cost for segment in segments) == pytest.approx(sum(map(span_cost, spans)))
    assert sum(frame_costs(spans)) == pytest.approx(sum(map(span_cost, spans)))


@given(timelines())
def test_no_segment_is_short_or_long(timeline: Timeline) -> None:
    frames = [segment.frames for segment in cut_segments(stills(timeline))]
    assert len(frames) == 1 or min(frames) >= 100
    assert len(frames) >= -(-timeline.frames // 1800)


def test_long_timelines_have_segments_of_like_cost() -> None:
    timeline = build([clip(Fraction(3), Fraction(1, 2) if index else None) for index in range(100)], Fraction(30))
    segments = cut_segments(stills(timeline))
    assert 4 <= len(segments) <= 6
    assert max(segment.cost for segment in segments) < 1.5 * min(segment.cost for segment in segments)


@pytest.mark.parametrize(("seconds", "segments"), [(2, 1), (10, 3), (60, 4), (600, 40)])
def test_the_longer_a_video_the_more_segments_it_has(seconds: int, segments: int) -> None:
    timeline = build([clip(Fraction(seconds))], Fraction(30))
    found = [segment.frames for segment in cut_segments(compile_spans(timeline, [SpanKind.DECODED]))]
    assert found == pytest.approx([30 * seconds / segments] * segments, abs=50)


def test_stills_and_what_moves_are_cut_apart_where_there_is_enough_of_both() -> None:
    timeline = build([clip(Fraction(seconds)) for seconds in (4, 4, 20, 1, 20)], Fraction(30))
    kinds = [SpanKind.STILL, SpanKind.STILL, SpanKind.DECODED, SpanKind.STILL, SpanKind.DECODED]
    segments = cut_segments(compile_spans(timeline, kinds))
    assert [segment.start for segment in segments][:2] == [0, 240]
    assert 870 not in {segment.start for segment in segments}, "a second that stands still is not enough"


@pytest.mark.parametrize(("frames", "run"), [(1, 8), (9, 8), (15, 14), (17, 16), (18, 8), (30, 14), (34, 16), (35, 11)])
def test_runs_are_as_short_as_they_can_be_without_more_references(frames: int, run: int) -> None:
    spans = (
        Span(0, 90, SpanKind.STILL, (0,)),
        Span(90, frames, SpanKind.BLEND, (0, 1)),
        Span(90 + frames, 90, SpanKind.STILL, (1,)),
    )
    assert {segment.longest_run for segment in cut_segments(spans)} == {run}


def test_ten_photographs_with_crossfades_are_765_frames() -> None:
    timeline = build([clip(Fraction(3), Fraction(1, 2) if index else None) for index in range(10)], Fraction(30))
    spans = stills(timeline)
    assert timeline.frames == 765
    assert timeline.samples == 1_224_000
    assert sum(span.frames for span in spans if span.kind is SpanKind.BLEND) == 135
    assert len(cut_segments(spans)) == 4


def test_boundaries_are_rounded_once_and_never_drift() -> None:
    # A third of a second is 7.99 frames at 23.976: rounding each clip on its own would gain 8 frames in 1000.
    timeline = build([clip(Fraction(1, 3))] * 1000, RATES[0])
    assert timeline.frames == round(Fraction(1000, 3) * RATES[0])
    for index, times in enumerate(timeline.clips):
        assert abs(times.start - Fraction(index, 3) * RATES[0]) <= Fraction(1, 2)


def test_a_clip_shorter_than_its_transitions_is_refused() -> None:
    clips = [clip(Fraction(2)), clip(Fraction(1), Fraction(3, 4)), clip(Fraction(2), Fraction(1, 2))]
    with pytest.raises(PermanentError, match=r"spec\.clips\[1\]\.duration: 1s is shorter .* \(1\.25s\)") as caught:
        build(clips, Fraction(25))
    assert caught.value.reason is Reason.INVALID_SPEC


def test_a_timeline_without_a_frame_is_refused() -> None:
    with pytest.raises(PermanentError, match="shorter than one frame"):
        build([clip(Fraction(1, 1000))], Fraction(25))


@pytest.mark.parametrize(
    ("at", "length", "frame"),
    [(None, 4, 25), (None, 1, 12), (Fraction(2), 4, 50), (Fraction(99), 4, 99), (Fraction(0), 4, 0)],
)
def test_a_poster_shows_the_frame_on_screen_at_its_time(at: Fraction | None, length: int, frame: int) -> None:
    timeline = build([clip(Fraction(length))], Fraction(25))
    assert poster_frame(Output(name="poster", format=Format.JPG, at=at), timeline) == frame
