"""Frames that the plan codes: each is coded so that decoders show what was planned, whatever the spans."""

from itertools import pairwise

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import media
from tests.render.studio import Studio, color, decode, image, psnr
from videojob_worker.encode.frame_types import LONGEST_REPEAT, FrameType, can_be_coded, code_frames
from videojob_worker.timeline.segments import Segment
from videojob_worker.timeline.spans import Span, SpanKind

REFERENCES = {FrameType.KEY, FrameType.REFERENCE, FrameType.ANCHOR}


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """Stills, with cuts, transitions and short motion between them."""
    spans: list[Span] = []
    frame = draw(st.integers(0, 1000))
    for clip in range(draw(st.integers(1, 6))):
        between = draw(st.sampled_from([None, SpanKind.BLEND, SpanKind.ANIMATED])) if clip else None
        for kind, clips in ((between, (clip - 1, clip)), (SpanKind.STILL, (clip,))):
            if kind is not None:
                spans.append(Span(frame, draw(st.integers(1, 90)), kind, clips))
                frame = spans[-1].end
    frames = st.integers(spans[0].start, spans[-1].end - 1)
    return Segment(tuple(spans), 1.0, tuple(sorted(draw(st.sets(frames, max_size=5)))), draw(st.sampled_from([8, 16])))


@given(segments(), st.none() | st.integers(1, 100), st.sets(st.integers(0, 1500), max_size=3))
def test_every_frame_has_what_it_is_coded_from(segment: Segment, interval: int | None, cuts: set[int]) -> None:
    codes = code_frames(segment, interval, cuts)
    assert len(codes) == segment.frames
    assert codes[0] is FrameType.KEY
    assert codes[-1] is not FrameType.BETWEEN, "nothing comes after it that it could be coded from"
    for before, after in pairwise(codes):
        assert not (before is FrameType.BETWEEN and after in {FrameType.KEY, FrameType.REPEAT})
    references = [frame for frame, code in enumerate(codes) if code in REFERENCES]
    for before, after in pairwise([*references, len(codes)]):
        run = codes[before + 1 : after]
        assert set(run) <= {FrameType.BETWEEN} or set(run) <= {FrameType.REPEAT}
        assert len(run) <= (segment.longest_run if FrameType.BETWEEN in run else LONGEST_REPEAT)
    keys = [frame for frame, code in enumerate(codes) if code is FrameType.KEY]
    assert max(b - a for a, b in pairwise([*keys, len(codes)])) <= (interval or 250)
    assert {frame - segment.start for frame in cuts} & set(range(segment.frames)) <= set(keys)


@given(segments())
def test_only_pictures_that_stand_still_are_repeated(segment: Segment) -> None:
    codes = code_frames(segment, None)
    for span in segment.spans:
        first, *rest = codes[span.start - segment.start : span.end - segment.start]
        assert first is not FrameType.REPEAT
        assert span.is_still or FrameType.REPEAT not in rest
        assert not span.is_still or set(rest) <= {FrameType.REPEAT, FrameType.ANCHOR, FrameType.KEY}


def test_what_moves_for_long_is_left_to_the_encoder() -> None:
    still = Span(0, 90, SpanKind.STILL, (0,))
    short, long = Span(90, 30, SpanKind.ANIMATED, (0,)), Span(90, 31, SpanKind.DECODED, (1,))
    assert can_be_coded(Segment((still,), 1.0))
    assert can_be_coded(Segment((still, short), 1.0))
    assert not can_be_coded(Segment((still, long), 1.0))


