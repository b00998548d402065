"""The plan: exact times, spans that cover every frame once, segments and costs that add up."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import Format, Output
from videojob_contract.resources.timeline import Clip, Transition
from videojob_worker.plan.cost import cut_segments, frame_costs, span_cost
from videojob_worker.plan.spans import Blend, Still, compile_spans, end_of
from videojob_worker.plan.timeline import Timeline, build_timeline
from videojob_worker.poster import poster_frame

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
    return build_timeline(clips, draw(st.sampled_from(RATES)))


@given(timelines())
def test_spans_cover_every_frame_once_in_order(timeline: Timeline) -> None:
    spans = compile_spans(timeline)
    assert spans[0].start == 0
    assert all(end_of(a) == b.start for a, b in pairwise(spans))
    assert end_of(spans[-1]) == timeline.frames
    assert all(span.frames > 0 for span in spans)
    assert abs(timeline.frames - timeline.length_s * timeline.fps) <= Fraction(1, 2)


@given(timelines(), st.integers(1, 16))
def test_segments_keep_all_spans_and_start_with_stills(timeline: Timeline, threads: int) -> None:
    spans = compile_spans(timeline)
    segments = cut_segments(spans, threads)
    assert tuple(span for segment in segments for span in segment.spans) == spans
    assert all(isinstance(segment.spans[0], Still) for segment in segments[1:])
    assert sum(segment.cost for segment in segments) == pytest.approx(sum(map(span_cost, spans)))
    assert sum(frame_costs(spans)) == pytest.approx(sum(map(span_cost, spans)))
    assert threads > 1 or timeline.frames > 1800 or len(segments) == 1


def test_long_timelines_are_cut_for_all_threads() -> None:
    timeline = build_timeline(
        [clip(Fraction(3), Fraction(1, 2) if index else None) for index in range(100)], Fraction(30)
    )
    segments = cut_segments(compile_spans(timeline), 4)
    assert 12 <= len(segments) <= 16
    assert max(segment.cost for segment in segments) < 1.5 * min(segment.cost for segment in segments)


def test_ten_photographs_with_crossfades_are_765_frames() -> None:
    timeline = build_timeline(
        [clip(Fraction(3), Fraction(1, 2) if index else None) for index in range(10)], Fraction(30)
    )
    spans = compile_spans(timeline)
    assert timeline.frames == 765
    assert timeline.samples == 1_224_000
    assert sum(span.frames for span in spans if isinstance(span, Blend)) == 135


def test_boundaries_are_rounded_once_and_never_drift() -> None:
    # A third of a second is 7.99 frames at 23.976: rounding each clip on its own would gain 8 frames in 1000.
    timeline = build_timeline([clip(Fraction(1, 3))] * 1000, RATES[0])
    assert timeline.frames == round(Fraction(1000, 3) * RATES[0])
    for index, times in enumerate(timeline.clips):
        assert abs(times.start - Fraction(index, 3) * RATES[0]) <= Fraction(1, 2)


def test_a_clip_shorter_than_its_transitions_is_refused() -> None:
    clips = [clip(Fraction(2)), clip(Fraction(1), Fraction(3, 4)), clip(Fraction(2), Fraction(1, 2))]
    with pytest.raises(PermanentError, match=r"spec\.clips\[1\]\.duration: 1s is shorter .* \(1\.25s\)") as caught:
        build_timeline(clips, Fraction(25))
    assert caught.value.reason is Reason.INVALID_SPEC


def test_a_timeline_without_a_frame_is_refused() -> None:
    with pytest.raises(PermanentError, match="shorter than one frame"):
        build_timeline([clip(Fraction(1, 1000))], Fraction(25))


@pytest.mark.parametrize(
    ("at", "length", "frame"),
    [(None, 4, 25), (None, 1, 12), (Fraction(2), 4, 50), (Fraction(99), 4, 99), (Fraction(0), 4, 0)],
)
def test_a_poster_shows_the_frame_on_screen_at_its_time(at: Fraction | None, length: int, frame: int) -> None:
    timeline = build_timeline([clip(Fraction(length))], Fraction(25))
    assert poster_frame(Output(name="poster", format=Format.JPG, at=at), timeline) == frame
