"""What a plan says: every frame and sample in one span, ways and reasons, costs and memory that do not grow with it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import media
from tests.render.studio import Studio, color, image, uri
from videojob_contract.errors import CancelledError, PermanentError, Reason
from videojob_contract.plan_report import Plan, SpanEntry
from videojob_worker import engine
from videojob_worker.explain import describe


def plan(studio: Studio, clips: list[dict[str, Any]], **options: Any) -> Plan:
    return engine.plan(studio.request(clips, **options), lambda _: None, lambda: False)


def crossfade(duration: str = "500ms") -> dict[str, Any]:
    return {"transition": {"type": "crossfade", "duration": duration}}


@pytest.fixture
def photograph() -> Path:
    return media.photographs(160, 90)[0]


def test_counts_ways_and_reasons(studio: Studio, photograph: Path) -> None:
    found = plan(
        studio,
        [color("#000000", "1s"), image(photograph, "2s", **crossfade()), color("#ffffff", "1s")],
        files=[photograph],
        outputs=[{"name": "main", "format": "mp4", "crf": 20}, {"name": "poster", "format": "jpg", "at": "2s"}],
    )
    assert (found.width, found.height, found.fps, found.frames) == (160, 90, Fraction(25), 88)
    assert (found.samples, found.duration_s) == (168_000, 3.5)
    ways = [(span.start, span.frames, span.samples, span.kind, span.clips) for span in found.spans]
    assert ways == [
        (0, 13, 24_960, "still", [0]),
        (13, 12, 23_040, "blend", [0, 1]),
        (25, 38, 72_960, "still", [1]),
        (63, 25, 47_040, "still", [2]),
    ]
    assert found.spans[0].why.startswith("clip 0 (color) stands still: one picture")
    assert found.spans[1].why.startswith("crossfade from clip 0 (color) to clip 1 (image), each of which stands still:")
    assert [(clip.kind, clip.start, clip.frames, clip.entry_frames) for clip in found.clips] == [
        ("color", 0, 25, 0),
        ("image", 13, 50, 12),
        ("color", 63, 25, 0),
    ]
    assert [(output.name, output.format, output.why) for output in found.outputs] == [
        (
            "main",
            "mp4",
            "segments side by side, joined without encoding again; crf 20",
        ),
        ("poster", "jpg", "frame 50"),
    ]
    assert found.cost == pytest.approx(sum(span.cost for span in found.spans))
    assert found.cost == pytest.approx(sum(segment.cost for segment in found.segments))


def test_nothing_is_made(studio: Studio) -> None:
    plan(studio, [color("#000000", "1h")])
    assert list(studio.scratch.iterdir()) == []


def test_sounds_are_placed_to_the_sample(studio: Studio) -> None:
    track = media.music()
    found = plan(
        studio,
        [color("#000000", "2s")],
        files=[track],
        tracks=[
            {"uri": uri(track), "from": "1s", "to": "1500ms", "offset": "250ms", "volume": 0.5},
            {"uri": uri(track), "loop": True, "fadeOut": "1s"},
        ],
    )
    placed = [(sound.field, sound.start_sample, sound.samples, sound.why) for sound in found.sounds]
    assert placed == [
        ("spec.audio.tracks[0]", 12_000, 24_000, "mixed over the whole timeline; gain 0.5"),
        ("spec.audio.tracks[1]", 0, 96_000, "mixed over the whole timeline; repeated; fades out for 1s"),
    ]


def test_sounds_of_videos_are_listed_with_what_is_done_to_them(studio: Studio) -> None:
    bunny = media.clip("bigbuckbunny.mp4")
    video = {"uri": uri(bunny), "to": "2s"}
    found = plan(
        studio,
        [
            {"video": video},
            {"video": {**video, "speed": 2, "reverse": True}, **crossfade()},
            {"video": {**video, "volume": 0}},
        ],
        files=[bunny],
        overlays=[{"video": {**video, "volume": 0.5}, "from": "1s", "to": "2s"}],
    )
    placed = [(sound.field, sound.start_sample, sound.samples, sound.why) for sound in found.sounds]
    assert placed == [
        ("spec.clips[0].video", 0, 96_000, "the video's own sound; crossfaded for 0.5s at its end"),
        (
            "spec.clips[1].video",
            72_000,
            48_000,
            "the video's own sound; at 2x in its own pitch; played backwards; crossfaded for 0.5s at its start",
        ),
        ("spec.overlays[0].video", 48_000, 48_000, "the video's own sound; gain 0.5"),
    ]
    assert [span.kind for span in found.spans] == ["decoded"] * len(found.spans)
    assert "overlay 0 moves" in found.spans[1].why


def test_a_plan_says_what_keeps_a_span_from_standing_still(studio: Studio, photograph: Path) -> None:
    found = plan(
        studio,
        [
            image(photograph, "2s", motion={"zoom": {"to": 1.2}}),
            image(photograph, "1s", effects=[{"name": "BlackAndWhite"}]),
            image(photograph, "2s"),
        ],
        files=[photograph],
        overlays=[{"image": {"uri": uri(photograph)}, "from": "3s", "to": "5s", "fadeIn": "400ms", "scale": 0.2}],
    )
    assert [(span.kind, span.frames, span.why.partition(":")[0]) for span in found.spans] == [
        ("animated", 50, "clip 0 (image) moves"),
        ("still", 25, "clip 1 (image) has effect BlackAndWhite"),
        ("animated", 10, "clip 2 (image) stands still; overlay 0 fades in"),
        ("still", 40, "clip 2 (image) stands still; overlay 0 lies over it"),
    ]


def test_what_is_wrong_with_a_source_is_said_as_in_a_render(studio: Studio, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("just text")
    with pytest.raises(PermanentError, match=r"spec\.clips\[1\]\.image\.uri: volume://media/bad\.png") as caught:
        plan(studio, [color("#000000"), image(bad)], files=[bad])
    assert caught.value.reason is Reason.INVALID_MEDIA


def test_it_can_be_cancelled(studio: Studio, photograph: Path) -> None:
    with pytest.raises(CancelledError):
        engine.plan(studio.request([image(photograph)], files=[photograph]), lambda _: None, lambda: True)


def test_memory_does_not_grow_with_the_number_of_clips(studio: Studio) -> None:
    few, many = (plan(studio, [color("#000000", "1s"), *[color("#ffffff", "1s", **crossfade())] * n]) for n in (2, 400))
    assert many.memory_bytes == few.memory_bytes
    assert plan(studio, [color("#000000")], size=(1920, 1080)).memory_bytes > few.memory_bytes


def test_a_plan_that_nobody_could_read_is_refused(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "MOST_SPANS", 3)
    plan(studio, [color("#000000")] * 3)
    with pytest.raises(PermanentError, match="4 spans, more than the 3"):
        plan(studio, [color("#000000")] * 4)


@st.composite
def jobs(draw: st.DrawFn) -> tuple[list[dict[str, Any]], str]:
    """Any timeline of stills, some with transitions."""
    overlaps = draw(st.lists(st.integers(0, 900), max_size=8))
    clips = []
    for index in range(len(overlaps) + 1):
        entry = overlaps[index - 1] if index else 0
        departure = overlaps[index] if index < len(overlaps) else 0
        length = max(entry + departure + draw(st.integers(0, 3000)), 50)
        clips.append(color("#123456", f"{length}ms", **(crossfade(f"{entry}ms") if entry else {})))
    return clips, draw(st.sampled_from(["24000/1001", "25", "29.97", "60", "59.94"]))


def covers(entries: list[SpanEntry], plan: Plan) -> bool:
    starts = [entry.start for entry in entries]
    ends = [entry.start + entry.frames for entry in entries]
    return starts == [0, *ends[:-1]] and ends[-1] == plan.frames


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jobs(), st.integers(1, 8))
def test_every_frame_and_sample_is_in_one_span(
    studio: Studio, job: tuple[list[dict[str, Any]], str], threads: int
) -> None:
    clips, fps = job
    found = plan(studio, clips, fps=fps, threads=threads)
    assert covers(found.spans, found)
    assert sum(span.samples for span in found.spans) == found.samples
    for span in found.spans:
        exact = Fraction(48_000) * span.frames / found.fps
        assert abs(span.samples - exact) <= (1 if span is not found.spans[-1] else 48_000 / found.fps)
    segments = [(segment.start, segment.frames) for segment in found.segments]
    assert sum(frames for _, frames in segments) == found.frames
    assert {start for start, _ in segments} <= {span.start for span in found.spans}
    assert found.encoders <= min(threads, len(segments))
    assert Plan.model_validate_json(found.model_dump_json(by_alias=True)) == found