@pytest.mark.parametrize("preset", ["ultrafast", "medium", "slower"])
@pytest.mark.parametrize("transition", ["crossfade", "fade", "slideLeft", "dissolve"])
def test_all_frames_are_what_was_planned(studio: Studio, preset: str, transition: str) -> None:
    """A decoder that lost count of frames, or predicted from another one than x264 did, would drift at once."""
    paths = media.photographs(320, 180)[:3]
    entry = {"transition": {"type": transition, "duration": "900ms"}}
    clips = [image(paths[0], "4s"), image(paths[1], "1800ms", **entry), image(paths[2], "6s", **entry)]
    clips.append(color("#204060", "300ms"))
    wanted = {"format": "mp4", "preset": preset, "crf": 12, "keyframeInterval": "1700ms"}
    kept = studio.render(clips, files=paths, size=(320, 180), outputs=[{"name": "kept", **wanted}])[0]
    exact = {"name": "exact", "format": "mp4", "preset": "ultrafast", "crf": 0}
    lossless = studio.render(clips, files=paths, size=(320, 180), outputs=[exact])[0]
    shown, planned = decode(kept.path), decode(lossless.path)
    assert len(shown) == len(planned) == kept.frames
    assert min(psnr(a, b) for a, b in zip(shown, planned, strict=True)) > 36
    with av.open(str(kept.path)) as container:
        keys = [round(packet.pts * packet.time_base * 25) for packet in container.demux(video=0) if packet.is_keyframe]
    assert max(b - a for a, b in pairwise(keys)) <= 51


def test_a_still_costs_the_same_bytes_however_long(studio: Studio) -> None:
    path = media.photographs(320, 180)[0]
    short, long = (studio.movie([image(path, f"{s}s")], files=[path], size=(320, 180)).stat().st_size for s in (2, 8))
    assert long - short < 150 * 60


def test_cuts_that_the_encoder_finds_are_no_damage(studio: Studio) -> None:
    """Without references further back, libav's parser takes any picture coded by itself for a keyframe."""
    paths = media.photographs(320, 180)[:6]
    clips = [image(path, "80ms", motion={"zoom": {"from": 1, "to": 1.1}}) for path in paths]
    draft = {"name": "main", "format": "mp4", "quality": "draft", "crf": 0}
    assert len(decode(studio.movie(clips, files=paths, size=(320, 180), outputs=[draft]))) == 12


@pytest.mark.parametrize("apart", [1, 2, 3, 6, 7, 8, 9, 17])
def test_keyframes_may_be_close(studio: Studio, apart: int) -> None:
    """Of stills and of what moves, whose segments are not coded alike."""
    moves = {"motion": {"zoom": {"from": 1, "to": 2}}}
    clips = [color("#204060", "6s"), {**color("#604020", "6s"), **moves}]
    close = {"name": "main", "format": "mp4", "preset": "veryfast", "keyframeInterval": f"{40 * apart}ms"}
    with av.open(str(studio.movie(clips, outputs=[close], threads=2))) as container:
        found = [packet for packet in container.demux(video=0) if packet.pts is not None]
        numbers = sorted((round(packet.pts * packet.time_base * 25), packet.is_keyframe) for packet in found)
    keys = [number for number, is_key in numbers if is_key]
    assert [number for number, _ in numbers] == list(range(300))
    assert max(later - earlier for earlier, later in pairwise([*keys, 300])) <= apart


def test_only_who_asks_for_it_loses_nothing(studio: Studio) -> None:
    clip = image(media.photographs(320, 180)[0], "1s", motion={"zoom": {"from": 1, "to": 1.5}})
    outputs = [{"name": f"crf{crf}", "format": "mp4", "crf": crf} for crf in (0, 1)]
    exact, good = studio.render([clip], files=[media.photographs(320, 180)[0]], size=(320, 180), outputs=outputs)
    assert good.path.stat().st_size < 0.8 * exact.path.stat().st_size


@pytest.mark.parametrize("preset", ["ultrafast", "faster", "medium", "veryslow"])
def test_stretches_that_are_coded_in_different_ways_fit_together(studio: Studio, preset: str) -> None:
    path = media.photographs(320, 180)[0]
    clips = [image(path, "4s"), image(path, "4s", motion={"zoom": {"to": 1.3}}), image(path, "5s")]
    output = {"name": "kept", "format": "mp4", "preset": preset}
    kept = studio.movie(clips, files=[path], size=(320, 180), outputs=[output], threads=2)
    exact = {"name": "exact", "format": "mp4", "preset": "ultrafast", "crf": 0}
    planned = decode(studio.movie(clips, files=[path], size=(320, 180), outputs=[exact]))
    assert min(psnr(a, b) for a, b in zip(decode(kept), planned, strict=True)) > 30
